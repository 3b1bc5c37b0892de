"""A runner whose trials train in threads of its process, without Ray: a script for a supervisor's `runner_command`."""

from __future__ import annotations

import sys

from nas_controller.execution.in_process_executor import InProcessExecutor
from nas_controller.supervision.runner import main

IN_PROCESS_RUNNER = (sys.executable, "-P", __file__)

if __name__ == "__main__":
    sys.exit(main(executor=InProcessExecutor()))
