"""Trains and scores one architecture: data sets, the training engine, and COCO evaluation."""
