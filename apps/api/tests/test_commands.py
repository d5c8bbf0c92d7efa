"""`manage.py zones`: its output in each format, and its exit codes."""

from __future__ import annotations

import io
import json
import subprocess
from datetime import timedelta

import pytest
import yaml
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.urls import URLResolver, path
from django.utils import timezone

from apps.api.commands import audit, listing, menu, schemas
from apps.api.commands.report import Form, Report, show
from apps.api.management.commands import zones as command
from apps.api.models import ServiceKey
from apps.api.tests.conftest import ALL, CLOSED, OPEN, WIDGETS, but
from apps.api.tests.fakes.standard_views import views
from apps.api.zones import mounting
from apps.api.zones.mounting import mount
from apps.api.zones.table import Docs, Floor, ZoneTable

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("installed")]


class Terminal(io.StringIO):
    """A text stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def run(*arguments: str, out: io.StringIO | None = None) -> str:
    out = out or io.StringIO()
    call_command("zones", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_list_in_three_forms(monkeypatch) -> None:
    data = json.loads(run("list", "--format", "json"))
    assert [(zone["name"], zone["floor"], zone["slices"]) for zone in data["zones"]] == [
        ("open", "anyone", ["widgets"]),
        ("closed", "user", ["widgets"]),
        ("machine", "service", ["widgets"]),
        ("office", "admin", ["widgets"]),
    ]
    plain = run("list").splitlines()
    assert plain[1].split("\t") == [
        "closed", "v1 v2", "user", "test", "10000/minute per caller", "floor", "yes", "widgets",
    ]  # fmt: skip
    monkeypatch.setenv("COLUMNS", "200")
    table = run("list", out=Terminal())
    assert "Zones" in table
    assert "─" in table


def test_urls_name_path_method_view_credential_and_rates() -> None:
    lines = [line.split("\t") for line in run("urls", "closed").splitlines()]
    assert [
        "/api/closed/v1/widget/",
        "POST",
        "apps.api.tests.fakes.standard_views.views.Widget",
        "api:closed:v1:widgets:widget",
        "test",
        "user",
        "10000/minute",
    ] in lines
    assert next(line[:3] for line in lines if line[0] == "/api/closed/v2/widget/") == [
        "/api/closed/v2/widget/",
        "GET",
        "apps.api.tests.fakes.standard_views.views.WidgetV2",
    ]
    assert len(json.loads(run("urls", "--format", "json"))["routes"]) == len(mounting.mounted().endpoints)
    with pytest.raises(CommandError, match="There is no zone 'nowhere'") as refused:
        run("urls", "nowhere")
    assert refused.value.returncode == 2


def test_validate_passes_a_good_table() -> None:
    assert run("validate").splitlines() == [
        "table", "schema open/v1", "schema closed/v1", "schema closed/v2", "schema machine/v1", "schema office/v1",
    ]  # fmt: skip


def test_validate_fails_with_every_finding(settings) -> None:
    settings.ZONES = "apps.api.tests.test_validation.WRONG"
    out = io.StringIO()
    with pytest.raises(SystemExit) as left:
        run("validate", out=out)
    assert left.value.code == 1
    assert "api.E005 zone 'closed' slice 'ghost': There is no such slice." in out.getvalue()
    mounting.mounted.cache_clear()
    with pytest.raises(CommandError, match="nothing is mounted") as refused:
        run("list")
    assert refused.value.returncode == 1


def test_validate_fails_on_a_schema_with_gaps(monkeypatch) -> None:
    from django.urls import path

    from apps.api.tests.test_documents import Undescribed
    from apps.api.tests.test_validation import alone, made

    broken = mount(ZoneTable((alone(),)), (made(closed=[path("x/", Undescribed.as_view(), name="x")]),))
    monkeypatch.setattr(mounting, "mounted", lambda: broken)
    out = io.StringIO()
    with pytest.raises(SystemExit):
        run("validate", out=out)
    assert "schema closed/v1: " in out.getvalue()
    with pytest.raises(CommandError, match="The schema of closed/v1 is incomplete"):
        run("schema", "closed")


def test_schema_prints_yaml_or_json() -> None:
    assert yaml.safe_load(run("schema", "closed"))["info"]["version"] == "v2"
    assert json.loads(run("schema", "closed/v1", "--format", "json"))["info"]["version"] == "v1"
    for wrong in (["schema"], ["schema", "closed/v9"], ["schema", "nowhere"]):
        with pytest.raises(CommandError) as refused:
            run(*wrong)
        assert refused.value.returncode == 2


def test_changes_since_a_revision_are_listed(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "docs" / "api"
    mounted = mount(ZoneTable(ALL), (WIDGETS,))
    nothing = schemas.check_breaking(mounted, None, tmp_path)  # no git here, and no file
    assert (nothing.ok, nothing.data["schemas"]) == (True, 0)
    assert nothing.remarks[0].startswith("Nothing was compared: no schema in the files in ")
    schemas.write_schemas(mounted, folder)
    (folder / "closed.v3.yaml").write_text((folder / "closed.v2.yaml").read_text())
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@example.com"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "first"], ["tag", "v1"]):
        subprocess.run([*git, *arguments], check=True)
    # Uncommitted files are not compared.
    known = folder / "closed.v1.yaml"
    known.write_text(known.read_text().replace("operationId: widget_make", "operationId: widget_hew"))
    report = schemas.check_breaking(mounted, None, folder)
    assert (report.ok, report.findings) == (False, ["closed.v3.yaml: the whole version is gone"])
    assert "new version" in report.remarks[0]
    subprocess.run([*git, "rm", "-q", "--cached", "docs/api/closed.v3.yaml"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "second"], check=True)
    assert schemas.check_breaking(mounted, None, folder).ok
    assert not schemas.check_breaking(mounted, "v1", folder).ok
    monkeypatch.setattr(schemas.check_breaking, "__defaults__", (None, folder))
    assert "Nothing breaks callers of the 5 schemas of HEAD." in run("schema", "--breaking", "HEAD")
    assert "Nothing breaks callers of the 5 schemas of the last commit." in run("schema", "--breaking")
    with pytest.raises(CommandError, match="there is no such revision"):
        run("schema", "--breaking", "v2")
    with pytest.raises(CommandError, match="there is no such revision"):
        run("schema", "--breaking=--output=x")


def test_without_a_commit_the_files_are_compared(tmp_path) -> None:
    mounted = mount(ZoneTable(ALL), (WIDGETS,))
    schemas.write_schemas(mounted, tmp_path)
    known = tmp_path / "closed.v1.yaml"
    known.write_text(known.read_text().replace("operationId: widget_make", "operationId: widget_hew"))
    assert schemas.check_breaking(mounted, None, tmp_path).findings == [
        "closed.v1.yaml: POST /api/closed/v1/widget/: operationId is widget_make, was widget_hew"
    ]
    schemas.write_schemas(mounted, tmp_path)
    report = schemas.check_breaking(mounted, None, tmp_path)
    (remark,) = report.remarks
    assert remark.endswith(f"of the files in {tmp_path.name}/, since git has no commit to compare with.")


def test_committed_schemas_are_written_checked_and_cleared(tmp_path, monkeypatch) -> None:
    mounted = mounting.mounted()
    (tmp_path / "old.v1.yaml").write_text("gone")
    (tmp_path / "notes.yaml").write_text("not ours")
    first = schemas.write_schemas(mounted, tmp_path)
    assert first.data["changed"][0] == "removed old.v1.yaml"
    names = [
        "closed.v1.yaml",
        "closed.v2.yaml",
        "machine.v1.yaml",
        "notes.yaml",
        "office.v1.yaml",
        "open.v1.yaml",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert schemas.write_schemas(mounted, tmp_path).data["changed"] == []
    assert schemas.check_schemas(mounted, tmp_path).ok
    (tmp_path / "open.v1.yaml").write_text("x\n" * 100)
    (tmp_path / "office.v1.yaml").unlink()
    (tmp_path / "old.v1.yaml").write_text("gone")
    report = schemas.check_schemas(mounted, tmp_path)
    assert not report.ok
    assert report.findings[0] == "old.v1.yaml: its zone or version is gone"
    assert report.findings[1].startswith("open.v1.yaml: has drifted\n    --- committed")
    assert "more lines" in report.findings[1]
    assert report.findings[2] == "office.v1.yaml: is missing"
    monkeypatch.setattr(schemas.write_schemas, "__defaults__", (tmp_path,))
    monkeypatch.setattr(schemas.check_schemas, "__defaults__", (tmp_path,))
    with pytest.raises(SystemExit):
        run("schema", "--check")
    run("schema", "--write")
    run("schema", "--check")


def test_audit_lists_the_callers_of_each_route() -> None:
    mounted = mount(ZoneTable((but(OPEN, name="public"), *ALL[1:])), (PUBLIC,))
    report = audit.audit(mounted, lambda _: None)
    assert report.findings == []
    assert ("/api/office/v1/widget/", "GET POST", "admin", "test") in report.rows
    assert views.touched == []


def test_audit_fails_on_open_routes_outside_of_public(monkeypatch) -> None:
    out = io.StringIO()
    with pytest.raises(SystemExit):
        run("audit", out=out)
    assert "/api/open/v1/widget/: is open to anyone outside of the zone 'public'" in out.getvalue()
    mounted = mounting.mounted()
    leaky = next(item for item in mounted.endpoints if item.name == "api:closed:v1:widgets:plain")

    def answering(request):
        return HttpResponse("come in")

    naked = type(leaky)(**{f: getattr(leaky, f) for f in leaky.__slots__} | {"callback": answering})
    assert list(audit._of_endpoint(naked)) == ["/api/closed/v1/plain/: is behind no guard"]
    answering.guard = object()  # type: ignore[attr-defined]
    assert "GET /api/closed/v1/plain/: answered 200 to an anonymous caller" in list(audit._of_endpoint(naked))

    def failing(request):
        raise KeyError("inside the view")

    assert audit._status(failing, "GET") == 500


def test_audit_finds_an_unguarded_page() -> None:
    mounted = mount(ZoneTable((but(OPEN, name="public"), *ALL[1:])), (PUBLIC,))
    (tree,) = mounted.patterns
    assert isinstance(tree, URLResolver)
    office = next(pattern for pattern in tree.url_patterns if str(pattern.pattern) == "office/")
    assert isinstance(office, URLResolver)
    office.url_patterns.insert(0, path("help/", views.plain))
    report = audit.audit(mounted, lambda _: None)
    assert (report.ok, report.findings) == (False, ["/api/office/help/: is behind no guard"])


def test_urls_name_views_of_every_kind() -> None:
    slice_ = type(WIDGETS)("gadgets", "apps.api.tests.fakes.evasive_views")
    zones = tuple(but(zone, slices=("gadgets",), versions=zone.versions[:1]) for zone in ALL)
    report = listing.list_urls(mount(ZoneTable(zones), (slice_,)), "closed")
    module = "apps.api.tests.fakes.evasive_views.views"
    named = {row[0].removeprefix("/api/closed/v1/"): row[2].removeprefix(f"{module}.") for row in report.rows}
    assert named == {
        "bare/": "Bare",
        "skipping/": "Skipping",
        "dispatching/": "Dispatching",
        "forgiving/": "Forgiving",
        "function/": "function",
        "decorated/": "decorated",
        "partial/": "numbered",
        "object/": "Answering",
        "async-class/": "AsyncClass",
        "limited/": "Limited",
        "narrow/": "Narrow",
        "open-gadgets/": "Gadgets",
        "router/gadgets/": "Gadgets",
        "router/gadgets/{pk}/skim/": "Gadgets",
    }
    assert next(row[5] for row in report.rows if row[0].endswith("/narrow/")) == "user + IsAdmin"


def test_audit_finds_documentation_against_the_rule(monkeypatch) -> None:
    mounted = mount(ZoneTable((but(OPEN, name="public"), *ALL[1:])), (PUBLIC,))
    assert list(audit._of_documentation(mounted)) == []
    monkeypatch.setattr(audit, "_status", lambda callback, method: 200)
    words = list(audit._of_documentation(mounted))
    assert "/api/closed/schema.yaml: shows documentation against the zone's rule 'floor'" in words
    assert not any("/api/public/" in word for word in words)
    assert {Docs.OPEN, Docs.FLOOR} == {zone.docs for zone in mounted.table}


def test_keys_by_command(settings) -> None:
    machine = but(ALL[2], authentication=("service",))
    assert machine.floor is Floor.SERVICE
    mounting.mounted.cache_clear()
    settings.ZONES = f"{__name__}.WITH_SERVICE"
    created = json.loads(
        run("keys", "create", "billing", "--scope", "api:machine:v1:widgets:widget", "--format", "json")
    )
    key = ServiceKey.objects.get(prefix=created["prefix"])
    assert (key.name, key.scopes, key.expires_at) == ("billing", ["api:machine:v1:widgets:widget"], None)
    with pytest.raises(CommandError, match="No such route: api:machine:v1:widgets:widge"):
        run("keys", "create", "billing", "--scope", "api:machine:v1:widgets:widge")
    rotated = json.loads(run("keys", "rotate", key.prefix, "--overlap", "60", "--format", "json"))
    key.refresh_from_db()
    assert key.expires_at is not None
    assert timedelta(0) < key.expires_at - timezone.now() <= timedelta(seconds=60)
    assert rotated["name"] == "billing"
    assert "is revoked" in run("keys", "revoke", key.prefix)
    with pytest.raises(CommandError, match="no live service key"):
        run("keys", "revoke", key.prefix)
    listed = json.loads(run("keys", "list", "--format", "json"))["keys"]
    assert [item["state"] for item in listed] == ["revoked", "live"]
    limited = json.loads(run("keys", "create", "x", "--scope", "*", "--days", "2", "--format", "json"))
    assert ServiceKey.objects.filter(
        prefix=limited["prefix"], expires_at__gt=timezone.now() + timedelta(days=1)
    ).exists()


WITH_SERVICE = tuple(
    but(zone, authentication=("service",)) if zone.floor is Floor.SERVICE else zone for zone in ALL
)
PUBLIC = type(WIDGETS)("widgets", "apps.api.tests.fakes.public_only")


def test_an_empty_list_of_keys_is_reported() -> None:
    assert run("keys", "list") == "no keys yet\n"


def test_without_an_action_there_is_a_menu_on_a_terminal_and_help_elsewhere(monkeypatch) -> None:
    with pytest.raises(CommandError, match="Name an action") as refused:
        run()
    assert refused.value.returncode == 2
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("apps.api.commands.menu.choose", lambda actions: None)
    assert run() == ""
    monkeypatch.setattr("apps.api.commands.menu.choose", lambda actions: next(iter(actions)))
    assert "machine" in run("menu")


def test_the_menu_accepts_numbers_and_names_and_repeats(capsys) -> None:
    actions = {"list": "the zones", "urls": "the routes"}
    for answers, chosen in ((["9", "x", "2"], "urls"), (["list"], "list"), (["q"], None), ([""], None)):
        given = answers.copy()

        def ask(_: str, given: list[str] = given) -> str:
            return given.pop(0)

        assert menu.choose(actions, ask=ask) == chosen

    def leave(_: str) -> str:
        raise EOFError

    assert menu.choose(actions, ask=leave) is None
    assert "'9' is none of them" in capsys.readouterr().out


@pytest.mark.parametrize("width", [40, 80, 200])
def test_tables_break_no_word(width: int, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    data = json.loads(run("urls", "--format", "json"))["routes"]
    shown = run("urls", out=Terminal())
    for route in data:
        for word in (route["path"], route["name"], route["view"], *route["rates"]):
            assert word in shown
    for zone in json.loads(run("list", "--format", "json"))["zones"]:
        assert zone["name"] in run("list", out=Terminal())


def test_findings_are_marked_on_a_terminal() -> None:
    out = Terminal()
    show(Report(title="t", findings=["[bold]wrong"], remarks=["mend it"], ok=False), Form.TABLE, out)
    assert "✗ [bold]wrong" in out.getvalue()
    assert "✓" not in out.getvalue()


def test_progress_is_shown_on_a_terminal_only(capsys) -> None:
    errors = Terminal()
    call_command("zones", "validate", stdout=io.StringIO(), stderr=errors)
    assert "schema closed/v2" in errors.getvalue()
    assert CLOSED.name == "closed"


def test_help_has_examples() -> None:
    parser = command.Command().create_parser("manage.py", "zones")
    text = parser.format_help()
    assert "manage.py zones keys rotate 3f2a91c0d4e7 --overlap 86400" in text
    assert "exit codes: 0 all is well; 1 something was found; 2 the command was not understood" in text
