"""What keeps campaigns running: supervisor, runner processes, leases and shares."""
