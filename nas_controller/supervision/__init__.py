"""Keeps campaigns running: supervisor, runner processes, lease heartbeats and shares."""
