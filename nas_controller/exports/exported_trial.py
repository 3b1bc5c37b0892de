"""A trial as it is exported: its specification, with provenance, and its name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from exporters.provenance import provenance_of
from nas_controller.store import CampaignRecord, NotFoundError, Store, TrialRecord
from search_space.architecture import Architecture
from search_space.detector_model import DetectorModel
from search_space.document import BlockSpecification
from search_space.file_names import file_stem as file_stem


class ExportedTrial(NamedTuple):
    """A trial, its campaign, and the versions of the software that ran it, where the record has them."""

    campaign: CampaignRecord
    trial: TrialRecord
    versions: dict[str, str]

    @property
    def name(self) -> str:
        """The name of its architecture and its files."""
        return f"{file_stem(self.campaign.name)}-trial-{self.trial.number}"

    def provenance(self) -> dict[str, Any]:
        """Where it comes from."""
        return provenance_of(self.campaign.to_dict(), self.trial.to_dict(), self.versions)

    def specification(self) -> BlockSpecification:
        """Its architecture at full size, without weights."""
        return BlockSpecification(
            self.campaign.spec.search_space.build().architecture(self.trial.widths, name=self.name),
            self.provenance(),
            anchor_size=self.campaign.spec.proxy_task.resolve().anchor_size,
        )

    def named(self, detector: DetectorModel) -> DetectorModel:
        """A detector of this trial with its name and provenance; data that the detector states stay."""
        specification = detector.specification
        provenance = self.provenance()
        data = specification.provenance.get("data")
        network = replace(specification.architecture, name=self.name)
        provenance = provenance if data is None else {**provenance, "data": data}
        return replace(detector, specification=replace(specification, architecture=network, provenance=provenance))

    def baseline(self) -> Architecture:
        """The uniform baseline of its campaign."""
        space = self.campaign.spec.search_space.build()
        return space.architecture(space.baseline.widths, name="uniform baseline")


def find_exported(store: Store, campaign_id: str, number: int | None) -> ExportedTrial:
    """The trial with this number, or the one that is known as the best. Raises NotFoundError."""
    campaign = store.reads.get_campaign(campaign_id)
    number = campaign.best_known_trial if number is None else number
    if number is None:
        raise NotFoundError(f"campaign '{campaign_id}' has no reward yet, so it has no best trial; name a trial")
    trial = store.reads.get_trial_record(campaign_id, number)
    return ExportedTrial(campaign, trial, store.reads.versions_of(campaign_id, trial.finished_at))
