"""Parts of the example response of a trial; the lists are longer in real ones."""

from __future__ import annotations

from typing import Any

TRIAL_PARTS: dict[str, Any] = {
    "blocks": [
        {
            "block": 1,
            "level": 1,
            "multiplier": 1,
            "width": 8,
            "baseline_width": 16,
            "madds": 51511296,
            "params": 1066,
            "share": 0.02265,
            "baseline_share": 0.04564,
        }
    ],
    "levels": [{"level": 1, "share": 0.02265, "baseline_share": 0.04564}],
    "coco_metrics": None,
}
