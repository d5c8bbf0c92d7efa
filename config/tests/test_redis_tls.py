"""`rediss://` with a private authority: every client of Redis verifies, and none talks to a server that it does not trust.

A TLS proxy stands in front of the suite's own Valkey.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlsplit

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
from config.tests import fresh
from infrastructure.cache.ratelimit import Limiter, LocalCounter
from infrastructure.cache.rates import Rate
from infrastructure.realtime import bus


def _certificate(folder: Path, name: str, signer: Any = None) -> tuple[Any, Path]:
    """A certificate for this machine: one that signs, or one that `signer` has signed. Its files in one PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    issuer, issuer_key = signer or (subject, key)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName(name)]),
            critical=False,
        )
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
    """Takes TLS in a thread of its own, and passes on to the real server what comes through it.

    `connections` counts handshakes that both sides completed: a client that does not trust the server makes none.
    """

    def __init__(self, context: ssl.SSLContext, target: tuple[str, int]) -> None:
        self.connections = 0
        self._context, self._target = context, target
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda *_: None)  # handshakes that fail are what is tested
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
        await asyncio.sleep(0)  # what was aborted is closed in the next turn

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


@dataclass(frozen=True, kw_only=True)
class Server:
    """The proxy, and the addresses of clients that trust its authority, another one, or whom the system trusts."""

    proxy: Proxy
    trusting: str
    trusting_another: str
    trusting_the_system: str


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("certificates")
    authority, authority_file = _certificate(folder, "authority")
    return {
        "authority": authority_file,
        "server": _certificate(folder, "localhost", authority)[1],
        "another": _certificate(folder, "another")[1],
    }


@pytest.fixture
def server(certificates: dict[str, Path]) -> Iterator[Server]:
    """A port of its own for each test: Celery's pools go by the address, whatever it is trusted by."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates["server"])
    real = urlsplit(os.environ["REDIS_URL"])
    proxy = Proxy(context, (real.hostname or "", real.port or 6379))
    address = f"rediss://:{real.password}@127.0.0.1:{proxy.port}{real.path}"
    yield Server(
        proxy=proxy,
        trusting=f"{address}?ssl_ca_certs={quote(str(certificates['authority']))}",
        trusting_another=f"{address}?ssl_ca_certs={quote(str(certificates['another']))}",
        trusting_the_system=address,
    )
    proxy.close()


@pytest.fixture(params=["production", "development"])
def use(request: Any, settings: Any) -> Any:
    """Have every client use an address, as the settings of an environment make it of REDIS_URL."""

    def use(address: str) -> dict[str, Any]:
        found = fresh.settings(request.param, {"REDIS_URL": address})
        for name in ("REDIS_URL", "CACHES", "CHANNEL_LAYERS"):
            setattr(settings, name, found[name])
        for name in [name for name in found if name.startswith("CELERY_")]:
            setattr(settings, name, found[name])
        return found

    return use


def _celery(found: dict[str, Any]) -> Celery:
    """An application of its own with the settings, on a queue of its own."""
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


async def _layer_carries() -> bool:
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add("tls", channel)
    await layer.group_send("tls", {"type": "told"})
    async with asyncio.timeout(5):
        return bool((await layer.receive(channel))["type"] == "told")


async def _bus_hears() -> bool:
    heard = asyncio.Event()
    made = bus.make(on_subscribed=lambda _: heard.set())
    await made.subscribe("tls", lambda _: None)
    made.start()
    try:
        async with asyncio.timeout(1.5):
            await heard.wait()
        return await made.ask(("PING",)) == [True]
    except TimeoutError:
        assert not made.is_connected
        return await made.ask(("PING",)) is not None
    finally:
        await made.aclose()


def _limiter_shares() -> bool:
    """Whether the count is kept on the server, and not in the process for want of one."""
    local = LocalCounter()
    Limiter(local=local).hit(scope="tls", key=str(uuid.uuid4()), rates=[Rate.parse("9/minute")])
    return len(local) == 0


def test_with_the_authority_every_client_is_served(server: Server, use: Any) -> None:
    found = use(server.trusting)
    before = server.proxy.connections
    cache.set("tls", "kept", 5)
    assert cache.get("tls") == "kept"
    assert _limiter_shares()
    assert asyncio.run(_layer_carries())
    assert asyncio.run(_bus_hears())
    health.PARTS["cache"]()
    health.PARTS["broker"]()
    assert redis.Redis.from_url(found["REDIS_URL"]).ping()
    assert server.proxy.connections >= before + 6


@pytest.mark.filterwarnings("ignore:Call to deprecated setex")  # Celery's own, of its store of results
def test_with_the_authority_celery_works(server: Server, use: Any) -> None:
    app = _celery(use(server.trusting))

    @app.task(name="tls.double", shared=False)
    def double(number: int) -> int:
        return 2 * number

    with start_worker(app, pool="solo", perform_ping_check=False):
        assert double.delay(21).get(timeout=20) == 42


@pytest.mark.parametrize("address", ["trusting_another", "trusting_the_system"])
def test_without_the_authority_no_client_talks(server: Server, use: Any, address: str) -> None:
    found = use(getattr(server, address))
    app = _celery(found)
    before = server.proxy.connections
    cache.set("tls", "lost", 5)
    assert cache.get("tls") is None
    assert not _limiter_shares()
    with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
        asyncio.run(_layer_carries())
    assert not asyncio.run(_bus_hears())
    for part in ("cache", "broker"):
        with pytest.raises(Exception, match="certificate verify failed"):
            health.PARTS[part]()
    with pytest.raises(OperationalError, match="certificate verify failed"):
        app.send_task("tls.double", [21], retry=False, ignore_result=True)
    with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
        app.backend.client.ping()  # type: ignore[attr-defined]  # of Redis
    with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
        redis.Redis.from_url(found["REDIS_URL"]).ping()
    assert server.proxy.connections == before
