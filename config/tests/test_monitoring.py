"""Prometheus' rules and Grafana's dashboard against the metrics that the product serves."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.test import Client
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import CollectorRegistry

from apps.common.tasks.backlog import Backlog
from config.env import BASE_DIR
from infrastructure.product import PRODUCT
from infrastructure.telemetry import metrics

FOLDER = BASE_DIR / "deploy/monitoring"
SCRAPES = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
RULES = [
    rule
    for group in yaml.safe_load((FOLDER / "rules.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((FOLDER / "grafana/dashboards/overview.json").read_text(encoding="utf-8"))
# Added by Prometheus: of the scrape, by the relabelling, and of every histogram.
OF_THE_SCRAPE = {"job", "instance", "product", "le"}


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def expressions() -> list[str]:
    return [
        *(rule["expr"] for rule in RULES),
        *(target["expr"] for panel in panels() for target in panel["targets"]),
    ]


@pytest.fixture
def served(client: Client, transactional_db: None) -> dict[str, set[str]]:
    """The labels of each name, as Prometheus stores it after a scrape of all processes."""
    backlog = CollectorRegistry()
    backlog.register(Backlog())
    for family in [metrics.REQUESTS, metrics.TASKS, metrics.OUTBOX, metrics.ZONE_REFUSED, metrics.SOCKETS]:
        family.labels(*["x"] * len(family._labelnames))
    metrics.REALTIME_FAILURES.labels("x")
    metrics.RATE_LIMITED.labels("x")
    texts = [client.get("/metrics").content.decode(), generate_latest(backlog).decode()]
    found: dict[str, set[str]] = {}
    for text in texts:
        for parsed in text_string_to_metric_families(text):
            for sample in parsed.samples:
                found.setdefault(relabelled(sample.name), set()).update(sample.labels)
    return found


def relabelled(name: str) -> str:
    """The name after the relabelling of every job."""
    for rule in SCRAPES[0]["metric_relabel_configs"]:
        if rule["target_label"] == "__name__" and (match := re.fullmatch(rule["regex"], name)):
            return match.expand(re.sub(r"\$(\d)", r"\\\1", rule["replacement"]))
    return name


def test_every_metric_of_the_product_is_renamed_at_the_scrape(served: dict[str, set[str]]) -> None:
    assert [name for name in served if name.startswith(f"{PRODUCT.identifier}_")] == []
    assert len([name for name in served if name.startswith("app_")]) > 30
    assert all(job["metric_relabel_configs"] == SCRAPES[0]["metric_relabel_configs"] for job in SCRAPES)
    assert REGISTRY is metrics._registry()


def test_rules_and_dashboard_name_what_is_served(served: dict[str, set[str]]) -> None:
    named: set[str] = set()
    for expression in expressions():
        for name, selector in re.findall(r"\b(app_\w+)(?:\{([^}]*)\})?", expression):
            assert name in served, expression
            named.add(name)
            labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
            assert labels <= served[name] | OF_THE_SCRAPE, expression
        for labels_ in re.findall(r"\bby \(([^)]*)\)", expression):
            of_all = set().union(*(served[name] for name in re.findall(r"\bapp_\w+", expression)))
            assert set(labels_.split(", ")) <= of_all | OF_THE_SCRAPE, expression
    families = {
        re.sub("_(bucket|sum|count|total|created)$", "", name) for name in served if name[:4] == "app_"
    }
    on_dashboard = " ".join(target["expr"] for panel in panels() for target in panel["targets"])
    assert {family for family in families if family not in on_dashboard} == set(), "not on the dashboard"


def test_jobs_are_the_services_of_compose() -> None:
    services = yaml.safe_load((BASE_DIR / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    for job in SCRAPES:
        [discovery] = job["dns_sd_configs"]
        [name] = discovery["names"]
        assert name == job["job_name"]
        port = services[name]["environment"].get("METRICS_PORT", "8000")
        assert str(discovery["port"]) == port
        assert "inner" in services[name]["networks"]
        assert name in "|".join(rule["expr"] for rule in RULES)
    assert [job["job_name"] for job in SCRAPES] == ["web", "channels", "worker", "beat"]


def anchors() -> Iterator[str]:
    text = (BASE_DIR / "docs/runbooks.md").read_text(encoding="utf-8")
    for heading in re.findall(r"^## (\w+)$", text, flags=re.MULTILINE):
        yield heading.lower()


def test_each_alert_has_its_runbook_and_each_runbook_its_alert() -> None:
    for rule in RULES:
        assert rule["annotations"]["runbook"] == f"docs/runbooks.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
    assert list(anchors()) == [rule["alert"].lower() for rule in RULES]


def test_the_page_for_operators_names_every_metric(served: dict[str, set[str]]) -> None:
    text = (BASE_DIR / "docs/operate.md").read_text(encoding="utf-8")
    table = re.findall(r"`_(\w+)`", text.partition("### Metrics")[2].partition("\n### ")[0])
    names = {name.removeprefix("app_") for name in served if name.startswith("app_")}
    assert {re.sub("_(bucket|sum|count|created)$", "", name) for name in names} - set(table) - {
        re.sub("_total$", "", name) for name in table
    } == set()
    assert {name for name in table if name not in names and f"{name}_count" not in names} == set()


def test_promtool_agrees_where_it_is_installed() -> None:
    """Debian's package `prometheus` has it. Elsewhere the form alone is checked, and the names above."""
    for rule in RULES:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert rule["expr"].count("(") == rule["expr"].count(")")
    tool = shutil.which("promtool")
    commands = [("check", "config", "prometheus.yml"), ("test", "rules", "rules.test.yml")] if tool else []
    for command in commands:
        done = subprocess.run([str(tool), *command], cwd=FOLDER, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
