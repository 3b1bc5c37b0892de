"""Campaigns over the store: the loop, its replay, estimates, figures and data sets by name."""
