"""Creates .venv from requirements/development.txt, once; says in one line what is wrong when it cannot.

Started by `make` before anything else, with any Python of the machine: so the standard library only, and
no syntax newer than Python 3.6, or an old one could not even say that it is too old. A warm start compares a
stamp and returns. Every package is checked against its hash and comes as a wheel: no compiler is needed.

    PYTHON=/path/to/python3.13   the interpreter to build .venv with (else the newest suitable one on PATH)
"""

import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

OLDEST = (3, 11)
NAMES = ("python3.14", "python3.13", "python3.12", "python3.11", "python3", "python")
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOCK = os.path.join(ROOT, "requirements", "development.txt")
VENV = os.path.join(ROOT, ".venv")
PROGRAM = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "bootstrap.json")
# Written by `link_project`: an environment that was made with another one is refreshed. Python reads it at each start:
# a line that begins with `import` is run. Compiled modules are kept in .venv, never in the source tree, and also where
# PYTHONDONTWRITEBYTECODE is set: compiling everything anew more than doubles the start of each process.
LINK = (
    "%s\nimport sys; sys.dont_write_bytecode = False; "
    "sys.pycache_prefix = sys.pycache_prefix or sys.prefix + '/pycache'\n"
)
# Asked of a candidate: its version, its own path, and whether it can make environments.
PROBE = (
    "import sys, importlib.util as u; print('%d.%d.%d' % sys.version_info[:3]); print(sys.executable); "
    "print(int(u.find_spec('venv') is not None), int(u.find_spec('ensurepip') is not None)); "
    "print(sys.base_prefix)"
)
NO_NETWORK = re.compile(
    r"dns error|name resolution|name or service|failed to (?:fetch|connect|resolve)|connection (?:refused|error|broken)"
    r"|newconnectionerror|max retries|network is unreachable|urlopen error|timed out|nodename nor servname|proxyerror",
    re.I,
)
NO_WHEEL = re.compile(
    r"no usable wheels|no wheels with a matching|building from source is disabled|no matching distribution"
    r"|no-build|doesn't have a wheel|not a supported wheel",
    re.I,
)
BAD_HASH = re.compile(r"hash mismatch|do not match the hashes|hashes are required", re.I)
CERTIFICATE = re.compile(r"certificate.{0,20}verif|invalid peer certificate|sslerror|unknownissuer", re.I)


class Failure(Exception):
    """An error with its remedy, in one line."""


def say(text):
    print(text, flush=True)


# ---------------------------------------------------------------- the interpreter


class Interpreter(object):
    """A Python that answered the probe."""

    def __init__(self, path, version, has_venv, has_ensurepip, home):
        self.path, self.version, self.home = path, version, home
        self.has_venv, self.has_ensurepip = has_venv, has_ensurepip


def probe(command):
    """The interpreter behind a command, or None where there is none that starts (a version manager's shim, say)."""
    path = shutil.which(command)
    if path is None:
        return None
    try:
        answer = subprocess.run(
            [path, "-I", "-c", PROBE],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=20,
            check=True,
        ).stdout.decode()
        version, executable, flags, home = answer.splitlines()[:4]
        has_venv, has_ensurepip = (flag == "1" for flag in flags.split())
        numbers = tuple(int(part) for part in version.split("."))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return Interpreter(executable, numbers, has_venv, has_ensurepip, home)


def choose_interpreter(wanted):
    """PYTHON= when given, else the newest suitable one that PATH leads to."""
    if wanted:
        found = probe(wanted)
        if found is None:
            raise Failure("PYTHON=%s does not start: name an installed Python 3.11 or newer" % wanted)
        return checked(found, "PYTHON=%s" % wanted)
    seen = [candidate for candidate in map(probe, NAMES) if candidate is not None]
    if not seen:
        raise Failure(
            "no Python found on PATH: install Python 3.11 or newer, or name one with PYTHON=/path/to/python"
        )
    # sorted() keeps the order of NAMES among equals; one that can make environments goes first.
    best = sorted(seen, key=lambda one: (one.has_venv, one.version[:2] >= OLDEST), reverse=True)
    suitable = [one for one in best if one.version[:2] >= OLDEST]
    return checked(suitable[0] if suitable else best[0], seen[0].path)


def checked(found, name):
    if found.version[:2] < OLDEST:
        raise Failure(
            "Python %d.%d.%d is too old (%s): install Python 3.11 or newer, or name one with PYTHON=/path/to/python"
            % (found.version + (found.path,))
        )
    if not found.has_venv:
        raise Failure(
            "%s has no `venv` module: install it (Debian, Ubuntu: apt install python%d.%d-venv)"
            % ((found.path,) + found.version[:2])
        )
    return found


# ---------------------------------------------------------------- the stamp


def digest():
    with open(LOCK, "rb") as lock:
        return hashlib.sha256(lock.read()).hexdigest()


def read_stamp():
    """The stamp of the last run: {} without a .venv, None for a .venv of another origin."""
    try:
        with open(STAMP) as stamp:
            return json.load(stamp)
    except ValueError:
        return {"state": "broken"}
    except OSError:
        former = former_stamp()
        if former is not None:
            return former
        # An empty folder is what a stop between making it and stamping it leaves.
        foreign = os.path.lexists(VENV) and not (os.path.isdir(VENV) and not os.listdir(VENV))
        return None if foreign else {}


def former_stamp():
    """The stamp under another name, which an earlier release gave it; None without one."""
    for name in sorted(os.listdir(VENV)) if os.path.isdir(VENV) else []:
        if name.endswith(".json"):
            with open(os.path.join(VENV, name)) as file:
                try:
                    content = json.load(file)
                except ValueError:
                    continue
            if isinstance(content, dict) and {"state", "lock", "root", "home"} <= set(content):
                return content
    return None


def write_stamp(state, interpreter, lock):
    content = {"state": state, "lock": lock, "root": ROOT, "python": "%d.%d" % interpreter.version[:2]}
    content["home"], content["link"] = interpreter.home, LINK
    with open(STAMP + ".new", "w") as stamp:
        json.dump(content, stamp)
    os.replace(STAMP + ".new", STAMP)


def is_ready(stamp, lock):
    """Whether .venv holds this very lock, in this very folder, and its Python is still installed."""
    return bool(
        stamp
        and stamp.get("state") == "ready"
        and stamp.get("lock") == lock
        and stamp.get("root") == ROOT
        and stamp.get("link") == LINK
        and os.access(PROGRAM, os.X_OK)
    )


# ---------------------------------------------------------------- installing


class Progress(object):
    """Shows what an installer is doing: a line rewritten in place on a terminal, else a line every five seconds."""

    def __init__(self, title):
        self.title, self.detail, self.begun = title, "", time.time()
        self.live = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self.lines = []
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.tick, daemon=True)

    def tick(self):
        while not self.done.wait(0.2 if self.live else 5):
            text = "%s … %d s%s" % (
                self.title,
                time.time() - self.begun,
                self.detail and "  (%s)" % self.detail,
            )
            if self.live:
                width = shutil.get_terminal_size((80, 24)).columns - 1
                sys.stdout.write("\r\x1b[2K" + text[:width])
                sys.stdout.flush()
            else:
                say(text)

    def feed(self, line):
        self.lines.append(line)
        match = re.search(
            r"(Collecting|Downloading|Downloaded|Installing|Building|Prepared|Installed) +(\S+)", line
        )
        if match:
            self.detail = match.group(0).lower()[:60]

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()
        if self.live:
            sys.stdout.write("\r\x1b[2K")
            sys.stdout.flush()


def run(command, title, env=None):
    """Run an installer under a progress line. Raises Failure with the cause in one line."""
    with Progress(title) as progress:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=ROOT,
        )
        try:
            for raw in process.stdout:
                progress.feed(raw.decode("utf-8", "replace").rstrip())
            status = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if status:
        raise Failure(explain("\n".join(progress.lines), status))


def explain(output, status):
    """One line for an installer's failure, with the fix."""
    if BAD_HASH.search(output):
        return "a downloaded package does not match its pinned hash: check the package index or proxy in use, then make lock"
    if CERTIFICATE.search(output):
        return "the package index's certificate is not trusted: set SSL_CERT_FILE to your organisation's certificates"
    if "No space left" in output or "os error 28" in output:
        return "the disk is full: free about 1 GB and run make again"
    if NO_NETWORK.search(output):
        return "no network: the first start downloads the packages (about 150 MB); connect, or set PIP_INDEX_URL to a mirror"
    if NO_WHEEL.search(output):
        return (
            "a package has no wheel for this platform (%s %s, Python %s): use Linux with glibc or macOS, Python 3.11 to 3.14"
            % (
                platform.system(),
                platform.machine(),
                platform.python_version(),
            )
        )
    tail = [line for line in output.splitlines() if line.strip()][-3:]
    return "the installer failed (exit %s): %s" % (status, " / ".join(tail) or "no output")


def pip_settings(python):
    """The configuration of pip on this machine, as {name: value}, from its files and its environment."""
    answer = subprocess.run(
        python + ["config", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    ).stdout.decode("utf-8", "replace")
    settings = {}
    for line in answer.splitlines():
        name, _, value = line.partition("=")
        # ":env:" lines come first in pip's own precedence; keep what was seen first.
        settings.setdefault(name.rsplit(".", 1)[-1], value.strip().strip("'\""))
    return settings


def uv_environment(settings):
    """The environment that makes uv reach the index that pip would, or None when only pip can."""
    if {"no-index", "client-cert", "trusted-host", "keyring-provider"} & set(settings):
        return None
    env = dict(os.environ, UV_NO_PROGRESS="1", UV_NO_CONFIG="1", UV_PYTHON_DOWNLOADS="never")
    for name in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"):
        env.pop(name, None)
    if "index-url" in settings:
        env.setdefault("UV_DEFAULT_INDEX", settings["index-url"])
    if "cert" in settings:
        env.setdefault("SSL_CERT_FILE", settings["cert"])
    if "proxy" in settings:
        env.setdefault("ALL_PROXY", settings["proxy"])
    return env


def link_project():
    """Let every program of .venv import the project from anywhere (`pytest` alone, an editor), and keep what it compiles."""
    answer = subprocess.run(
        [PROGRAM, "-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        stdout=subprocess.PIPE,
        check=True,
    )
    with open(os.path.join(answer.stdout.decode().strip(), "checkout.pth"), "w") as link:
        link.write(LINK % ROOT)


def pinned(name):
    """The lines of the lock that pin one package, and its hashes."""
    with open(LOCK) as lock:
        match = re.search(r"^%s==.*?(?=^\S)" % re.escape(name), lock.read() + "\nend", re.M | re.S)
    if match is None:
        raise Failure("requirements/development.txt does not pin %s: run make lock" % name)
    return match.group(0), set(re.findall(r"sha256:([0-9a-f]{64})", match.group(0)))


def pip_wheel(interpreter, folder):
    """Pip's own wheel at the lock's version, for a Python that was shipped without ensurepip."""
    import urllib.parse
    import urllib.request

    _, hashes = pinned("pip")
    page = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/pip/"
    try:
        with urllib.request.urlopen(page, timeout=20) as answer:
            links = re.findall(r"href=[\"']([^\"'#]+\.whl)#sha256=([0-9a-f]{64})", answer.read().decode())
        address = [urllib.parse.urljoin(page, link) for link, digest in links if digest in hashes][0]
        with urllib.request.urlopen(address, timeout=60) as answer:
            content = answer.read()
    except (OSError, ValueError, IndexError) as error:
        raise Failure(
            "this Python has no ensurepip and pip could not be fetched (%s): connect, or install python%d.%d-venv"
            % ((error,) + interpreter.version[:2])
        )
    if hashlib.sha256(content).hexdigest() not in hashes:
        raise Failure(
            "the downloaded pip does not match its pinned hash: check the package index or proxy in use"
        )
    target = os.path.join(folder, "pip.whl")
    with open(target, "wb") as wheel:
        wheel.write(content)
    return target


def pip_command(interpreter, folder):
    """A pip that installs into .venv: the one inside, else ensurepip's bundled wheel, else a fetched one."""
    inside = subprocess.run([PROGRAM, "-I", "-c", "import pip"], stderr=subprocess.DEVNULL)
    if inside.returncode == 0:
        return [PROGRAM, "-I", "-m", "pip"]
    unpacked = os.path.join(folder, "pip")
    with zipfile.ZipFile(bundled_pip(interpreter) or pip_wheel(interpreter, folder)) as wheel:
        wheel.extractall(unpacked)
    return [PROGRAM, "-I", os.path.join(unpacked, "pip")]


def bundled_pip(interpreter):
    """The wheel that ensurepip would unpack, or None; unpacking it aside spares three seconds."""
    if not interpreter.has_ensurepip:
        return None
    code = (
        "import ensurepip, glob, os, sysconfig; "
        "dirs = [os.path.join(os.path.dirname(ensurepip.__file__), '_bundled'), sysconfig.get_config_var('WHEEL_PKG_DIR')]; "
        "print(([f for d in dirs if d for f in glob.glob(os.path.join(d, 'pip-*.whl'))] or [''])[0])"
    )
    answer = subprocess.run(
        [interpreter.path, "-I", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return answer.stdout.decode().strip() or None


def install(interpreter):
    """Bring .venv to exactly what the lock says: by uv, which pip fetches, or by pip alone where uv cannot be had."""
    with open(LOCK) as lock:
        count = sum(1 for line in lock if re.match(r"[a-zA-Z0-9]", line))
    title = "installing %d packages" % count
    strict = ["--require-hashes", "--only-binary", ":all:"]
    os.environ.setdefault("PIP_RETRIES", "2")
    with tempfile.TemporaryDirectory() as folder:
        pip = pip_command(interpreter, folder)
        by_pip = pip + ["install", "--no-deps", "--no-input", "--disable-pip-version-check"] + strict + ["-r"]
        env = uv_environment(pip_settings(pip))
        if env is not None and fetch_uv(by_pip, folder):
            try:
                run(
                    [PROGRAM, "-I", "-m", "uv", "pip", "sync", "--python", PROGRAM] + strict + [LOCK],
                    title,
                    env,
                )
                return
            except Failure as failure:
                if "hash" in str(failure):
                    raise
                say("uv could not install (%s); trying pip, which is slower" % failure)
        run(by_pip + [LOCK], title)


def fetch_uv(by_pip, folder):
    """Put uv into .venv, at the lock's version. Returns whether it is there; a platform without it is no failure."""
    lines = pinned("uv")[0]
    version = re.match(r"uv==(\S+)", lines).group(1)
    code = "import sys, importlib.metadata as m; sys.exit(m.version('uv') != %r)" % version
    if subprocess.run([PROGRAM, "-I", "-c", code], stderr=subprocess.DEVNULL).returncode == 0:
        return True
    only_uv = os.path.join(folder, "uv.txt")
    with open(only_uv, "w") as file:
        file.write(lines)
    try:
        run(by_pip + [only_uv], "fetching the installer")
    except Failure as failure:
        if "no wheel" not in str(failure):
            raise
        return False
    return True


# ---------------------------------------------------------------- the whole


@contextlib.contextmanager
def alone():
    """Hold the checkout's install lock; a second start waits for the first and then finds its work done."""
    import fcntl

    try:
        handle = open(os.path.join(ROOT, ".venv.lock"), "w")
    except OSError as error:
        raise Failure(
            "%s is not writable (%s): clone the project into a folder of your own" % (ROOT, error.strerror)
        )
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("another make is installing into .venv; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def ensure(wanted):
    """Make .venv ready. Returns whether anything had to be done."""
    lock = digest()
    stamp = read_stamp()
    if is_ready(stamp, lock) and not wanted:
        return False
    interpreter = choose_interpreter(wanted)
    version = "%d.%d" % interpreter.version[:2]
    if is_ready(stamp, lock) and stamp.get("python") == version:
        return False
    with alone():
        stamp = read_stamp()
        if is_ready(stamp, lock) and (not wanted or stamp.get("python") == version):
            return True
        if stamp is None:
            raise Failure(".venv was made by something else: remove it (rm -rf .venv) and run make again")
        begun = time.time()
        # An interrupted install can leave half a package behind, so only a finished environment is built upon.
        same = (
            stamp.get("root") == ROOT
            and stamp.get("python") == version
            and stamp.get("home") == interpreter.home
        )
        if not (stamp.get("state") == "ready" and same and os.access(PROGRAM, os.X_OK)):
            say("creating .venv with Python %d.%d.%d (%s)" % (interpreter.version + (interpreter.path,)))
            make_environment(interpreter)
        write_stamp("installing", interpreter, lock)
        install(interpreter)
        link_project()
        write_stamp("ready", interpreter, lock)
        say("environment ready in %.1f s" % (time.time() - begun))
    return True


def make_environment(interpreter):
    """An empty .venv without pip, which takes a tenth of a second."""
    if os.path.islink(VENV):
        raise Failure(".venv is a symbolic link: remove it (rm .venv) and run make again")
    if os.path.isdir(VENV):
        # The stamp goes last: until then the folder is known to be ours, also after an interruption.
        for name in os.listdir(VENV):
            if name != os.path.basename(STAMP):
                path = os.path.join(VENV, name)
                shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
    else:
        os.mkdir(VENV)
    write_stamp("installing", interpreter, "")
    done = subprocess.run(
        [interpreter.path, "-I", "-m", "venv", "--without-pip", VENV],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        tail = done.stdout.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise Failure(
            "%s could not make an environment: %s" % (interpreter.path, "".join(tail) or "no output")
        )


def main():
    if os.name != "posix":
        raise Failure("This project runs on Linux and macOS: on Windows use WSL")
    ensure(os.environ.get("PYTHON", ""))
    init = os.path.join(ROOT, "scripts", "init.py")
    if os.path.exists(os.path.join(ROOT, ".copier-answers.yml")) and os.path.exists(init):
        # A fresh copy by copier: it becomes the product that the answers describe.
        status = subprocess.call([PROGRAM, init])
        if status:
            raise Failure("the answers in .copier-answers.yml cannot be used")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.stderr.write("make: %s\n" % failure)
        sys.exit(1)
    except OSError as error:
        sys.stderr.write("make: %s: %s\n" % (error.filename or "cannot go on", error.strerror or error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("\nmake: stopped; run it again to go on\n")
        sys.exit(130)
