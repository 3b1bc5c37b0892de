"""Proposes architectures, learns from their rewards, runs campaigns and keeps their record."""
