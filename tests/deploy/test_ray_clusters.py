"""The files of Ray's cluster launcher: valid by Ray's own check, without public addresses, and with the token."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

from tests.support.paths import ROOT

FILES = sorted((ROOT / "deploy" / "ray").glob("*.yaml"))

Document = dict[str, Any]
cluster_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def _read(path: Path) -> Document:
    document: Document = yaml.safe_load(path.read_text())
    return document


def test_there_are_files_for_gpus_and_tpus() -> None:
    assert [path.stem for path in FILES] == ["gpu-aws", "gpu-gcp", "tpu-gcp"]


@cluster_file
def test_ray_accepts_it(path: Path) -> None:
    prepared = prepare_config(_read(path))
    validate_config(prepared)
    assert prepared["head_node_type"] == "head"


def test_an_unknown_field_is_invalid() -> None:
    prepared = prepare_config({**_read(FILES[0]), "idle_timeout": 10})
    with pytest.raises(Exception, match="idle_timeout"):
        validate_config(prepared)


@cluster_file
def test_every_start_of_ray_has_the_token(path: Path) -> None:
    document = _read(path)
    assert document["file_mounts"] == {"~/.ray/auth_token": "~/.ray/auth_token"}
    starts = [
        command
        for field in ("head_start_ray_commands", "worker_start_ray_commands")
        for command in document[field]
        if "ray start" in command
    ]
    assert len(starts) == 2
    for command in starts:
        assert command.startswith("RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$HOME/.ray/auth_token ray start ")
    assert "--include-dashboard=false" in starts[0]


@cluster_file
def test_no_machine_has_a_public_address(path: Path) -> None:
    provider = _read(path)["provider"]
    assert provider["use_internal_ips"] is True
    for rule in provider.get("security_group", {}).get("IpPermissions", []):
        assert rule["FromPort"] == rule["ToPort"] == 22
        assert all(open_to["CidrIp"].startswith("10.") for open_to in rule["IpRanges"])


@cluster_file
def test_workers_autoscale_on_spot_machines_and_have_their_devices(path: Path) -> None:
    document = _read(path)
    device = path.stem.split("-")[0]
    worker = document["available_node_types"][device]
    assert worker["min_workers"] == 0 < worker["max_workers"] <= document["max_workers"]
    assert worker["resources"][device.upper()] >= 1
    node = worker["node_config"]
    assert any(
        (
            node.get("InstanceMarketOptions") == {"MarketType": "spot"},
            {"provisioningModel": "SPOT"} in node.get("scheduling", []),
            node.get("schedulingConfig") == {"preemptible": True},
        )
    )
    assert document["available_node_types"]["head"]["resources"] == {"CPU": 0}


@cluster_file
def test_it_has_placeholders_instead_of_account_data(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"ami-[0-9a-f]{8}|subnet-[0-9a-f]{8}|\d{12}", text)
    assert "EDIT-REGISTRY" in text
