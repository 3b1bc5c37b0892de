"""The versions of the rules that finals follow. Events name theirs, so a replay follows that of the record.

- 1, of events without a `rule`: finalists are chosen by estimated AP alone, among equals the higher reward first, then
  the earlier trial. Without a winner the finalist of the highest mean ranks first, or the baseline if that is worse.
- 2: finalists are chosen by the objective's value of the estimated AP, among equals the higher reward first, then fewer
  parameters, then the earlier trial. Without a winner the finalist of the highest mean ranks first if that is above 0.
"""

from __future__ import annotations

FIRST = 1
LATEST = 2
RULES = (FIRST, LATEST)
