"""`python -m tests.chaos.uninterrupted DATA_DIR NEW_DIR`: runs a campaign, whose specification is in the standard
input, in one go and in this process, on a data set of another data directory; prints what it has trained as JSON.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from nas_controller.execution.in_process_executor import InProcessExecutor
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.store import Store, sqlite_url
from nas_controller.supervision.runner import Machine, run
from tests.support.paths import ROOT

LEASE_SECONDS = 120.0
RUN_SECONDS = 1_500.0


def what_was_trained(store: Store, campaign_id: str) -> dict[str, Any]:
    """The digest of the shared weights of a campaign, and the rewards of its trials and of its finals, in order."""
    training = store.reads.get_campaign(campaign_id).shared_training
    columns = store.reads.trial_columns(campaign_id, "number", "widths", "reward")
    finals = sorted((run.trial, run.seed, run.reward) for run in store.reads.final_runs(campaign_id))
    return {
        "weights_sha256": None if training is None else training.weights_sha256,
        "trials": [list(row) for row in zip(*columns.values(), strict=True)],
        "finals": [list(run) for run in finals],
    }


def uninterrupted(specification: dict[str, Any], data_dir: Path) -> dict[str, Any]:
    """`what_was_trained` by a campaign on the data sets of `data_dir` that nothing interrupts, in another process.
    Raises CalledProcessError.
    """
    with tempfile.TemporaryDirectory(prefix="effspine-uninterrupted-") as new_dir:
        completed = subprocess.run(
            [sys.executable, "-m", "tests.chaos.uninterrupted", str(data_dir), new_dir],
            input=json.dumps(specification),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            timeout=RUN_SECONDS,
            check=True,
        )
    found: dict[str, Any] = json.loads(completed.stdout)
    return found


def main(data_dir: Path, new_dir: Path) -> None:
    """Runs the campaign and prints the JSON."""
    spec = CampaignSpec.model_validate_json(sys.stdin.read())
    shutil.copytree(data_dir / "datasets", new_dir / "datasets")
    with closing(Store.open(sqlite_url(new_dir / "effspine.db"))) as store:
        campaign_id = store.service.create_campaign(spec).id
        run(campaign_id, store, new_dir, "uninterrupted", LEASE_SECONDS, Machine(executor=InProcessExecutor()))
        print(json.dumps(what_was_trained(store, campaign_id)))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
