"""scripts/bootstrap.py: each fault of a machine is one line with its remedy; interrupted runs are repaired.

The installs here are real, of one tiny wheel from a folder, by pip and without a network.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from infrastructure.embedded import data_dirs
from infrastructure.embedded.tests.conftest import eventually

pytestmark = pytest.mark.campaign

SCRIPT = data_dirs.CHECKOUT / "scripts" / "bootstrap.py"


def tiny_wheel(folder: Path, version: str) -> str:
    """A wheel of the distribution `tiny`. Returns its line for a lock."""
    files = {
        "tiny.py": f"VERSION = {version!r}\n",
        f"tiny-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n",
        f"tiny-{version}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"tiny-{version}.dist-info/RECORD"
    rows = []
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{name},sha256={digest},{len(text)}")
    files[record] = "\n".join([*rows, f"{record},,"]) + "\n"
    path = folder / f"tiny-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return f"tiny=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


class Clone:
    """A folder with the bootstrap and a lock of one package."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "a clone"
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        (self.folder / "scripts").mkdir(parents=True)
        (self.folder / "requirements").mkdir()
        (self.folder / "scripts" / "bootstrap.py").write_bytes(SCRIPT.read_bytes())
        self.lock(tiny_wheel(self.wheels, "1.0"))

    def lock(self, text: str) -> None:
        (self.folder / "requirements" / "development.txt").write_text(text)

    def environment(self, **changes: str) -> dict[str, str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
        env |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), "PIP_CONFIG_FILE": os.devnull}
        return env | {"PYTHON": sys.executable, **changes}

    def start(self, **changes: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(self.folder / "scripts" / "bootstrap.py")],
            cwd="/",
            env=self.environment(**changes),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell that runs the suite in the background has it ignore SIGINT, which children inherit.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )

    def run(self, **changes: str) -> tuple[int, str, str]:
        process = self.start(**changes)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    @property
    def python(self) -> Path:
        return self.folder / ".venv" / "bin" / "python"

    def installed(self) -> str:
        done = subprocess.run(
            [self.python, "-c", "import tiny; print(tiny.VERSION)"],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


@pytest.fixture
def bootstrap(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_first_start_interrupted_then_two_at_once_then_warm_then_another_lock(clone: Clone) -> None:
    stamp = clone.folder / ".venv" / "bootstrap.json"
    first = clone.start()
    assert eventually(stamp.exists)
    first.send_signal(signal.SIGINT)
    assert first.communicate()[1] == "\nmake: stopped; run it again to go on\n"
    assert first.returncode == 130
    # It may leave half a package: the next start builds again, and a third one waits for that.
    half = clone.folder / ".venv" / "half"
    half.touch()
    second = clone.start()
    assert eventually(lambda: not half.exists())
    assert clone.run() == (0, "another make is installing into .venv; waiting for it\n", "")
    out, err = second.communicate()
    assert (second.returncode, err) == (0, "")
    assert out.splitlines()[0].startswith("creating .venv with Python 3.")
    assert out.splitlines()[-1].startswith("environment ready in ")
    assert clone.installed() == "1.0"
    # A warm start finds a complete environment and prints nothing.
    assert clone.run() == (0, "", "")
    # Another lock: the same environment is updated.
    half.touch()
    clone.lock(tiny_wheel(clone.wheels, "2.0"))
    assert clone.run()[0] == 0
    assert clone.installed() == "2.0"
    assert half.exists()
    # The project is importable from each of its folders, and compiled files are stored apart from the source.
    (clone.folder / "project.py").write_text("HERE = True\n")
    nothing_written = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([clone.python, "-c", "import project"], cwd="/", env=nothing_written, check=True)
    cache = clone.folder / ".venv" / "pycache" / clone.folder.relative_to("/")
    assert [path.name.partition(".")[0] for path in cache.glob("*.pyc")] == ["project"]
    assert not (clone.folder / "__pycache__").exists()


def test_only_a_finished_environment_of_this_folder_and_lock_is_ready(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = tmp_path / ".venv"
    for name, path in {"VENV": venv, "STAMP": venv / "bootstrap.json", "PROGRAM": sys.executable}.items():
        monkeypatch.setattr(bootstrap, name, str(path))
    monkeypatch.setattr(bootstrap, "ROOT", str(tmp_path))
    assert bootstrap.read_stamp() == {}
    venv.mkdir()
    assert bootstrap.read_stamp() == {}
    (venv / "bin").mkdir()
    assert bootstrap.read_stamp() is None
    (venv / "other.json").write_text('{"state": "ready"}')
    assert bootstrap.read_stamp() is None
    former = {"state": "ready", "lock": "x", "root": "/", "home": "/", "python": "3.11", "link": ""}
    (venv / "former.json").write_text(json.dumps(former))
    assert bootstrap.read_stamp() == former
    (venv / "former.json").unlink()
    (venv / "bootstrap.json").write_text('{"state": "rea')
    assert bootstrap.read_stamp() == {"state": "broken"}
    interpreter = bootstrap.probe(sys.executable)
    bootstrap.write_stamp("ready", interpreter, "lock")
    assert bootstrap.is_ready(bootstrap.read_stamp(), "lock")
    assert not bootstrap.is_ready(bootstrap.read_stamp(), "another lock")
    with monkeypatch.context() as patched:
        patched.setattr(bootstrap, "LINK", "%s\n")
        assert not bootstrap.is_ready(bootstrap.read_stamp(), "lock")
    monkeypatch.setattr(bootstrap, "ROOT", "/moved/here")
    assert not bootstrap.is_ready(bootstrap.read_stamp(), "lock")
    monkeypatch.setattr(bootstrap, "ROOT", str(tmp_path))
    monkeypatch.setattr(bootstrap, "PROGRAM", str(tmp_path / "python-was-removed"))
    assert not bootstrap.is_ready(bootstrap.read_stamp(), "lock")


def test_wrong_hash_is_one_line(clone: Clone) -> None:
    clone.lock("tiny==1.0 --hash=sha256:" + "0" * 64 + "\n")
    code, _, err = clone.run()
    assert (code, len(err.splitlines())) == (1, 1)
    assert "does not match its pinned hash" in err


def test_no_network_is_one_line_without_trying_twice(clone: Clone) -> None:
    clone.lock(tiny_wheel(clone.wheels, "1.0") + "uv==0.9 --hash=sha256:" + "0" * 64 + "\n")
    nowhere = {"PIP_NO_INDEX": "0", "PIP_FIND_LINKS": "", "PIP_INDEX_URL": "http://127.0.0.1:1/simple"}
    code, out, err = clone.run(PIP_RETRIES="1", **nowhere)
    assert (code, len(err.splitlines())) == (1, 1)
    assert err.startswith("make: no network: the first start downloads the packages")
    assert "trying pip" not in out


def test_environment_that_is_not_ours_is_left_alone(clone: Clone) -> None:
    (clone.folder / ".venv").mkdir()
    (clone.folder / ".venv" / "precious").touch()
    code, _, err = clone.run()
    assert (code, err) == (
        1,
        "make: .venv was made by something else: remove it (rm -rf .venv) and run make again\n",
    )
    assert (clone.folder / ".venv" / "precious").exists()


def test_folder_that_cannot_be_written(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "ROOT", str(tmp_path / "missing"))
    with pytest.raises(
        bootstrap.Failure, match=r"is not writable .*: clone the project into a folder of your own"
    ):
        with bootstrap.alone():
            pass


def fake_python(folder: Path, name: str, version: str, *, venv: int = 1, ensurepip: int = 1) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\nprintf '%s\\n' {version} '{path}' '{venv} {ensurepip}' '{folder}'\n")
    path.chmod(0o755)
    return path


def test_the_newest_suitable_python_on_the_path_is_used(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(bootstrap, "NAMES", ("python3.14", "python3.13", "python3.12", "python3"))
    shim = tmp_path / "python3.14"
    shim.write_text("#!/bin/sh\necho 'python3.14: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    fake_python(tmp_path, "python3.13", "3.13.1", venv=0)
    fake_python(tmp_path, "python3.12", "3.12.4")
    fake_python(tmp_path, "python3", "3.9.2")
    assert bootstrap.choose_interpreter("").version == (3, 12, 4)
    (tmp_path / "python3.12").unlink()
    with pytest.raises(
        bootstrap.Failure, match=r"no `venv` module: install it .*apt install python3.13-venv"
    ):
        bootstrap.choose_interpreter("")
    (tmp_path / "python3.13").unlink()
    with pytest.raises(bootstrap.Failure, match=r"Python 3\.9\.2 is too old .*install Python 3\.11 or newer"):
        bootstrap.choose_interpreter("")
    monkeypatch.setattr(bootstrap, "NAMES", ("python3.14",))
    with pytest.raises(bootstrap.Failure, match="no Python found on PATH"):
        bootstrap.choose_interpreter("")


def test_a_configured_python_is_checked(bootstrap: ModuleType, tmp_path: Path) -> None:
    old = fake_python(tmp_path, "old", "3.10.1")
    with pytest.raises(bootstrap.Failure, match=r"Python 3\.10\.1 is too old"):
        bootstrap.choose_interpreter(str(old))
    with pytest.raises(bootstrap.Failure, match="PYTHON=/no/such does not start"):
        bootstrap.choose_interpreter("/no/such")


def test_every_cause_has_its_line(bootstrap: ModuleType) -> None:
    causes = {
        "error: HTTP 401 hash mismatch for x": "does not match its pinned hash",
        "invalid peer certificate: UnknownIssuer": "certificate is not trusted: set SSL_CERT_FILE",
        "OSError: [Errno 28] No space left on device": "the disk is full",
        "dns error: failed to lookup address information": "no network: the first start",
        "Because x==1 has no usable wheels": "has no wheel for this platform",
        "one\n\ntwo\nthree\nfour": "the installer failed (exit 2): two / three / four",
        "": "the installer failed (exit 2): no output",
    }
    for output, line in causes.items():
        assert line in bootstrap.explain(output, 2)
        assert "\n" not in bootstrap.explain(output, 2)


def test_uv_follows_pips_configuration_or_stays_out(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("UV_DEFAULT_INDEX", "SSL_CERT_FILE", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    env = bootstrap.uv_environment(
        {"index-url": "https://mirror/simple", "cert": "/ca.pem", "proxy": "http://proxy"}
    )
    assert (env["UV_DEFAULT_INDEX"], env["SSL_CERT_FILE"], env["ALL_PROXY"]) == (
        "https://mirror/simple",
        "/ca.pem",
        "http://proxy",
    )
    assert bootstrap.uv_environment({"no-index": "1"}) is None


def test_lock_pins_its_own_installers(bootstrap: ModuleType) -> None:
    for name in ("pip", "uv"):
        text, hashes = bootstrap.pinned(name)
        assert text.startswith(f"{name}==")
        assert len(hashes) >= 2
    with pytest.raises(bootstrap.Failure, match="does not pin nothing"):
        bootstrap.pinned("nothing")


class Index(http.server.BaseHTTPRequestHandler):
    """A package index with one page and one wheel; `content` is sent for the wheel."""

    content = b""
    digest = ""

    def do_GET(self) -> None:
        page = f'<a href="../files/pip-1-py3-none-any.whl#sha256={self.digest}">pip</a>'.encode()
        body = self.content if self.path.endswith(".whl") else page
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_pip_is_fetched_by_hash_for_a_python_without_ensurepip(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interpreter = bootstrap.probe(str(fake_python(tmp_path, "python3.12", "3.12.4", ensurepip=0)))
    assert bootstrap.bundled_pip(interpreter) is None
    Index.content, Index.digest = b"pip itself", hashlib.sha256(b"pip itself").hexdigest()
    known = {Index.digest}
    monkeypatch.setattr(bootstrap, "pinned", lambda name: ("", known))
    with http.server.HTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
        assert Path(bootstrap.pip_wheel(interpreter, str(tmp_path))).read_bytes() == b"pip itself"
        Index.content = b"something else"
        with pytest.raises(bootstrap.Failure, match="does not match its pinned hash"):
            bootstrap.pip_wheel(interpreter, str(tmp_path))
        Index.digest = "0" * 64
        with pytest.raises(bootstrap.Failure, match=r"could not be fetched .*install python3\.12-venv"):
            bootstrap.pip_wheel(interpreter, str(tmp_path))
        server.shutdown()


def test_script_is_readable_for_old_pythons() -> None:
    import ast

    ast.parse(SCRIPT.read_text(), feature_version=(3, 6))
