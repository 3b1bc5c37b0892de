"""`resources` of a campaign and of a training: the processors, GPUs and TPU chips that each trial or training takes."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, model_validator

from nas_controller.search.field_descriptions import setting
from nas_controller.search.limits import MAX_PROCESSORS
from nas_controller.search.strict_types import Real, Whole
from nas_controller.search.validation_errors import located
from search_space.errors import InvalidValueError


class ResourcesSpec(BaseModel):
    """The resources of one trial or training.

    `cpus` None is an equal share of the machine, or one processor on a cluster. `gpus` None is an equal share of the
    available GPUs: whole ones if there are enough, otherwise a fraction of one; of a training on a cluster, one GPU if
    there is any. Above one, `gpus` is a whole number. `tpus` are chips of one host.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpus: Whole | None = setting(
        "Processors",
        "Processors of each.",
        default=None,
        ge=1,
        le=MAX_PROCESSORS,
        null="an equal share, or 1 on a cluster",
    )
    gpus: Real | None = setting(
        "GPUs",
        "GPUs of each: below 1 a share of one, above 1 whole ones.",
        default=None,
        ge=0,
        le=64,
        allow_inf_nan=False,
        null="an equal share",
    )
    tpus: Whole = setting("TPU chips", "TPU chips of each, of one host.", default=0, ge=0, le=64)

    @model_validator(mode="after")
    def _can_be_allocated(self) -> ResourcesSpec:
        message = None
        if self.gpus is not None and self.gpus > 1 and self.gpus != int(self.gpus):
            whole = int(self.gpus)
            message = f"gpus is {self.gpus:g}; above 1 a trial takes whole GPUs: give {whole} or {whole + 1}"
        elif self.gpus and self.tpus:
            message = f"a trial takes GPUs or TPUs, not both ({self.gpus:g} GPUs and {self.tpus} TPUs)"
        if message:
            raise located(InvalidValueError(message, field="resources.gpus"), self, "resources", "gpus")
        return self

    @property
    def devices(self) -> float:
        """The devices that a trial's device time counts: its GPUs or TPU chips, or one device."""
        return float(self.tpus or self.gpus or 1)

    def devices_in_place_of(self, trials: int) -> float:
        """The devices of one worker that has the equal shares of so many trials: those of all. Of `gpus` or `tpus` that
        are given it has those of one trial.
        """
        return self.devices if self.gpus or self.tpus else self.devices * trials
