"""Trainings of the tasks of the paper whose networks have fixed widths."""
