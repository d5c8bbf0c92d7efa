"""The zone router beside django-revolution 1.0.46, in one run: `.venv/bin/python -m benchmarks.zones [part …]`.

    mounting   milliseconds a zone, warm, 50 zones over one slice with a viewset; Sarsen's includes the whole validation
    commands   `zones validate` and `zones urls` as whole processes, beside `revolution --validate-zones` and `--show-urls`
    schema     a schema generated anew, a cached one and a 304, by WSGI; the peer makes its own anew each time
    seeds      the dump of all URLs, in 20 processes with a random hash seed each: the same bytes

The peer is installed from PyPI into a throwaway environment (with `questionary`, which it imports and does not declare) and
is given a project of four zones, written below. Both are run in turns; what is printed is the best of all
turns and the median. No database server is needed: nothing here asks one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PEER = ("django-revolution==1.0.46", "questionary==2.1.1")
ZONES = 50
TURNS = 9
SEEDS = 20
NOWHERE = {"DATABASE_URL": "postgres://sarsen@127.0.0.1:1/sarsen", "REDIS_URL": "redis://127.0.0.1:1/0"}
ENVIRONMENT = {
    **os.environ,
    **NOWHERE,
    "DJANGO_SETTINGS_MODULE": "config.settings.test",
    "DJANGO_READ_DOT_ENV": "0",
    "LOG_LEVEL": "CRITICAL",
}

# ------------------------------------------------------------------ the peer's project

_NAMES = ("public", "private", "internal", "admin")
_VIEWS = """
from rest_framework import serializers, viewsets
from rest_framework.routers import SimpleRouter

class ThingSerializer(serializers.Serializer):
    id = serializers.IntegerField(read_only=True)
    name = serializers.CharField(max_length=40)
    weight = serializers.IntegerField(min_value=1)

class Things(viewsets.ViewSet):
    serializer_class = ThingSerializer
    lookup_value_converter = "int"
    def list(self, request): ...
    def create(self, request): ...
    def retrieve(self, request, pk): ...
    def update(self, request, pk): ...
    def destroy(self, request, pk): ...

router = SimpleRouter(use_regex_path=False)
router.register("things", Things, basename="thing")
urlpatterns = router.urls
"""
_SETTINGS = f"""
SECRET_KEY = "only-for-this-benchmark" * 3
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "drf_spectacular",
    "django_revolution",
]
# It wants each app in one zone only.
INSTALLED_APPS += [f"things{{number}}" for number in range({ZONES})]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}}
MIDDLEWARE = []
REST_FRAMEWORK = {{"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema", "DEFAULT_PERMISSION_CLASSES": []}}
DJANGO_REVOLUTION = {{
    "api_prefix": "api",
    "zones": {{
        name: {{"apps": [f"things{{number}}"], "title": name, "description": name, "public": True, "auth_required": False, "version": "v1"}}
        for number, name in enumerate({_NAMES!r})
    }},
}}
"""
_URLS = "from django_revolution import add_revolution_urls\nurlpatterns = add_revolution_urls([])\n"
_MANAGE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
_MEASURE = f"""
import json, logging, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
sys.path[:0] = [os.getcwd(), {str(ROOT)!r}]
import django
django.setup()
logging.disable(logging.CRITICAL)
from django.core.handlers.wsgi import WSGIHandler
from django_revolution.config import DjangoRevolutionSettings
from django_revolution.zones import DynamicZoneManager
from benchmarks.zones import best_of, by_wsgi

if sys.argv[1] == "mounting":
    zone = {{"title": "t", "description": "d", "public": True, "auth_required": False, "version": "v1"}}
    zones = {{f"z{{number}}": zone | {{"apps": [f"things{{number}}"]}} for number in range({ZONES})}}
    config = DjangoRevolutionSettings(api_prefix="api", zones=zones)
    manager = DynamicZoneManager(config)
    print(json.dumps({{"peer": best_of(manager.get_zone_urls, per={ZONES})}}))
else:
    call = by_wsgi(WSGIHandler(), "/schema/public/schema/")
    found = call()
    status, body = found[0], found[2]
    again = by_wsgi(WSGIHandler(), "/schema/public/schema/", **{{"HTTP_IF_NONE_MATCH": '"x"'}})()
    print(json.dumps({{"status": status, "bytes": len(body), "etag": "etag" in found[1], "again": again[0], "each": best_of(call)}}))
"""


class Peer:
    """django-revolution in an environment of its own."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.python = folder / "env" / "bin" / "python"
        subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
        install = [self.python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PEER]
        subprocess.run(install, check=True, stderr=subprocess.DEVNULL)
        files = {
            "settings.py": _SETTINGS,
            "urls.py": _URLS,
            "manage.py": _MANAGE,
            "measure.py": _MEASURE,
            "things.py": _VIEWS,
        }
        for number in range(ZONES):
            files[f"things{number}/__init__.py"] = ""
            files[f"things{number}/urls.py"] = "from things import urlpatterns"
        for name, text in files.items():
            (self.project / name).parent.mkdir(parents=True, exist_ok=True)
            (self.project / name).write_text(text)

    def command(self, action: str) -> Callable[[], float]:
        """Seconds of one of its commands. Its exit code says nothing: printing its own answer fails after the work."""
        return lambda: seconds(
            [self.python, "manage.py", "revolution", action], self.project, dict(os.environ)
        )

    def measure(self, part: str) -> dict[str, Any]:
        done = subprocess.run(
            [self.python, "measure.py", part], cwd=self.project, stdout=subprocess.PIPE, text=True, check=True
        )
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer


# ------------------------------------------------------------------ how it is measured


def seconds(command: list[Any], folder: Path, environment: dict[str, str]) -> float:
    begun = time.perf_counter()
    subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return time.perf_counter() - begun


def best_of(call: Callable[[], object], *, per: int = 1, times: int = 60) -> tuple[float, float]:
    """Best and median milliseconds of a call, divided by `per`, warm and with nothing old for the collector to look at."""
    import gc

    for _ in range(5):
        call()
    gc.collect()
    gc.freeze()
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        taken.append((time.perf_counter() - begun) * 1000 / per)
    return min(taken), statistics.median(taken)


def by_wsgi(application: Any, path: str, **more: str) -> Callable[[], tuple[int, dict[str, str], bytes]]:
    """A GET straight to a WSGI application, as a server would hand it over: status, headers, body."""
    from wsgiref.util import setup_testing_defaults

    def call() -> tuple[int, dict[str, str], bytes]:
        environ: dict[str, Any] = {
            "PATH_INFO": path,
            "HTTP_HOST": "localhost",
            "REMOTE_ADDR": "127.0.0.1",
            **more,
        }
        setup_testing_defaults(environ)
        told: list[Any] = []
        answer = application(environ, lambda status, headers, *_: told.extend((status, headers)))
        body = b"".join(answer)
        answer.close()
        return int(told[0].split()[0]), {name.lower(): value for name, value in told[1]}, body

    return call


def show(
    what: str, ours: tuple[float, float], theirs: tuple[float, float] | None, bar: str, unit: str = "ms"
) -> None:
    line = f"{what:<44} {ours[0]:8.3f} ({ours[1]:.3f}) {unit}"
    if theirs is not None:
        line += f"   peer {theirs[0]:8.3f} ({theirs[1]:.3f})   {theirs[0] / ours[0]:6.1f} times"
    print(f"{line}   bar: {bar}", flush=True)


# ------------------------------------------------------------------ Sarsen, inside a process of its own


def inside(part: str) -> dict[str, Any]:
    import django

    django.setup()
    return {"mounting": _mounting, "schema": _schema, "dump": _dump}[part]()


def _mounting() -> dict[str, Any]:
    from apps.api import slices, zones
    from apps.api.mounting import mount
    from apps.api.slices import Slice
    from apps.api.zones import Floor, Zone, ZoneTable

    made: dict[str, Any] = {}
    exec(compile(_VIEWS, "things", "exec"), made)
    names = [f"z{number}" for number in range(ZONES)]

    class Things(Slice):
        __slots__ = ()

        def routes(self) -> Any:
            return dict.fromkeys(names, made["urlpatterns"])

    table = ZoneTable(
        tuple(
            Zone(name=name, title="t", description="d", slices=("things",), floor=Floor.USER)
            for name in names
        )
    )
    found = (Things("things", "things"),)
    own, installed = zones.table(), slices.installed()
    return {
        "ours": best_of(lambda: mount(table, found), per=ZONES),
        "own": best_of(lambda: mount(own, installed), per=len(own)),
    }


def _schema() -> dict[str, Any]:
    from apps.api.mounting import mounted
    from config.wsgi import application

    documents = mounted().documents
    cold = {f"{item.zone.name}/{item.version.name}": best_of(item.data, times=15) for item in documents}
    call = by_wsgi(application, "/api/public/schema.yaml")
    status, headers, body = call()
    not_modified = by_wsgi(application, "/api/public/schema.yaml", HTTP_IF_NONE_MATCH=headers["etag"])
    return {
        "cold": cold,
        "status": status,
        "bytes": len(body),
        "cached": best_of(call),
        "again": not_modified()[0],
        "not modified": best_of(not_modified),
    }


def _dump() -> dict[str, Any]:
    from apps.api.mounting import mounted
    from apps.api.slices import leaves

    lines = [f"{leaf.route} {leaf.pattern.name}" for leaf in leaves(mounted().patterns)]
    lines += [f"{item.path} {item.methods} {item.view} {item.narrowed_by}" for item in mounted().endpoints]
    return {"lines": len(lines), "digest": hashlib.sha256("\n".join(lines).encode()).hexdigest()}


def ask(part: str, **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.zones", "--inside", part],
        cwd=ROOT,
        env=ENVIRONMENT | environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


# ------------------------------------------------------------------ the parts


def mounting(peer: Peer) -> None:
    ours, theirs = ask("mounting"), peer.measure("mounting")
    show(f"mounting, a zone of {ZONES}, warm", tuple(ours["ours"]), tuple(theirs["peer"]), "0.1 ms")
    show("mounting, a zone of Sarsen's own, warm", tuple(ours["own"]), None, "none")


def commands(peer: Peer) -> None:
    ours = {
        name: lambda name=name: seconds([sys.executable, "manage.py", "zones", name], ROOT, ENVIRONMENT)
        for name in ("validate", "urls")
    }
    theirs = {"validate": peer.command("--validate-zones"), "urls": peer.command("--show-urls")}
    setup = [sys.executable, "-c", "import gc; gc.disable(); import django; django.setup()"]
    calls = [
        *(("ours", name, call) for name, call in ours.items()),
        *(("theirs", name, call) for name, call in theirs.items()),
        ("ours", "setup", lambda: seconds(setup, ROOT, ENVIRONMENT)),
    ]
    taken: dict[tuple[str, str], list[float]] = {}
    for turn in range(TURNS + 1):
        for who, name, call in calls:
            spent = call()
            if turn:  # the first one compiles
                taken.setdefault((who, name), []).append(spent)
    figures = {key: (min(times), statistics.median(times)) for key, times in taken.items()}
    for name in ("validate", "urls"):
        show(f"zones {name}, the whole process", figures["ours", name], figures["theirs", name], "0.6 s", "s")
    show("  of which django.setup()", figures["ours", "setup"], None, "none", "s")


def schema(peer: Peer) -> None:
    ours, theirs = ask("schema"), peer.measure("schema")
    for name, figure in ours["cold"].items():
        show(f"schema {name}, made anew", tuple(figure), None, "10 ms")
    show(
        f"schema.yaml, cached ({ours['status']}, {ours['bytes']} bytes)",
        tuple(ours["cached"]),
        tuple(theirs["each"]),
        "1 ms",
    )
    show(f"schema.yaml, by its ETag ({ours['again']})", tuple(ours["not modified"]), None, "1 ms")
    print(
        f"  the peer's: {theirs['status']}, {theirs['bytes']} bytes, ETag {theirs['etag']}, made anew each time"
    )


def seeds(_: Peer | None = None) -> bool:
    """Whether all processes mount the same."""
    dumps = [ask("dump", PYTHONHASHSEED="random") for _ in range(SEEDS)]
    same = len({dump["digest"] for dump in dumps}) == 1
    print(
        f"URL dump in {SEEDS} processes: {dumps[0]['lines']} lines, {'the same' if same else 'DIFFERENT'} in all"
    )
    return same


PARTS: dict[str, Callable[[Any], object]] = {
    "mounting": mounting,
    "commands": commands,
    "schema": schema,
    "seeds": seeds,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="all of them without one")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        print(json.dumps(inside(arguments.inside)))
        return 0
    wanted = arguments.part or list(PARTS)
    if wanted == ["seeds"]:
        return 0 if seeds() else 1
    with tempfile.TemporaryDirectory(prefix="sarsen-zones-") as folder:
        print(f"installing {' '.join(PEER)}", flush=True)
        peer = Peer(Path(folder))
        answers = [PARTS[name](peer) for name in wanted]
    return 1 if False in answers else 0


if __name__ == "__main__":
    sys.exit(main())
