"""Probes with and without their parts."""

from __future__ import annotations

import threading
import time

import pytest
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from apps.common.http import health
from apps.common.http.health import Examiner, PendingMigrations
from infrastructure.problem_documents import CONTENT_TYPE
from infrastructure.product import PRODUCT

pytestmark = [pytest.mark.urls("apps.common.tests.urls")]


@pytest.fixture
def web():
    health._examiner.cache_clear()
    health._migrations.cache_clear()
    return Client()


def test_healthz_checks_no_part(web):
    assert web.get("/healthz").json() == {"status": "ok"}
    assert web.head("/healthz").status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("host", ["10.1.2.3:8000", "[fd00::1]", "evil.example", "a b", ""])
@pytest.mark.parametrize("tls_only", [False, True])
def test_probes_are_answered_for_any_host_and_without_tls(settings, web, path, host, tls_only):
    settings.ALLOWED_HOSTS = ["site.example"]
    settings.SECURE_SSL_REDIRECT = tls_only
    answer = Client().get(path, headers={"host": host})
    assert answer.status_code == 200
    assert answer["X-Request-ID"]
    assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("path", ["/healthz/", "/readyz/x", "/api/healthz", "//healthz"])
def test_similar_paths_are_not_probes(settings, web, path):
    settings.ALLOWED_HOSTS = ["site.example"]
    assert web.get(path, headers={"host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_are_read_only(web, path):
    assert web.post(path).status_code == 405


@pytest.mark.django_db(transaction=True)
def test_readyz_lists_every_part(web):
    answer = web.get("/readyz")
    assert answer.status_code == 200
    assert list(answer.json()["checks"]) == ["database", "cache", "broker", "migrations"]
    assert all(part["ok"] and 0 <= part["ms"] < 2000 for part in answer.json()["checks"].values())
    assert web.get("/readyz").json()["status"] == "ok"
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.django_db(transaction=True)
def test_without_redis_it_is_ready_and_degraded(web, monkeypatch, settings):
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setitem(health.PARTS, "cache", _away)
    answer = web.get("/readyz")
    body = answer.json()
    assert (answer.status_code, body["status"], body["degraded"]) == (200, "degraded", ["cache", "broker"])
    assert body["checks"]["broker"]["ok"] is False
    assert "127.0.0.1" not in answer.text
    assert body["checks"]["database"]["ok"] is True


@pytest.mark.django_db(transaction=True)
def test_without_its_database_it_is_not_ready(web, monkeypatch):
    monkeypatch.setitem(health.PARTS, "database", _away)
    answer = web.get("/readyz")
    assert (answer.status_code, answer["Content-Type"]) == (503, CONTENT_TYPE)
    assert int(answer["Retry-After"]) == 5
    body = answer.json()
    assert (body["code"], body["detail"]) == ("not_ready", "Not ready: database.")
    assert body["checks"]["database"] == {"ok": False, "ms": pytest.approx(0, abs=2000), "error": "OSError"}


def _away():
    raise OSError("connection to 10.0.0.7 refused")


@pytest.mark.django_db(transaction=True)
def test_with_pending_migrations_it_is_not_ready(web, monkeypatch):
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *_: [("x", False)])
    answer = web.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"] == {
        "ok": False,
        "ms": pytest.approx(500, abs=500),
        "error": "PendingMigrations",
    }
    with pytest.raises(PendingMigrations, match="1 to apply"):
        health._migrations()


@pytest.mark.campaign
def test_a_part_that_hangs_costs_the_timeout_and_one_thread():
    started, released = [], threading.Event()

    def hang():
        started.append(1)
        assert released.wait(20)

    examiner = Examiner({"quick": lambda: None, "slow": hang}, deciding=["quick"])
    for _ in range(3):
        before = time.perf_counter()
        parts = examiner.examine(timeout=0.05)
        assert time.perf_counter() - before < 5  # the part takes 20 s
        assert parts["quick"]["ok"] is True
        assert parts["slow"] == {"ok": False, "ms": None, "error": "no answer in time"}
    assert len(started) == 1
    released.set()
    assert examiner.examine(timeout=2)["slow"]["ok"] is True


def test_metrics_are_refused_through_a_proxy(web):
    web.get("/healthz")
    answer = web.get("/metrics")
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    assert (
        f'{PRODUCT.identifier}_http_request_seconds_count{{method="GET",operation="healthz",status="200",zone=""}}'
        in answer.text
    )
    assert f"{PRODUCT.identifier}_build_info{{" in answer.text
    for header in ({"x-forwarded-for": "1.2.3.4"}, {"x-forwarded-for": ""}, {"forwarded": "for=1.2.3.4"}):
        refused = web.get("/metrics", headers=header)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
