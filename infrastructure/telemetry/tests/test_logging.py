"""One form for every line, with its context and without secrets."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog

from infrastructure import telemetry
from infrastructure.telemetry import context, redaction
from infrastructure.telemetry.logging import dictionary


@pytest.fixture
def output():
    """A handler like the configured one, writing to memory."""
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def use(*, json: bool):
        settings = dictionary(json=json, level="INFO")["formatters"]["line"]
        formatter = structlog.stdlib.ProcessorFormatter(
            processors=settings["processors"], foreign_pre_chain=settings["foreign_pre_chain"]
        )
        handler = logging.StreamHandler(stream)
        handler.setFormatter(formatter)
        root.handlers[:] = [handler]
        root.setLevel("INFO")
        return stream

    context.clear()
    yield use
    root.handlers[:] = handlers
    root.setLevel(level)
    context.clear()


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_both_sources_give_the_same_json(output):
    stream = output(json=True)
    context.bind(request_id="request-0001")
    structlog.get_logger("apps.x").info("thing.done", thing_id=7)
    logging.getLogger("django.x").info("thing %s", "done", extra={"thing_id": 7})
    ours, foreign = lines(stream)
    assert ours.pop("timestamp").endswith("Z")
    foreign.pop("timestamp")
    assert ours == {
        "event": "thing.done",
        "thing_id": 7,
        "level": "info",
        "logger": "apps.x",
        "request_id": "request-0001",
    }
    assert foreign == {
        "event": "thing done",
        "thing_id": 7,
        "level": "info",
        "logger": "django.x",
        "request_id": "request-0001",
    }


def test_exceptions_are_one_line(output):
    stream = output(json=True)
    try:
        raise ValueError("password=hunter2")
    except ValueError:
        structlog.get_logger("x").exception("failed")
        logging.getLogger("x").exception("failed %s", "too", stack_info=True)
    ours, foreign = lines(stream)
    for line in (ours, foreign):
        assert "ValueError: password=[redacted]" in line["exception"]
    assert "hunter2" not in stream.getvalue()


def test_odd_values_do_not_break_the_line(output):
    stream = output(json=True)
    structlog.get_logger("x").info("odd", value=object, nested={1: {2}}, raw=b"\xff", note="a\nb")
    [line] = lines(stream)
    assert (line["note"], line["nested"]) == ("a\nb", {"1": [2]})


def test_readable_lines(output):
    stream = output(json=False)
    structlog.get_logger("x").warning("thing.done", thing_id=7, password="hunter2")
    assert "thing.done" in stream.getvalue()
    assert "thing_id=7" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


HOSTILE = "/a\x1b[31m\x07\nb\x7f\x9b1m\u202e\u2028c"


def test_control_characters_of_a_path_are_escaped(output):
    stream = output(json=False)
    structlog.get_logger("x").info("http.request", path=HOSTILE, nested={"path": HOSTILE})
    logging.getLogger("x").warning("bad request: %s", HOSTILE)
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        structlog.get_logger("x").exception("broken", path="/")
    said = stream.getvalue()
    assert not set(said) & set("\x1b\x07\x7f\x9b\u202e\u2028")
    assert r"path=/a\u001b[31m\u0007\u000ab\u007f\u009b1m\u202e\u2028c" in said.splitlines()[0]
    assert "ValueError: /a" in said


def test_json_lines_are_safe_to_look_at_and_mean_the_same(output):
    stream = output(json=True)
    structlog.get_logger("x").info("http.request", path=HOSTILE)
    assert not set(stream.getvalue()) & set("\x1b\x07\x7f\x9b\u202e\u2028")
    [line] = lines(stream)
    assert line["path"] == HOSTILE


def test_levels_are_kept(output):
    stream = output(json=True)
    structlog.get_logger("x").debug("hidden")
    assert stream.getvalue() == ""


def test_configure_refuses_an_unknown_level():
    with pytest.raises(ValueError, match="root logger"):
        telemetry.configure(json=True, level="LOUD", environment="test")


class TestContext:
    def test_bound_values_end_with_their_block(self):
        context.clear()
        with context.bound(request_id="a"):
            assert context.request_id() == "a"
            with context.bound(request_id="b"):
                assert context.request_id() == "b"
            assert context.request_id() == "a"
        assert context.request_id() == ""

    def test_ids_are_new_each_time(self):
        assert context.new_request_id() != context.new_request_id()
        assert context.accept_request_id(None) != "None"


class TestRedaction:
    @pytest.mark.parametrize(
        "name",
        ["token", "access_token", "refresh", "PASSWORD", "new_password", "Authorization", "Set-Cookie", "api_key",
         "api-key", "client_secret", "sessionid", "csrftoken", "dsn", "x.token", "tokens"],
    )  # fmt: skip
    def test_secret_names(self, name):
        assert redaction.is_secret_name(name)

    @pytest.mark.parametrize(
        "name", ["tokenizer", "event", "path", "key", "session_id", "user_id", "accessed_at", "passage"]
    )
    def test_other_names(self, name):
        assert not redaction.is_secret_name(name)

    @pytest.mark.parametrize(
        ("text", "clean"),
        [
            (
                "GET /ws/example/lobby/?token=abc.def&after=3",
                "GET /ws/example/lobby/?token=[redacted]&after=3",
            ),
            ("/x?a=1&refresh_token=abc", "/x?a=1&refresh_token=[redacted]"),
            ("Authorization: Bearer abcdefghij", "Authorization: Bearer [redacted]"),
            ("Sec-WebSocket-Protocol: bearer, abcdefghij", "Sec-WebSocket-Protocol: bearer, [redacted]"),
            ("Api-Key pre.secret123", "Api-Key [redacted]"),
            ('{"password": "hunter2", "a": 1}', '{"password": "[redacted]", "a": 1}'),
            ("jwt eyJhbGciOi.eyJzdWIi.sig-x end", "jwt [redacted] end"),
            ("redis://:pw@host:6379/0", "redis://:[redacted]@host:6379/0"),
            ("postgres://user:p%40w@host/db", "postgres://user:[redacted]@host/db"),
            ("nothing to hide: access denied", "nothing to hide: access denied"),
            ("https://example.com:8000/a@b", "https://example.com:8000/a@b"),
            ("sent to ada.l+x@mail.example.com.", "sent to [redacted]."),
            ("Key (email)=(ada@example.com) already exists", "Key (email)=([redacted]) already exists"),
            ("/api/x/ada%40example.com/", "/api/x/[redacted]/"),
            ("Ada <ada@exämple.com>, b@c.de", "Ada <[redacted]>, [redacted]"),
            ("by @ada at 5@home", "by @ada at 5@home"),
            ("plain", "plain"),
        ],
    )
    def test_secret_texts(self, text, clean):
        assert redaction.redact_text(text) == clean

    def test_structures(self):
        deep: dict = {"password": "x"}
        for _ in range(12):
            deep = {"a": deep}
        clean = redaction.redact(
            {"headers": [{"Cookie": "x"}], "n": 1, "empty": {"token": ""}, "deep": deep, "o": (1, "b")}
        )
        assert clean["headers"] == [{"Cookie": "[redacted]"}]
        assert clean["empty"] == {"token": ""}
        assert clean["o"] == [1, "b"]
        assert "'x'" not in repr(clean)
        assert "too deep" in repr(clean)

    def test_events(self):
        event = {"event": "?token=x1", "token": "x2", "n": 1, "headers": {"cookie": "x3"}, "raw": b"token=x4",
                 "tokens": ["x5"], "secret": b"x6"}  # fmt: skip
        clean = redaction.processor(None, "info", event)
        assert not any(f"x{number}" in repr(clean) for number in range(1, 7))
        assert clean["n"] == 1
