"""Trained and exported detectors in their own runtimes: evaluation and prediction."""
