"""The interface between a supervisor and its runners: lease, environment and exit statuses. Imports no Ray."""

from __future__ import annotations

LEASE_SECONDS = 20.0

DATABASE_URL_VARIABLE = "EFFSPINE_DATABASE_URL"
"""The URL of the database. It may have a password and command lines are visible, so it is in the environment."""

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_NOT_OURS = 3
"""The campaign is finished, or another runner has it; this runner is not restarted."""
EXIT_MUST_WAIT = 4
"""The database or the Ray cluster is unavailable, or a disk is full; the campaign continues later."""
EXIT_WAITS = 5
"""The campaign waits for what `waiting_for` says; other campaigns continue."""
