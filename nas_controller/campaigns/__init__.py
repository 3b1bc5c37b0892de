"""Campaigns over the store: the loop, its replay, estimates and figures."""
