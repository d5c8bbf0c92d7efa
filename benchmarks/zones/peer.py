"""django-revolution in its own environment, with a project of four zones."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.zones.measuring import INHERITED, ROOT, ZONES, seconds

PEER = ("django-revolution==1.0.46", "questionary==2.1.1")

_NAMES = ("public", "private", "internal", "admin")
VIEWS = """
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
# It requires each app in one zone only.
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
from benchmarks.zones.measuring import best_of, by_wsgi

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
    """django-revolution in its own environment."""

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
            "things.py": VIEWS,
        }
        for number in range(ZONES):
            files[f"things{number}/__init__.py"] = ""
            files[f"things{number}/urls.py"] = "from things import urlpatterns"
        for name, text in files.items():
            (self.project / name).parent.mkdir(parents=True, exist_ok=True)
            (self.project / name).write_text(text)

    def command(self, action: str) -> Callable[[], float]:
        """The seconds of one of its commands. Its exit code is ignored: it fails to print its own result."""
        return lambda: seconds([self.python, "manage.py", "revolution", action], self.project, INHERITED)

    def measure(self, part: str) -> dict[str, Any]:
        done = subprocess.run(
            [self.python, "measure.py", part], cwd=self.project, stdout=subprocess.PIPE, text=True, check=True
        )
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer
