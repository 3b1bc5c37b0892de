"""What a trial does with the engine: batches, common start, checkpoints, evaluation, failures."""
