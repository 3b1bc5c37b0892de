"""What follows from the widths and the metrics of a trial: its blocks and levels beside the baseline's, and its COCO
metrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from nas_controller.entities import BlockDocument, LevelDocument, MetricDocument
from nas_controller.store import Store, TrialRecord
from search_space.architecture import Architecture
from search_space.coco_metrics import COCO_METRICS, metric_title
from search_space.cost import CostReport, cost_report
from search_space.space import SearchSpace
from search_space.topology import BLOCKS, by_level


def trial_detail(store: Store, campaign_id: str, number: int) -> dict[str, Any]:
    """The document of a trial with its attempts, its learning curve and its parts, for `as_json`.

    Raises NotFoundError.
    """
    document = store.reads.trial_document(campaign_id, number)
    space = store.reads.get_campaign(campaign_id).spec.search_space.build()
    trial = store.reads.get_trial_record(campaign_id, number)
    blocks = blocks_of(space, trial)
    metrics = coco_metrics_of(trial.metrics)
    return {
        **document,
        "blocks": [each.to_dict() for each in blocks],
        "levels": [each.to_dict() for each in levels_of(blocks)],
        "coco_metrics": None if metrics is None else [each.to_dict() for each in metrics],
    }


def blocks_of(space: SearchSpace, trial: TrialRecord) -> tuple[BlockDocument, ...]:
    """The blocks of a trial, by number."""
    own, baseline = (
        _cost(space.architecture(trial.widths, name="")),
        _cost(space.architecture(space.baseline.widths, name="")),
    )
    multipliers = dict(zip(space.searched_blocks, trial.betas, strict=True))
    return tuple(
        BlockDocument(
            block=block.number,
            level=block.level,
            multiplier=multipliers.get(block.number),
            width=cost.width,
            baseline_width=other.width,
            madds=cost.madds,
            params=cost.params,
            share=cost.madds / own.madds,
            baseline_share=other.madds / baseline.madds,
        )
        for block, cost, other in zip(BLOCKS, own.blocks, baseline.blocks, strict=True)
    )


def levels_of(blocks: tuple[BlockDocument, ...]) -> tuple[LevelDocument, ...]:
    """The levels of these blocks, the finest first."""
    own = by_level(block.share for block in blocks)
    baseline = by_level(block.baseline_share for block in blocks)
    return tuple(LevelDocument(level=level, share=own[level], baseline_share=baseline[level]) for level in own)


def coco_metrics_of(metrics: Mapping[str, float] | None) -> tuple[MetricDocument, ...] | None:
    """The twelve COCO metrics among those of a trial; None where it has the AP alone, or none."""
    if metrics is None or not set(metrics).intersection(set(COCO_METRICS) - {"ap"}):
        return None
    return tuple(
        MetricDocument(name=name, title=metric_title(name), about=about, value=metrics.get(name))
        for name, about in COCO_METRICS.items()
    )


@lru_cache(maxsize=256)
def _cost(architecture: Architecture) -> CostReport:
    return cost_report(architecture)
