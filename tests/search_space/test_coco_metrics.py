"""What the COCO metrics are called."""

from __future__ import annotations

from proxy_trainer.inference.runnable import figure_facts
from search_space.coco_metrics import METRICS, metric_title


def test_every_metric_has_a_title_of_its_own_that_evaluate_prints() -> None:
    titles = [metric_title(name) for name in METRICS]
    assert len(set(titles)) == 12
    assert not set(titles) & set(METRICS)
    assert figure_facts({"ap50": 0.5, "ar_small": None, "mask_ap": 0.25, "top1": 0.75}) == [
        ("AP at IoU 0.50", "0.5000"),
        ("AR small", "-"),
        ("mask AP", "0.2500"),
        ("top1", "0.7500"),
    ]
