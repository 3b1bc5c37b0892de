"""Trains and scores trials with the engine: batches, supernet, checkpoints, evaluation, error classification."""
