"""What a supervisor and its runners agree on: lease, environment and exit statuses. Imports no Ray."""

from __future__ import annotations

LEASE_SECONDS = 20.0

DATABASE_URL_VARIABLE = "EFFSPINE_DATABASE_URL"
"""The URL of the database. It is in the environment since it may have a password, and command lines are visible."""

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_NOT_OURS = 3
"""The campaign is finished, or another runner has it: nothing to do, nothing to restart."""
EXIT_MUST_WAIT = 4
"""The database or the Ray cluster is away, or a disk is full: the campaign has not failed and continues later."""
EXIT_WAITS = 5
"""The campaign says in `waiting_for` what it waits for. Only this campaign waits, others go on."""
