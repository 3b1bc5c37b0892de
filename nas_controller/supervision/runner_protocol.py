"""What a supervisor and its runners agree on; knows nothing of Ray, which a runner brings with it."""

from __future__ import annotations

LEASE_SECONDS = 20.0

DATABASE_URL_VARIABLE = "EFFSPINE_DATABASE_URL"
"""The record, told in the environment: its URL may have a password, and a command line is there for all to see."""

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_NOT_OURS = 3
"""The campaign is finished, or another runner has it: nothing to be done, nothing to be restarted."""
EXIT_MUST_WAIT = 4
"""The store or the Ray cluster is away, or a disk is full: nothing is wrong with the campaign, which goes on once that
is over.
"""
