"""Compose and Kubernetes run the same processes with the same settings, limits and rights."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import env

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy/kubernetes"
SERVICES = ("web", "channels", "worker", "beat", "migrate")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def manifests(name: str) -> dict[str, dict[str, Any]]:
    """The resources of a file of the base by their kind."""
    documents = yaml.safe_load_all((FOLDER / "base" / f"{name}.yaml").read_text())
    return {one["kind"]: one for one in documents}


def pod(name: str, container: str = "product") -> tuple[dict[str, Any], dict[str, Any]]:
    """The pod of a workload, and its container."""
    found = manifests(name)
    spec = (found.get("Deployment") or found["Job"])["spec"]["template"]["spec"]
    (only,) = (one for one in spec["containers"] if one["name"] == container)
    return spec, only


def patch(name: str) -> dict[str, Any]:
    (document,) = manifests(name).values()
    spec: dict[str, Any] = document["spec"]["template"]["spec"]
    return spec


def filled(text: str) -> str:
    """A value of the compose file with the defaults of its variables."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


@pytest.mark.parametrize("name", SERVICES)
def test_the_command_is_the_same(name: str) -> None:
    composed = [filled(part) for part in COMPOSE["services"][name].get("command", [])]
    if name == "migrate":  # static files are copied by the pods of the edge
        composed = composed[-1].rpartition("exec ")[2].split()
    assert pod(name)[1].get("command", []) == composed


@pytest.mark.parametrize("name", SERVICES)
def test_limits_are_the_same(name: str) -> None:
    composed = COMPOSE["services"][name]["deploy"]["resources"]["limits"]
    limits = pod(name)[1]["resources"]["limits"]
    cpus = float(limits["cpu"].removesuffix("m")) / (1000 if limits["cpu"].endswith("m") else 1)
    assert cpus == float(filled(composed["cpus"]))
    assert limits["memory"].removesuffix("i") == filled(composed["memory"])


@pytest.mark.parametrize("name", SERVICES)
def test_variables_of_one_service_are_the_same(name: str) -> None:
    service = COMPOSE["services"][name]
    own = {
        key: filled(value)
        for key, value in service["environment"].items()
        if key not in COMPOSE["x-settings"]
    }
    if service.get("stop_signal") == "SIGQUIT":
        own["REMAP_SIGTERM"] = "SIGQUIT"
    assert {one["name"]: one["value"] for one in pod(name)[1].get("env", [])} == own


@pytest.mark.parametrize("name", ["web", "channels", "worker", "beat"])
def test_probes_are_the_health_checks(name: str) -> None:
    _, *check = COMPOSE["services"][name]["healthcheck"]["test"]
    ready = pod(name)[1]["readinessProbe"]
    if check[-3] == "http":
        _, port, path = check[-3:]
        assert ready["httpGet"] == {"path": path, "port": "http"}
        assert pod(name)[1]["ports"] == [{"name": "http", "containerPort": int(port)}]
        # A pod that is not ready for a while must not be restarted for it.
        assert pod(name)[1]["livenessProbe"]["httpGet"]["path"] == "/healthz"
    else:
        assert ready["exec"]["command"] == check
        assert pod(name)[1]["livenessProbe"]["exec"]["command"] == check


def test_every_container_has_the_rights_that_compose_gives() -> None:
    hardened = COMPOSE["x-hardened"]
    assert (hardened["read_only"], hardened["cap_drop"], hardened["security_opt"]) == (
        True,
        ["ALL"],
        ["no-new-privileges:true"],
    )
    edge = pod("edge", "edge")[0]
    containers = [patch("product")["containers"][0], patch("migrated")["initContainers"][0]]
    containers += [*edge["initContainers"], *edge["containers"]]
    for one in containers:
        rights = {key: value for key, value in one["securityContext"].items() if key != "runAsUser"}
        assert rights == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    assert patch("pods")["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_a_stop_takes_as_long_as_with_compose() -> None:
    grace = int(COMPOSE["x-hardened"]["stop_grace_period"].removesuffix("s"))
    pauses = {
        one["lifecycle"]["preStop"]["sleep"]["seconds"]
        for one in (pod("web")[1], pod("channels")[1], pod("edge", "edge")[1])
    }
    assert {patch("pods")["terminationGracePeriodSeconds"] - pause for pause in pauses} == {grace}


def test_every_setting_has_a_place() -> None:
    overlay = FOLDER / "overlays/production"
    settings = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", (overlay / "settings.env").read_text(), re.MULTILINE))
    secrets = set(
        re.findall(r"^([A-Z][A-Z0-9_]*)=", (overlay / "secrets.env.example").read_text(), re.MULTILINE)
    )
    kustomization = yaml.safe_load((FOLDER / "base/kustomization.yaml").read_text())
    fixed = dict(one.split("=") for one in kustomization["configMapGenerator"][0]["literals"])
    assert secrets == {one.name for one in env.variables() if one.secret}
    assert set(COMPOSE["x-settings"]) == settings | secrets | set(fixed)
    assert {name: COMPOSE["x-settings"][name] for name in fixed} == fixed
    for container in (patch("secrets")["containers"][0], patch("migrated")["initContainers"][0]):
        files = {one["name"].removesuffix("_FILE"): one["value"] for one in container["env"]}
        assert files == {name: f"/run/secrets/product/{name}" for name in secrets}


def test_the_edge_is_configured_by_variables_that_it_has() -> None:
    known = set(re.findall(r"(EDGE_\w+)=", (ROOT / "Dockerfile").read_text()))
    names = {one["name"] for one in pod("edge", "edge")[1]["env"]}
    assert names - {"NAMESPACE"} <= known
    assert {"EDGE_RESOLVER", "EDGE_WEB", "EDGE_CHANNELS"} <= names
