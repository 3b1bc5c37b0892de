"""Proposes architectures, learns from their rewards, runs campaigns and stores their history."""
