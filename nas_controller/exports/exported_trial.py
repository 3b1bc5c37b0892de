"""A trial as it is exported: its specification, with provenance, and its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from exporters.export import Export
from exporters.provenance import provenance_of
from nas_controller.campaigns.trial_detail import coco_metrics_of
from nas_controller.store import CampaignRecord, NotFoundError, Store, TrialRecord
from search_space.architecture import Architecture
from search_space.detector_model import DetectorModel
from search_space.document import BlockSpecification
from search_space.file_names import file_stem as file_stem


class ExportedTrial(NamedTuple):
    """A trial, its campaign, and the versions of the software that ran it, where the record has them."""

    campaign: CampaignRecord
    trial: TrialRecord
    versions: Mapping[str, str]

    @property
    def name(self) -> str:
        """The name of its architecture and its files."""
        return f"{file_stem(self.campaign.name)}-trial-{self.trial.number}"

    @property
    def architecture(self) -> Architecture:
        """The network at full size as the search counts its cost: with the class slots of the base."""
        return self.campaign.spec.search_space.build().architecture(self.trial.widths, name=self.name)

    def specification(self) -> BlockSpecification:
        """Its architecture at full size for the classes of the campaign's data, without weights.

        `training` and `figures` are those of the trial. They are None where nothing was trained, and the classes where
        the data are not recorded; the class slots are then those of the base.
        """
        network, classes = self.architecture, (self.campaign.data or {}).get("classes")
        return BlockSpecification(
            network if classes is None else replace(network, class_slots=len(classes)),
            self._provenance(),
            anchor_size=self.campaign.spec.proxy_task.resolve().anchor_size,
            classes=classes,
            training=self._training(),
            figures=self._figures(),
        )

    def drawn(self) -> Export:
        """What a drawing beside the baseline is made of: the network with the cost that the search counts."""
        return Export(BlockSpecification(self.architecture, self._provenance()), baseline=self.baseline())

    def named(self, detector: DetectorModel) -> DetectorModel:
        """A detector of this trial with its name and provenance; data that the detector states stay."""
        specification = detector.specification
        data = specification.provenance.get("data")
        network, provenance = replace(specification.architecture, name=self.name), self._provenance()
        provenance = provenance if data is None else {**provenance, "data": data}
        return replace(detector, specification=replace(specification, architecture=network, provenance=provenance))

    def baseline(self) -> Architecture:
        """The uniform baseline of its campaign."""
        space = self.campaign.spec.search_space.build()
        return space.architecture(space.baseline.widths, name="uniform baseline")

    def _provenance(self) -> dict[str, Any]:
        trial = self.trial
        cost = {"class_slots": self.architecture.class_slots, "madds": trial.madds, "params": trial.params}
        found = provenance_of(self.campaign.to_dict(), trial.to_dict(), self.versions)
        return {**found, "cost_in_search": cost}

    def _training(self) -> dict[str, Any] | None:
        task = self.campaign.spec.proxy_task.resolve()
        if task.kind == "synthetic" or not self.trial.metrics:
            return None
        stopped = self.trial.stopped_early_step
        early = {} if stopped is None else {"stopped_early_step": stopped}
        return {"proxy_task": task.to_dict(), "seed": self.campaign.spec.seed, **early}

    def _figures(self) -> dict[str, float | None] | None:
        metrics = None if self._training() is None else coco_metrics_of(self.trial.metrics)
        return None if metrics is None else {each.name: each.value for each in metrics}


def find_exported(store: Store, campaign_id: str, number: int | None) -> ExportedTrial:
    """The trial with this number, or the one that is known as the best. Raises NotFoundError."""
    campaign = store.reads.get_campaign(campaign_id)
    number = campaign.best_known_trial if number is None else number
    if number is None:
        raise NotFoundError(f"campaign '{campaign_id}' has no reward yet, so it has no best trial; name a trial")
    trial = store.reads.get_trial_record(campaign_id, number)
    return ExportedTrial(campaign, trial, store.reads.versions_of(campaign_id, trial.finished_at))
