"""Service keys: hashed at rest, scoped to routes, changed without downtime, their use noted at most once a minute."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client, RequestFactory
from django.utils import timezone

from apps.api import demo, services
from apps.api.authentication import authenticate_service
from apps.api.exceptions import OutOfScope, ServiceKeyInvalid, ServiceKeyNotFound
from apps.api.models import ServiceKey
from apps.api.tests.conftest import ALL, MACHINE, Serve, but
from apps.api.zones import mounting
from apps.common.models import AuditEvent
from apps.common.testing.users import PASSWORD, AdminFactory
from apps.users.models import User

pytestmark = pytest.mark.django_db
URL = "/api/machine/v1/plain/"
ROUTE = "api:machine:v1:widgets:plain"


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
    other = call(client, made.plain, "/api/machine/v1/widget/")
    assert (other.status_code, other.json()["code"]) == (403, "out_of_scope")
    assert call(client, made.plain, "/api/machine/v1/none/").json()["code"] == "out_of_scope"
    whole = services.create_key(name="billing", scopes=["*"])
    assert call(client, whole.plain, "/api/machine/v1/widget/").status_code == 200
    assert call(client, whole.plain, "/api/machine/v1/none/").status_code == 404


def test_invalid_keys_have_the_same_answer(client: Client) -> None:
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


def test_both_keys_work_during_a_rotation(client: Client) -> None:
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


def test_the_database_requires_unique_prefixes_and_names() -> None:
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


@pytest.fixture
def site(client: Client, installed: None, settings: Any) -> Client:
    """An admin in the admin site, where the zones of the tests are mounted."""
    from django.contrib import admin
    from django.urls import include, path

    settings.ZONES = f"{__name__}.TABLE"
    mounting.mounted.cache_clear()
    module = ModuleType("service_key_urls")
    urls = [path("admin/", admin.site.urls), path("api/", include(mounting.api_urlpatterns()))]
    module.__dict__.update(urlpatterns=urls)
    sys.modules[module.__name__] = module
    settings.ROOT_URLCONF = module.__name__
    boss: User = AdminFactory()  # type: ignore[assignment]
    client.post("/admin/login/?next=/admin/", {"username": boss.email, "password": PASSWORD})
    return client


TABLE = (*ALL[:2], but(MACHINE, authentication=("service",)), ALL[3])
ADD, LIST = "/admin/api/servicekey/add/", "/admin/api/servicekey/"


def told(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def audited() -> list[tuple[str, bool, Any]]:
    rows = AuditEvent.objects.filter(target="service_key").order_by("at", "pk")
    return [(row.action, row.actor_id is not None, row.details) for row in rows]


def test_the_admin_site_makes_a_key_and_shows_it_once(site: Client) -> None:
    page = site.get(ADD).text
    assert f'value="{ROUTE}"' in page
    assert "api:closed" not in page  # takes no keys
    values = {"name": "billing", "scopes": [ROUTE], "expires_at_0": "", "expires_at_1": ""}
    refused = site.post(ADD, values | {"scopes": ["api:machine:v1:widgets:plane"]})
    assert "is not one of the available choices" in refused.text
    assert not ServiceKey.objects.exists()
    (said,) = [words for words in told(site.post(ADD, values, follow=True)) if "shown only now" in words]
    plain = said.rpartition(" ")[2]
    stored = ServiceKey.objects.get()
    assert (stored.name, stored.scopes, str(stored)) == ("billing", [ROUTE], f"billing ({stored.prefix}…)")
    assert call(Client(), plain).status_code == 200
    assert call(Client(), plain, "/api/machine/v1/widget/").status_code == 403
    shown = site.get(f"{LIST}{stored.pk}/change/").text
    assert stored.prefix in shown
    assert plain not in shown
    assert plain not in site.get(LIST).text
    assert 'name="_save"' not in shown
    assert audited() == [
        (
            "api.service_key_created",
            True,
            {"service": "billing", "prefix": stored.prefix, "scopes": [ROUTE]},
        )
    ]


def test_the_admin_site_rotates_and_revokes(site: Client) -> None:
    old = services.create_key(name="billing", scopes=["*"])
    chosen = {"_selected_action": [old.key.pk]}
    (said,) = told(site.post(LIST, chosen | {"action": "rotate"}, follow=True))
    plain = said.rpartition(" ")[2]
    assert [call(Client(), key).status_code for key in (old.plain, plain)] == [200, 200]
    old.key.refresh_from_db()
    assert old.key.expires_at is not None
    assert timedelta(hours=23) < old.key.expires_at - timezone.now() <= timedelta(days=1)
    everything = {"_selected_action": list(ServiceKey.objects.values_list("pk", flat=True))}
    assert told(site.post(LIST, everything | {"action": "revoke"}, follow=True)) == ["2 revoked."]
    assert told(site.post(LIST, everything | {"action": "revoke"}, follow=True)) == ["0 revoked."]
    assert [call(Client(), key).status_code for key in (old.plain, plain)] == [401, 401]
    assert [(action, by_someone) for action, by_someone, _ in audited()] == [
        ("api.service_key_created", False),
        ("api.service_key_rotated", True),
        ("api.service_key_revoked", True),
        ("api.service_key_revoked", True),
    ]


def test_the_admin_site_deletes_no_keys_and_refuses_outsiders(site: Client) -> None:
    made = services.create_key(name="billing", scopes=["*"])
    assert site.post(f"{LIST}{made.key.pk}/delete/", {"post": "yes"}).status_code == 403
    assert (
        site.post(LIST, {"_selected_action": [made.key.pk], "action": "delete_selected"}).status_code == 302
    )
    assert Client().post(ADD, {"name": "x", "scopes": ["*"]}).status_code == 302
    assert [key.pk for key in ServiceKey.objects.all()] == [made.key.pk]
