"""The Kubernetes files: valid by the schemas of Kubernetes and KubeRay, confined, private, without secrets."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from api.settings import Settings
from tests.deploy.test_compose import assert_parses
from tests.support.paths import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.30.0", kubernetes_validate.latest_version())
CRD_VARIABLE = "EFFSPINE_KUBERAY_CRD"

Document = dict[str, Any]


def _documents() -> list[Document]:
    names = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    return [document for name in names for document in yaml.safe_load_all((FOLDER / name).read_text())]


def _id(document: Document) -> str:
    return f"{document['kind']}-{document['metadata']['name']}"


def _of_kind(kind: str) -> list[Document]:
    return [document for document in _documents() if document["kind"] == kind]


def _ray() -> Document:
    (cluster,) = _of_kind("RayCluster")
    return cluster


def _templates() -> Iterator[tuple[str, Document]]:
    """Every pod template, by the name of what makes pods of it."""
    for document in _documents():
        spec = document.get("spec", {})
        if "template" in spec:
            yield document["metadata"]["name"], spec["template"]
        for group in (spec.get("headGroupSpec"), *spec.get("workerGroupSpecs", [])):
            if group is not None:
                yield group.get("groupName", "head"), group["template"]


def _containers() -> Iterator[tuple[str, Document]]:
    for name, template in _templates():
        for container in template["spec"]["containers"]:
            yield name, container


def _environment(container: Document) -> dict[str, Document]:
    return {variable["name"]: variable for variable in container.get("env", [])}


def test_kustomize_names_every_file() -> None:
    stated = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    named = {*stated["resources"], *stated["configurations"], "kustomization.yaml"}
    assert named == {path.name for path in FOLDER.glob("*.yaml")}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", [each for each in _documents() if each["kind"] != "RayCluster"], ids=_id)
def test_the_schemas_of_kubernetes_accept_it(document: Document, version: str) -> None:
    kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_pods_of_the_ray_cluster_are_pods(version: str) -> None:
    pods = dict(_templates())
    assert {"head", "cpu", "gpu", "tpu"} <= pods.keys()
    for name in ("head", "cpu", "gpu", "tpu"):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, **copy.deepcopy(pods[name])}
        kubernetes_validate.validate(pod, version, strict=True)


def test_a_field_that_does_not_exist_would_be_found_out() -> None:
    (claim,) = _of_kind("PersistentVolumeClaim")
    claim["spec"]["accessMode"] = ["ReadWriteMany"]
    with pytest.raises(kubernetes_validate.ValidationError, match="accessMode"):
        kubernetes_validate.validate(claim, VERSIONS[-1], strict=True)


def test_the_schema_of_kuberay_accepts_the_ray_cluster() -> None:
    path = os.environ.get(CRD_VARIABLE)
    if not path:
        pytest.skip(f"set {CRD_VARIABLE} to KubeRay's ray.io_rayclusters.yaml")
    definition = yaml.safe_load(Path(path).read_text())
    cluster = _ray()
    (schema,) = [
        version["schema"]["openAPIV3Schema"]
        for version in definition["spec"]["versions"]
        if f"{definition['spec']['group']}/{version['name']}" == cluster["apiVersion"]
    ]
    jsonschema.Draft7Validator(_strict(schema)).validate(cluster)


def _strict(schema: Any) -> Any:
    """The schema with every field refused that it does not know; Kubernetes would drop those in silence."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    stricter = {key: _strict(value) for key, value in schema.items()}
    is_open = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict) and not is_open:
        stricter["additionalProperties"] = False
    return stricter


def test_every_container_is_confined() -> None:
    for name, template in _templates():
        pod = template["spec"]["securityContext"]
        assert pod["runAsNonRoot"] is True, name
        assert pod["runAsUser"] > 0, name
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & template["spec"].keys(), name
        for container in template["spec"]["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            mounted = [mount["mountPath"] for mount in container["volumeMounts"]]
            assert "/tmp" in mounted, name
            assert container["resources"].keys() == {"requests", "limits"}, name
            assert container["readinessProbe"], name


def test_only_the_head_may_speak_to_kubernetes() -> None:
    for name, template in _templates():
        assert template["spec"].get("automountServiceAccountToken", True) is (name == "head"), name


def test_secrets_come_from_the_secret_whose_example_is_empty() -> None:
    stated = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["secretGenerator"]
    assert stated == [{"name": "effspine", "envs": ["secrets.env"]}]
    example = (FOLDER / "secrets.env.example").read_text()
    keys = set(re.findall(r"^(\w+)=$", example, re.MULTILINE))
    assert keys == set(re.findall(r"^(\w+)=", example, re.MULTILINE)) == {"POSTGRES_PASSWORD", "RAY_AUTH_TOKEN"}
    used = set()
    for name, container in [*_containers(), ("autoscaler", _ray()["spec"]["autoscalerOptions"])]:
        for variable in _environment(container).values():
            if any(word in variable["name"] for word in ("PASSWORD", "TOKEN")):
                assert "value" not in variable, name
                reference = variable["valueFrom"]["secretKeyRef"]
                assert reference["name"] == "effspine"
                used.add(reference["key"])
    assert used == keys
    assert not _of_kind("Secret")


def test_every_process_of_ray_shows_and_asks_for_the_token() -> None:
    rays = {"head", "cpu", "gpu", "tpu", "supervisor"}
    containers = [*_containers(), ("autoscaler", _ray()["spec"]["autoscalerOptions"])]
    with_token = {name for name, container in containers if "RAY_AUTH_TOKEN" in _environment(container)}
    assert with_token == rays | {"autoscaler"}
    for name, container in containers:
        if name in with_token:
            assert _environment(container)["RAY_AUTH_MODE"]["value"] == "token", name


def test_postgresql_and_ray_are_reached_by_those_who_need_them_alone() -> None:
    policies = {policy["metadata"]["name"]: policy["spec"] for policy in _of_kind("NetworkPolicy")}
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    admitting = {name: spec["ingress"] for name, spec in policies.items() if "ingress" in spec}
    assert admitting.keys() == {"api", "postgres", "ray"}
    (to_postgres,) = admitting["postgres"]
    (those,) = to_postgres["from"][0]["podSelector"]["matchExpressions"]
    assert those == {"key": "app.kubernetes.io/name", "operator": "In", "values": ["api", "supervisor"]}
    ray = {"podSelector": {"matchLabels": {"effspine/ray": "true"}}}
    assert admitting["ray"] == [{"from": [ray]}]
    assert policies["ray"]["podSelector"] == ray["podSelector"]
    labelled = {name for name, template in _templates() if template["metadata"]["labels"].get("effspine/ray")}
    assert labelled == {"head", "cpu", "gpu", "tpu", "supervisor"}
    assert all(service["spec"].get("type", "ClusterIP") == "ClusterIP" for service in _of_kind("Service"))
    assert _ray()["spec"]["headGroupSpec"]["serviceType"] == "ClusterIP"


def test_services_and_budgets_select_pods_that_exist() -> None:
    labels = [template["metadata"]["labels"] for _, template in _templates()]
    selectors = [service["spec"]["selector"] for service in _of_kind("Service")]
    selectors += [budget["spec"]["selector"]["matchLabels"] for budget in _of_kind("PodDisruptionBudget")]
    assert len(selectors) == 3
    for selector in selectors:
        assert any(selector.items() <= each.items() for each in labels), selector


def test_commands_and_variables_of_effspine_are_those_that_it_has() -> None:
    known = {f"EFFSPINE_{name.upper()}" for name in Settings.model_fields}
    commands = [container["args"][1:] for _, container in _containers() if container.get("args", [""])[0] == "effspine"]
    assert len(commands) == 2
    for command in commands:
        assert_parses(command)
    for name, container in _containers():
        assert {each for each in _environment(container) if each.startswith("EFFSPINE_")} <= known, name


def test_the_supervisor_joins_the_ray_cluster_by_the_name_of_its_head() -> None:
    (supervisor,) = [each for each in _of_kind("Deployment") if each["metadata"]["name"] == "supervisor"]
    (container,) = supervisor["spec"]["template"]["spec"]["containers"]
    assert container["args"][-1] == f"{_ray()['metadata']['name']}-head-svc:6379"  # as KubeRay names the service


def test_whoever_trains_supervises_or_answers_shares_one_folder() -> None:
    (claim,) = _of_kind("PersistentVolumeClaim")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for name in ("api", "supervisor", "cpu", "gpu", "tpu"):
        spec = dict(_templates())[name]["spec"]
        (volume,) = [each["name"] for each in spec["volumes"] if each.get("persistentVolumeClaim")]
        mounts = {mount["name"]: mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]}
        assert mounts[volume] == "/data", name


def test_groups_grow_and_shrink_and_have_their_devices() -> None:
    spec = _ray()["spec"]
    assert spec["enableInTreeAutoscaling"] is True
    groups = {group["groupName"]: group for group in spec["workerGroupSpecs"]}
    for name, group in groups.items():
        assert group["minReplicas"] == group["replicas"] < group["maxReplicas"], name
    limits = {name: g["template"]["spec"]["containers"][0]["resources"]["limits"] for name, g in groups.items()}
    assert limits["gpu"]["nvidia.com/gpu"] == "1"
    assert limits["tpu"]["google.com/tpu"] == "8"
    for name in ("gpu", "tpu"):
        assert groups[name]["template"]["spec"]["nodeSelector"]["cloud.google.com/gke-spot"] == "true"
    assert spec["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
