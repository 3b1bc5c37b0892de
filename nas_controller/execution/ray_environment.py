"""Environment variables that Ray and Tune read when they are imported or started. Imported before them."""

from __future__ import annotations

import os

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_worker_niceness", "0")  # at 15, any other work on this machine starves training
os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # a local Ray listens on loopback alone
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # a trial without a GPU share keeps the variables
os.environ.setdefault("RAY_COLOR_PREFIX", "0")  # logs are files, and their ends are shown in responses and pages

os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
os.environ["TUNE_GLOBAL_CHECKPOINT_S"] = "86400"
os.environ["TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S"] = "0"
os.environ["TUNE_DISABLE_SIGINT_HANDLER"] = "1"  # Tune's handler swallows Ctrl-C
# The new output prints a banner at any verbosity, with the size and the directory of one experiment.
os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
