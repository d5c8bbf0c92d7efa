"""Traces by OpenTelemetry: on where OTEL_EXPORTER_OTLP_ENDPOINT is set, and not even imported elsewhere.

The id of a trace follows from the request id, which already travels with requests, events of the outbox, tasks and log
lines (docs/adr/0028). Only live pushes carry a context of their own.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from infrastructure.telemetry import context

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

CONTEXT_LENGTH: Final = 24
"""Bytes of a context in a live push: the ids of the trace and of the span."""
_OFF: Final[AbstractContextManager[None]] = nullcontext()
_tracer: Tracer | None = None
_ids_of_root: Final[ContextVar[tuple[int, int] | None]] = ContextVar("ids_of_root", default=None)


def keep_out() -> None:
    """Keep libraries from importing OpenTelemetry where nothing is traced: redis-py does wherever it is installed.

    Call it before redis is imported.
    """
    if "opentelemetry" not in sys.modules:
        sys.modules["opentelemetry"] = None  # type: ignore[assignment]  # importing it raises ImportError


def is_on() -> bool:
    return _tracer is not None


def configure(
    *,
    endpoint: str,
    service: str,
    version: str,
    environment: str,
    ratio: float,
    exporter: SpanExporter | None = None,
) -> None:
    """Begin to trace.

    Args:
        endpoint: Base address of an OTLP collector over HTTP.
        service: Name of the service in the traces.
        version: Version that runs; may be empty.
        environment: Name of this installation.
        ratio: Share of the traces that are recorded; every process decides alike.
        exporter: Instead of one for `endpoint`.
    """
    global _tracer
    from django.db.backends.signals import connection_created
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.redis import RedisInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
    from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

    class Ids(RandomIdGenerator):
        """Random, but for the first span of a request."""

        def generate_trace_id(self) -> int:
            wanted = _ids_of_root.get()
            return super().generate_trace_id() if wanted is None else wanted[0]

        def generate_span_id(self) -> int:
            wanted = _ids_of_root.get()
            return super().generate_span_id() if wanted is None else wanted[1]

    names = {"service.name": service, "service.version": version, "deployment.environment.name": environment}
    provider = TracerProvider(
        sampler=TraceIdRatioBased(ratio),
        resource=Resource.create({name: value for name, value in names.items() if value}),
        id_generator=Ids(),
    )
    # Its thread starts again in each forked process.
    provider.add_span_processor(
        BatchSpanProcessor(
            exporter or OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
        )
    )
    trace.set_tracer_provider(provider)
    RedisInstrumentor().instrument(tracer_provider=provider)
    connection_created.connect(_trace_statements, dispatch_uid="telemetry.tracing")
    _tracer = provider.get_tracer(__name__)


def span(name: str, **attributes: Any) -> AbstractContextManager[Any]:
    """A part of the current trace. Names come from the code, never from input."""
    if _tracer is None:
        return _OFF
    return _tracer.start_as_current_span(name, attributes=attributes)


def request(request_id: str) -> AbstractContextManager[Any]:
    """The first span of a request, whose trace id `trace_id` finds in other processes. Its name follows."""
    return _OFF if _tracer is None else _root(request_id)


def part_of(request_id: str, name: str, **attributes: Any) -> AbstractContextManager[Any]:
    """A part of the trace of a request, in another process or thread than its first span."""
    if _tracer is None:
        return _OFF
    return _tracer.start_as_current_span(name, context=_remote(*_ids(request_id)), attributes=attributes)


def name_request(span: Any, name: str, *, failed: bool, **attributes: Any) -> None:
    """Describe the span of `request`, once its route and its answer are known."""
    from opentelemetry.trace import StatusCode

    span.update_name(name)
    span.set_attributes(attributes)
    if failed:
        span.set_status(StatusCode.ERROR)


def current() -> bytes:
    """The current context for a live push; empty without a recorded span."""
    if _tracer is None:
        return b""
    from opentelemetry import trace

    found = trace.get_current_span().get_span_context()
    if not (found.is_valid and found.trace_flags.sampled):
        return b""
    return found.trace_id.to_bytes(16, "big") + found.span_id.to_bytes(8, "big")


def pushed(sent: bytes, name: str, **attributes: Any) -> AbstractContextManager[Any]:
    """A part of the trace that `current` gave in the process that pushed."""
    if _tracer is None or not sent:
        return _OFF
    parent = _remote(int.from_bytes(sent[:16], "big"), int.from_bytes(sent[16:], "big"))
    return _tracer.start_as_current_span(name, context=parent, attributes=attributes)


def trace_id() -> str:
    """The id of the current trace for log lines; empty while nothing is traced."""
    if _tracer is None:
        return ""
    if sent := current():
        return sent[:16].hex()
    request_id = context.request_id()
    return f"{_ids(request_id)[0]:032x}" if request_id else ""


def _ids(request_id: str) -> tuple[int, int]:
    """The ids of the trace and of the first span of a request."""
    digest = hashlib.blake2b(request_id.encode(), digest_size=24).digest()
    try:
        # Most request ids have the form of a trace id already.
        trace = int(request_id, 16) if len(request_id) == 32 else 0
    except ValueError:
        trace = 0
    return trace or int.from_bytes(digest[:16], "big"), int.from_bytes(digest[16:], "big")


@contextmanager
def _root(request_id: str) -> Iterator[Any]:
    from opentelemetry import context as contexts
    from opentelemetry.trace import SpanKind, use_span

    assert _tracer is not None
    token = _ids_of_root.set(_ids(request_id))
    try:
        made = _tracer.start_span("request", context=contexts.Context(), kind=SpanKind.SERVER)
    finally:
        _ids_of_root.reset(token)
    with use_span(made, end_on_exit=True):
        yield made


def _remote(trace: int, span: int) -> Any:
    from opentelemetry import context as contexts
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    parent = SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return set_span_in_context(NonRecordingSpan(parent), contexts.Context())


def _trace_statements(connection: Any, **_: Any) -> None:
    if _trace_statement not in connection.execute_wrappers:
        connection.execute_wrappers.append(_trace_statement)


def _trace_statement(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
    # Statements have placeholders, so no value leaves.
    text = str(sql).strip()
    with span(
        text.split(maxsplit=1)[0][:20].upper(),
        **{"db.system.name": "postgresql", "db.query.text": text[:2000]},
    ):
        return execute(sql, params, many, context)
