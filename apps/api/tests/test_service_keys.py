"""Service keys: hashed at rest, scoped to routes, changed without downtime, their use noted at most once a minute."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from django.contrib.admin.sites import AdminSite
from django.contrib.messages import get_messages
from django.contrib.messages.storage.fallback import FallbackStorage
from django.db import IntegrityError, transaction
from django.test import Client, RequestFactory
from django.utils import timezone

from apps.api import demo, services
from apps.api.admin import ServiceKeyAdmin
from apps.api.authentication import authenticate_service
from apps.api.exceptions import OutOfScope, ServiceKeyInvalid, ServiceKeyNotFound
from apps.api.models import ServiceKey
from apps.api.tests.conftest import MACHINE, Serve, but

pytestmark = pytest.mark.django_db
URL = "/api/machine/v1/plain/"
ROUTE = "api:machine:v1:stones:plain"


@pytest.fixture
def client(serve: Serve) -> Client:
    return serve(but(MACHINE, authentication=("service",)))


def call(client: Client, key: str, url: str = URL):
    return client.get(url, headers={"Authorization": f"Api-Key {key}"})


def test_a_key_opens_what_it_is_scoped_to_in_one_query(client: Client, django_assert_num_queries) -> None:
    made = services.create_key(name="billing", scopes=[ROUTE])
    assert made.plain.partition(".")[2] not in str(ServiceKey.objects.values())
    assert bytes(made.key.digest) == services.digest_of(made.plain.partition(".")[2])
    assert call(client, made.plain).json() == {"caller": "service", "zone": "machine"}
    with django_assert_num_queries(1):
        assert call(client, made.plain).status_code == 200
    other = call(client, made.plain, "/api/machine/v1/stone/")
    assert (other.status_code, other.json()["code"]) == (403, "out_of_scope")
    assert call(client, made.plain, "/api/machine/v1/none/").json()["code"] == "out_of_scope"
    whole = services.create_key(name="billing", scopes=["*"])
    assert call(client, whole.plain, "/api/machine/v1/stone/").status_code == 200
    assert call(client, whole.plain, "/api/machine/v1/none/").status_code == 404


def test_what_is_no_live_key_is_refused_alike(client: Client) -> None:
    made = services.create_key(name="billing", scopes=["*"])
    prefix, _, secret = made.plain.partition(".")
    for wrong in (
        "",
        prefix,
        f"{prefix}.",
        f"{prefix}.x",
        f"x.{secret}",
        f".{secret}",
        f"{prefix}.{secret}x",
        "é.x",
    ):
        response = call(client, wrong)
        assert (response.status_code, response.json()["code"]) == (401, "service_key_refused"), wrong
        assert response.headers["WWW-Authenticate"] == "Api-Key"
    assert client.get(URL).json()["code"] == "not_authenticated"
    assert client.get(URL, headers={"Authorization": f"Bearer {made.plain}"}).status_code == 401
    services.revoke_key(prefix=prefix)
    assert call(client, made.plain).status_code == 401
    past = services.create_key(name="billing", scopes=["*"], expires_at=timezone.now())
    assert call(client, past.plain).status_code == 401


def test_both_keys_work_while_one_is_changed_for_the_other(client: Client) -> None:
    old = services.create_key(name="billing", scopes=["*"])
    new = services.rotate_key(prefix=old.key.prefix, overlap=timedelta(minutes=1))
    assert [call(client, made.plain).status_code for made in (old, new)] == [200, 200]
    ServiceKey.objects.filter(pk=old.key.pk).update(expires_at=timezone.now())
    assert [call(client, made.plain).status_code for made in (old, new)] == [401, 200]
    sooner = services.create_key(name="x", scopes=["*"], expires_at=timezone.now() + timedelta(seconds=9))
    services.rotate_key(prefix=sooner.key.prefix, overlap=timedelta(hours=1))
    assert ServiceKey.objects.get(pk=sooner.key.pk).expires_at == sooner.key.expires_at
    with pytest.raises(ServiceKeyNotFound):
        services.rotate_key(prefix="none", overlap=timedelta(0))


def last_use(made: services.NewKey) -> datetime:
    moment = ServiceKey.objects.get(pk=made.key.pk).last_used_at
    assert moment is not None
    return moment


def test_last_use_is_written_at_most_once_a_minute(client: Client) -> None:
    made = services.create_key(name="billing", scopes=["*"])
    call(client, made.plain)
    first = last_use(made)
    assert timezone.now() - first < timedelta(seconds=10)
    call(client, made.plain)
    assert last_use(made) == first
    ServiceKey.objects.filter(pk=made.key.pk).update(last_used_at=first - timedelta(seconds=61))
    call(client, made.plain)
    assert last_use(made) > first


def test_a_key_outside_of_every_route_is_out_of_scope() -> None:
    made = services.create_key(name="billing", scopes=["*"])
    request = RequestFactory().get("/", headers={"Authorization": f"Api-Key {made.plain}"})
    with pytest.raises(OutOfScope):
        authenticate_service(request)


@pytest.mark.parametrize(("name", "scopes"), [("", ["*"]), ("  ", ["*"]), ("x" * 65, ["*"]), ("x", [])])
def test_a_key_needs_a_name_and_scopes(name: str, scopes: list[str]) -> None:
    with pytest.raises(ServiceKeyInvalid):
        services.create_key(name=name, scopes=scopes)
    assert not ServiceKey.objects.exists()


def test_the_database_holds_prefixes_unique_and_names_given() -> None:
    made = services.create_key(name="billing", scopes=["*"])
    for wrong in ({"name": "x", "prefix": made.key.prefix}, {"name": "", "prefix": "other"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ServiceKey.objects.create(digest=b"", scopes=["*"], **wrong)


def test_the_demo_key_is_the_same_at_each_start_and_opens_the_zone(client: Client) -> None:
    summaries: list[dict[str, Any]] = [{"urls": []}, {"urls": []}]
    for summary in summaries:
        demo.seed(summary)
    assert summaries[0] == summaries[1]
    assert ServiceKey.objects.count() == 1
    assert call(client, summaries[0]["service_key"]).status_code == 200


def admin_request():
    request = RequestFactory().post("/")
    request.session = {}
    request._messages = FallbackStorage(request)
    return request


def test_the_admin_site_makes_a_key_shows_it_once_and_revokes(client: Client) -> None:
    page, request = ServiceKeyAdmin(ServiceKey, AdminSite()), admin_request()
    draft = ServiceKey(name="billing", scopes=["*"])
    page.save_model(request, draft, form=cast("Any", None), change=False)
    words = [str(message) for message in get_messages(request)]
    plain = words[0].rpartition(" ")[2]
    assert call(client, plain).status_code == 200
    stored = ServiceKey.objects.get()
    assert (stored.pk, stored.name, str(stored)) == (draft.pk, "billing", f"billing ({stored.prefix}…)")
    assert page.state(stored) == "live"
    assert not page.has_delete_permission(request, stored)
    assert not page.has_change_permission(request, stored)
    page.revoke(request, ServiceKey.objects.all())
    page.revoke(request, ServiceKey.objects.all())
    assert [str(message) for message in get_messages(request)][-2:] == ["1 revoked.", "0 revoked."]
    assert call(client, plain).status_code == 401
    expired = services.create_key(name="x", scopes=["*"], expires_at=timezone.now())
    assert page.state(expired.key) == "expired"
