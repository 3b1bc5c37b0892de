"""Measures exports on this machine, for `effspine bench`."""
