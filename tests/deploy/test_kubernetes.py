"""The Kubernetes files: valid by the schemas of Kubernetes and KubeRay, restricted, and without secrets."""

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

DIRECTORY = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.30.0", kubernetes_validate.latest_version())
CRD_VARIABLE = "EFFSPINE_KUBERAY_CRD"

Document = dict[str, Any]


def _documents() -> list[Document]:
    names = yaml.safe_load((DIRECTORY / "kustomization.yaml").read_text())["resources"]
    return [document for name in names for document in yaml.safe_load_all((DIRECTORY / name).read_text())]


def _id(document: Document) -> str:
    return f"{document['kind']}-{document['metadata']['name']}"


def _of_kind(kind: str) -> list[Document]:
    return [document for document in _documents() if document["kind"] == kind]


def _ray() -> Document:
    (cluster,) = _of_kind("RayCluster")
    return cluster


def _templates() -> Iterator[tuple[str, Document]]:
    """Every pod template with the name of its workload."""
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


def test_the_kustomization_lists_every_file() -> None:
    stated = yaml.safe_load((DIRECTORY / "kustomization.yaml").read_text())
    named = {*stated["resources"], *stated["configurations"], "kustomization.yaml"}
    assert named == {path.name for path in DIRECTORY.glob("*.yaml")}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", [each for each in _documents() if each["kind"] != "RayCluster"], ids=_id)
def test_it_follows_the_schemas_of_kubernetes(document: Document, version: str) -> None:
    kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_pods_of_the_ray_cluster_follow_the_schema_of_pods(version: str) -> None:
    pods = dict(_templates())
    assert {"head", "cpu", "gpu", "tpu"} <= pods.keys()
    for name in ("head", "cpu", "gpu", "tpu"):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, **copy.deepcopy(pods[name])}
        kubernetes_validate.validate(pod, version, strict=True)


def test_an_unknown_field_is_invalid() -> None:
    (claim,) = _of_kind("PersistentVolumeClaim")
    claim["spec"]["accessMode"] = ["ReadWriteMany"]
    with pytest.raises(kubernetes_validate.ValidationError, match="accessMode"):
        kubernetes_validate.validate(claim, VERSIONS[-1], strict=True)


def test_the_ray_cluster_follows_the_schema_of_kuberay() -> None:
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
    """The schema without additional fields, which Kubernetes would silently drop."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    stricter = {key: _strict(value) for key, value in schema.items()}
    is_open = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict) and not is_open:
        stricter["additionalProperties"] = False
    return stricter


def test_every_container_is_restricted() -> None:
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


def test_only_the_head_has_access_to_the_kubernetes_api() -> None:
    for name, template in _templates():
        assert template["spec"].get("automountServiceAccountToken", True) is (name == "head"), name


def test_secrets_are_references_and_their_example_is_empty() -> None:
    stated = yaml.safe_load((DIRECTORY / "kustomization.yaml").read_text())["secretGenerator"]
    assert stated == [{"name": "effspine", "envs": ["secrets.env"]}]
    example = (DIRECTORY / "secrets.env.example").read_text()
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


def test_every_ray_process_uses_and_requires_the_token() -> None:
    ray_workloads = {"head", "cpu", "gpu", "tpu", "supervisor"}
    containers = [*_containers(), ("autoscaler", _ray()["spec"]["autoscalerOptions"])]
    with_token = {name for name, container in containers if "RAY_AUTH_TOKEN" in _environment(container)}
    assert with_token == ray_workloads | {"autoscaler"}
    for name, container in containers:
        if name in with_token:
            assert _environment(container)["RAY_AUTH_MODE"]["value"] == "token", name


def test_network_policies_allow_only_the_required_access_to_postgresql_and_ray() -> None:
    policies = {policy["metadata"]["name"]: policy["spec"] for policy in _of_kind("NetworkPolicy")}
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    ingress = {name: spec["ingress"] for name, spec in policies.items() if "ingress" in spec}
    assert ingress.keys() == {"api", "postgres", "ray"}
    (to_postgres,) = ingress["postgres"]
    (sources,) = to_postgres["from"][0]["podSelector"]["matchExpressions"]
    assert sources == {"key": "app.kubernetes.io/name", "operator": "In", "values": ["api", "supervisor"]}
    ray = {"podSelector": {"matchLabels": {"effspine/ray": "true"}}}
    assert ingress["ray"] == [{"from": [ray]}]
    assert policies["ray"]["podSelector"] == ray["podSelector"]
    supervisor = {"matchLabels": {"app.kubernetes.io/name": "supervisor"}}
    https = [{"ports": [{"protocol": "TCP", "port": 443}]}]
    assert policies["outward"] == {"podSelector": supervisor, "policyTypes": ["Egress"], "egress": https}
    labelled = {name for name, template in _templates() if template["metadata"]["labels"].get("effspine/ray")}
    assert labelled == {"head", "cpu", "gpu", "tpu", "supervisor"}
    assert all(service["spec"].get("type", "ClusterIP") == "ClusterIP" for service in _of_kind("Service"))
    assert _ray()["spec"]["headGroupSpec"]["serviceType"] == "ClusterIP"


def test_services_and_disruption_budgets_select_existing_pods() -> None:
    labels = [template["metadata"]["labels"] for _, template in _templates()]
    selectors = [service["spec"]["selector"] for service in _of_kind("Service")]
    selectors += [budget["spec"]["selector"]["matchLabels"] for budget in _of_kind("PodDisruptionBudget")]
    assert len(selectors) == 3
    for selector in selectors:
        assert any(selector.items() <= each.items() for each in labels), selector


def test_effspine_commands_and_variables_exist() -> None:
    known = {f"EFFSPINE_{name.upper()}" for name in Settings.model_fields}
    commands = [container["args"][1:] for _, container in _containers() if container.get("args", [""])[0] == "effspine"]
    assert len(commands) == 2
    for command in commands:
        assert_parses(command)
    for name, container in _containers():
        assert {each for each in _environment(container) if each.startswith("EFFSPINE_")} <= known, name


def test_webhooks_and_copies_of_campaigns_can_be_set_up() -> None:
    environments = {name: _environment(container).keys() for name, container in _containers()}
    names = "PUBLIC_URL WEBHOOK_HOSTS TENSORBOARD_DIR MLFLOW_TRACKING_URI CAMPAIGNS_AT_ONCE EXPORTS_GIB LOG_FORMAT"
    assert {f"EFFSPINE_{name}" for name in names.split()} <= environments["supervisor"]
    assert {"EFFSPINE_WEBHOOK_HOSTS", "EFFSPINE_LOG_FORMAT"} <= environments["api"]


def test_the_supervisor_joins_the_ray_cluster_by_the_name_of_its_head() -> None:
    (supervisor,) = [each for each in _of_kind("Deployment") if each["metadata"]["name"] == "supervisor"]
    (container,) = supervisor["spec"]["template"]["spec"]["containers"]
    assert container["args"][-1] == f"{_ray()['metadata']['name']}-head-svc:6379"  # as KubeRay names the service


def test_workers_supervisor_and_api_share_one_data_volume() -> None:
    (claim,) = _of_kind("PersistentVolumeClaim")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for name in ("api", "supervisor", "cpu", "gpu", "tpu"):
        spec = dict(_templates())[name]["spec"]
        (volume,) = [each["name"] for each in spec["volumes"] if each.get("persistentVolumeClaim")]
        mounts = {mount["name"]: mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]}
        assert mounts[volume] == "/data", name


def test_worker_groups_autoscale_and_have_their_devices() -> None:
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
