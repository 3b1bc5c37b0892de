"""Benchmarks of the service: `effspine bench load`."""
