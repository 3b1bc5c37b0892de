"""Trainings of one network in the service: requests, their checks, and the files of each."""
