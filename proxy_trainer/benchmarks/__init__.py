"""Benchmarks of the trainer: `effspine bench engine`, `profile`, `settings`, `memory` and `evaluation`."""
