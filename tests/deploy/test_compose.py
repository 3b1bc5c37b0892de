"""docker-compose.yml: valid, restricted, without default secrets, and with existing commands."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from api.cli.main import app
from api.settings import Settings
from tests.support.compose_files import SECRETS, compose
from tests.support.paths import ROOT

EFFSPINE_SERVICES = ("api", "head", "supervisor", "worker")
RAY_SERVICES = ("head", "supervisor", "worker")


def _services(project: dict[str, Any]) -> dict[str, dict[str, Any]]:
    services: dict[str, dict[str, Any]] = project["services"]
    return services


@pytest.mark.parametrize("name", ["docker-compose.yml", "deploy/compose.gpu.yml"])
def test_it_follows_the_schema_of_the_specification(name: str) -> None:
    schema = json.loads((Path(__file__).parent / "schemas" / "compose-spec.json").read_text())
    jsonschema.Draft7Validator(schema).validate(yaml.safe_load((ROOT / name).read_text()))


def test_the_services_are_those_of_the_architecture(project: dict[str, Any]) -> None:
    assert set(_services(project)) == {"postgres", *EFFSPINE_SERVICES}
    assert _services(project)["worker"]["deploy"]["replicas"] == 2


@pytest.mark.parametrize("missing", SECRETS)
@pytest.mark.parametrize("state", ["absent", "empty"])
def test_a_missing_secret_is_an_error_that_names_it(missing: str, state: str) -> None:
    environment = {**SECRETS, missing: ""}
    if state == "absent":
        del environment[missing]
    read = compose(environment)
    assert read.returncode != 0
    assert f"fill in {missing} in .env" in read.stderr


def test_the_example_environment_has_every_variable_and_no_secret() -> None:
    stated = dict(
        line.split("=", 1) for line in (ROOT / ".env.example").read_text().splitlines() if re.match(r"[A-Z]", line)
    )
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert set(stated) == used
    assert [stated[name] for name in SECRETS] == ["", ""]


def test_secrets_are_in_environments_only(project: dict[str, Any]) -> None:
    for name, service in _services(project).items():
        other_fields = {key: value for key, value in service.items() if key != "environment"}
        assert not any(secret in json.dumps(other_fields) for secret in SECRETS.values()), name


def test_workers_have_no_database_password_and_the_api_has_no_ray_token(project: dict[str, Any]) -> None:
    for name, service in _services(project).items():
        environment = json.dumps(service["environment"])
        assert (SECRETS["POSTGRES_PASSWORD"] in environment) == (name in ("postgres", "api", "supervisor")), name
        assert (SECRETS["RAY_AUTH_TOKEN"] in environment) == (name in RAY_SERVICES), name


def test_only_the_api_publishes_a_port_and_on_loopback(project: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in _services(project).items() if service.get("ports")}
    assert list(published) == ["api"]
    assert [(port["host_ip"], port["published"], port["target"]) for port in published["api"]] == [
        ("127.0.0.1", "8000", 8000)
    ]


def test_only_api_and_supervisor_are_on_networks_with_access_to_the_outside(project: dict[str, Any]) -> None:
    internal = {name for name, network in project["networks"].items() if network.get("internal")}
    members = {name: set(service["networks"]) for name, service in _services(project).items()}
    assert members == {
        "postgres": {"database"},
        "api": {"front", "database"},
        "supervisor": {"database", "cluster", "outward"},
        "head": {"cluster"},
        "worker": {"cluster"},
    }
    assert internal == {"database", "cluster"}


def test_every_service_is_restricted_and_restarts(project: dict[str, Any]) -> None:
    for name, service in _services(project).items():
        assert service["user"].split(":")[0] not in ("0", "root"), name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert not service.get("cap_add"), name
        assert not service.get("privileged"), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"], name
        assert {"cpus", "memory"} <= service["deploy"]["resources"]["limits"].keys(), name


def test_images_are_pinned_and_effspine_services_share_one(
    project: dict[str, Any], gpu_project: dict[str, Any]
) -> None:
    for each, tag in ((project, "local"), (gpu_project, "local-gpu")):
        images = {name: service["image"] for name, service in _services(each).items()}
        assert {images[name] for name in EFFSPINE_SERVICES} == {f"effspine:{tag}"}
        assert re.fullmatch(r"postgres:\d+\.\d+-\w+", images["postgres"])
    assert _services(gpu_project)["api"]["build"]["args"] == {"VARIANT": "gpu"}


def test_the_gpu_worker_has_the_devices_that_it_registers_with_ray(gpu_project: dict[str, Any]) -> None:
    worker = _services(gpu_project)["worker"]
    (device,) = worker["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]
    assert f"--num-gpus={device['count']}" in worker["command"]


def test_every_ray_process_uses_and_requires_the_token(project: dict[str, Any]) -> None:
    for name, service in _services(project).items():
        uses_ray = service["command"][0] == "ray" or "--ray-address" in service["command"]
        assert uses_ray == (name in RAY_SERVICES)
        if uses_ray:
            assert service["environment"]["RAY_AUTH_MODE"] == "token"
            assert service["environment"]["RAY_AUTH_TOKEN"] == SECRETS["RAY_AUTH_TOKEN"]


def test_nodes_connect_to_the_address_of_the_head(project: dict[str, Any]) -> None:
    services = _services(project)
    assert "--port=6379" in services["head"]["command"]
    assert "--address=head:6379" in services["worker"]["command"]
    assert services["supervisor"]["command"][-2:] == ["--ray-address", "head:6379"]


@pytest.mark.parametrize("service", RAY_SERVICES)
def test_workers_and_supervisor_mount_the_data_volume(project: dict[str, Any], service: str) -> None:
    targets = [volume["target"] for volume in _services(project)[service].get("volumes", [])]
    assert targets == ([] if service == "head" else ["/data"])
    assert "EFFSPINE_DATA_DIR=/data" in (ROOT / "deploy" / "Dockerfile").read_text()


def test_effspine_commands_exist(project: dict[str, Any]) -> None:
    commands = [s["command"][1:] for s in _services(project).values() if s["command"][0] == "effspine"]
    assert len(commands) == 2
    for command in [*commands, *_commands_in_comments()]:
        assert_parses(command)


def _commands_in_comments() -> list[list[str]]:
    text = (ROOT / "docker-compose.yml").read_text()
    found = [
        line.split(" effspine ", 1)[1].split() for line in text.splitlines() if re.search(r"run --rm api eff", line)
    ]
    assert found
    return found


def assert_parses(arguments: Sequence[str]) -> None:
    """Fails unless the command line accepts these arguments; runs nothing."""
    result = CliRunner().invoke(app, [*arguments, "--help"])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("wrong", [["supervisor", "--ray-adress", "head:6379"], ["sapi"]])
def test_an_unknown_command_does_not_parse(wrong: list[str]) -> None:
    with pytest.raises(AssertionError):
        assert_parses(wrong)


def test_effspine_variables_are_settings(project: dict[str, Any]) -> None:
    known = {f"EFFSPINE_{name.upper()}" for name in Settings.model_fields}
    for name, service in _services(project).items():
        used = {variable for variable in service["environment"] if variable.startswith("EFFSPINE_")}
        assert used <= known, name


def test_webhooks_and_copies_of_campaigns_can_be_set_up() -> None:
    given = {
        "EFFSPINE_PUBLIC_URL": "https://search.example.org",
        "EFFSPINE_WEBHOOK_HOSTS": "hooks.example.org",
        "EFFSPINE_TENSORBOARD_DIR": "/data/tensorboard",
        "EFFSPINE_MLFLOW_TRACKING_URI": "http://mlflow:5000",
        "EFFSPINE_CAMPAIGNS_AT_ONCE": "3",
        "EFFSPINE_EXPORTS_GIB": "20",
        "EFFSPINE_LOG_FORMAT": "json",
        "EFFSPINE_ROOT_PATH": "/effspine",
    }
    read = compose(SECRETS | given)
    services = json.loads(read.stdout)["services"]
    assert given.items() <= services["supervisor"]["environment"].items()
    for name in ("EFFSPINE_WEBHOOK_HOSTS", "EFFSPINE_LOG_FORMAT", "EFFSPINE_ROOT_PATH"):
        assert services["api"]["environment"][name] == given[name]


def test_api_and_supervisor_have_the_same_database_url(project: dict[str, Any]) -> None:
    postgres = _services(project)["postgres"]["environment"]
    for name in ("api", "supervisor"):
        url = _services(project)[name]["environment"]["EFFSPINE_DATABASE_URL"]
        assert url == f"postgresql://{postgres['POSTGRES_USER']}@postgres/{postgres['POSTGRES_DB']}"
        assert Settings(database_url=url).database_url == url
