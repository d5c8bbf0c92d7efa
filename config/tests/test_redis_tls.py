"""`rediss://` with a private authority: every client of Redis verifies the server, and none uses an untrusted one.

A TLS proxy runs in front of the suite's own Valkey.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlsplit

import celery
import pytest
import redis
from celery import Celery
from celery.contrib.testing.worker import start_worker
from channels.layers import get_channel_layer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.cache import cache
from kombu.exceptions import OperationalError

from apps.common.http import health
from config.celery import app as project
from config.tests import fresh
from infrastructure.cache.breaker import Breaker
from infrastructure.cache.ratelimit import Limiter, LocalCounter
from infrastructure.cache.rates import Rate
from infrastructure.realtime import bus

pytestmark = pytest.mark.campaign

_NO_USAGE = dict.fromkeys(
    (
        *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
        *("encipher_only", "decipher_only"),
    ),
    False,
)
_USAGE = x509.KeyUsage(digital_signature=True, key_cert_sign=False, crl_sign=False, **_NO_USAGE)
_USAGE_OF_AUTHORITY = x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **_NO_USAGE)


def _certificate(folder: Path, name: str, signer: Any = None) -> tuple[Any, Path]:
    """A certificate for a name: one that signs, or one that `signer` has signed. Its files in one PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    issuer, issuer_key = signer or (subject, key)
    alternative = x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        # Python 3.13 verifies strictly (RFC 5280, section 4.2.1).
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
        .add_extension(_USAGE_OF_AUTHORITY if signer is None else _USAGE, critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        built.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return (subject, key), path


class Proxy:
    """Terminates TLS in its own thread, and forwards the traffic to the real server.

    `connections` counts handshakes that both sides completed: a client that does not trust the server makes none.
    """

    def __init__(self, context: ssl.SSLContext, target: tuple[str, int]) -> None:
        self.connections = 0
        self._context, self._target = context, target
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda *_: None)  # failed handshakes are expected
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result(10)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def _begin(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        inner_reader, inner_writer = await asyncio.open_connection(*self._target)
        try:
            await asyncio.gather(_pass_on(reader, inner_writer), _pass_on(inner_reader, writer))
        finally:
            inner_writer.transport.abort()
            writer.transport.abort()

    async def _end(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # aborted connections are closed in the next turn

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("certificates")
    authority, authority_file = _certificate(folder, "authority")
    return {
        "authority": authority_file,
        "server": _certificate(folder, "127.0.0.1", authority)[1],
        "elsewhere": _certificate(folder, "elsewhere", authority)[1],
        "client": _certificate(folder, "client", authority)[1],
        "another": _certificate(folder, "another")[1],
    }


@pytest.fixture
def proxy(request: Any, certificates: dict[str, Path]) -> Iterator[Proxy]:
    """A new port for each test: Celery's pools are keyed by address, not by certificate."""
    shown, wants_certificate = request.param
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates[shown])
    if wants_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificates["authority"])
    real = urlsplit(os.environ["REDIS_URL"])
    made = Proxy(context, (real.hostname or "", real.port or 6379))
    yield made
    made.close()


@pytest.fixture
def use(settings: Any, proxy: Proxy, certificates: dict[str, Path]) -> Any:
    """Have every client use the proxy, as the settings of an environment make it of REDIS_URL with these options."""

    def use(environment: str, options: str) -> dict[str, Any]:
        real = urlsplit(os.environ["REDIS_URL"])
        query = options.format(**{name: quote(str(path)) for name, path in certificates.items()})
        address = f"rediss://:{real.password}@127.0.0.1:{proxy.port}{real.path}?{query}"
        found = fresh.settings(environment, {"REDIS_URL": address})
        # Longer time limits, since only trust is tested and the machine may be busy.
        patient = {"socket_timeout": 10, "socket_connect_timeout": 10}
        found["CACHES"]["default"]["OPTIONS"] |= {name.upper(): value for name, value in patient.items()}
        found["CHANNEL_LAYERS"]["default"]["CONFIG"]["hosts"][0] |= patient
        found["CELERY_BROKER_TRANSPORT_OPTIONS"] |= patient
        for name in found:
            if name in ("REDIS_URL", "CACHES", "CHANNEL_LAYERS") or name.startswith("CELERY_"):
                setattr(settings, name, found[name])
        return found

    return use


def _celery(found: dict[str, Any]) -> Celery:
    """A separate application with the settings, on its own queue."""
    app = Celery("tls", set_as_current=False)
    app.config_from_object(SimpleNamespace(**found), namespace="CELERY")
    app.conf.update(
        task_default_queue=f"tls-{uuid.uuid4()}",
        result_backend=found["REDIS_URL"],
        task_ignore_result=False,
        worker_soft_shutdown_timeout=0,
        broker_connection_retry_on_startup=False,
        broker_transport_options={**found["CELERY_BROKER_TRANSPORT_OPTIONS"], "max_retries": 0},
    )
    return app


def _cache() -> None:
    cache.set("tls", "kept", 5)
    if cache.get("tls") != "kept":  # a cache that is away is an empty one
        raise ConnectionError


def _limiter() -> None:
    local = LocalCounter()
    limiter = Limiter(local=local, breaker=Breaker(pause=1))
    limiter.hit(scope="tls", key=str(uuid.uuid4()), rates=[Rate.parse("9/minute")])
    if len(local):  # counted in the process, without a server
        raise ConnectionError


async def _layer() -> None:
    layer = get_channel_layer()
    try:
        channel = await layer.new_channel()
        await layer.group_add("tls", channel)
        await layer.group_send("tls", {"type": "told"})
        async with asyncio.timeout(30):
            await layer.receive(channel)
    finally:
        await layer.flush()


async def _bus() -> None:
    heard = asyncio.Event()
    made = bus.make(on_subscribed=lambda _: heard.set())
    await made.subscribe("tls", lambda _: None)
    try:
        if await made.ask(("PING",)) is None:
            raise ConnectionError
        made.start()
        async with asyncio.timeout(30):
            await heard.wait()
    finally:
        await made.aclose()


def _clients(found: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """A call for each client of Redis, which fails unless the server answers."""
    app = _celery(found)
    return {
        "cache": _cache,
        "limiter": _limiter,
        "channel layer": lambda: asyncio.run(_layer()),
        "bus": lambda: asyncio.run(_bus()),
        "health of the cache": health.PARTS["cache"],
        "health of the broker": health.PARTS["broker"],
        "broker of Celery": lambda: app.send_task("tls.none", retry=False, ignore_result=True),
        "results of Celery": app.backend.client.ping,  # type: ignore[attr-defined]  # of Redis
        "redis-py": redis.Redis.from_url(found["REDIS_URL"]).ping,
    }


def _works(call: Callable[[], Any]) -> bool:
    """Whether one attempt succeeds. The clients' short time limits may cost one on a machine with other work."""
    try:
        call()
    except (OSError, redis.RedisError, OperationalError):
        return False
    return True


PLAIN, MISNAMED, MUTUAL = ("server", False), ("elsewhere", False), ("server", True)


@pytest.mark.parametrize(
    ("environment", "proxy", "options"),
    [
        ("production", PLAIN, "ssl_ca_certs={authority}"),
        ("development", PLAIN, "ssl_ca_certs={authority}"),
        ("production", PLAIN, "ssl_cert_reqs=none"),
        ("production", MISNAMED, "ssl_ca_certs={authority}&ssl_check_hostname=false"),
        ("production", MUTUAL, "ssl_ca_certs={authority}&ssl_certfile={client}"),
        ("production", MUTUAL, "ssl_ca_certs={authority}&ssl_certfile={client}&ssl_keyfile={client}"),
    ],
    indirect=["proxy"],
)
def test_every_client_is_served(proxy: Proxy, use: Any, environment: str, options: str) -> None:
    clients = _clients(use(environment, options))
    assert [name for name, call in clients.items() if not any(_works(call) for _ in range(20))] == []
    assert proxy.connections >= 6


@pytest.mark.parametrize(
    ("environment", "proxy", "options"),
    [
        ("production", PLAIN, ""),
        ("development", PLAIN, ""),
        ("production", PLAIN, "ssl_ca_certs={another}"),
        ("production", PLAIN, "ssl_cert_reqs=optional"),
        ("production", PLAIN, "ssl_check_hostname=false"),
        ("production", MISNAMED, "ssl_ca_certs={authority}"),
    ],
    indirect=["proxy"],
)
def test_no_client_talks_to_a_server_that_is_not_trusted(
    proxy: Proxy, use: Any, environment: str, options: str
) -> None:
    clients = _clients(use(environment, options))
    assert [name for name, call in clients.items() if _works(call)] == []
    assert proxy.connections == 0


@pytest.mark.filterwarnings("ignore:Call to deprecated setex")  # Celery's own, of its store of results
@pytest.mark.parametrize("proxy", [PLAIN], indirect=True)
def test_a_task_runs_over_tls(use: Any) -> None:
    app = _celery(use("production", "ssl_ca_certs={authority}"))

    @app.task(name="tls.double", shared=False)
    def double(number: int) -> int:
        return 2 * number

    try:
        with start_worker(app, pool="solo", perform_ping_check=False):
            assert double.delay(21).get(timeout=60) == 42
    finally:  # the worker set its application as the current one, which later tests would use
        project.set_current()
        project.set_default()
    assert celery.current_app.main == project.main
