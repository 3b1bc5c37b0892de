"""Runs trials: executors (Ray, in this process) and workers with their logs and checkpoints. It uses no database."""
