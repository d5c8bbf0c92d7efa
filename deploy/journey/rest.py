"""A small HTTP client for the journey: one connection a call, JSON both ways, problem documents as they come."""

from __future__ import annotations

import http.client
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """A response. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        """The media type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0]

    def __str__(self) -> str:
        return f"{self.status} {self.kind} {self.body[:300].decode('utf-8', 'replace')}"


class Rest:
    """Calls to one installation, anonymous or with `token`."""

    def __init__(self, port: int, token: str = "") -> None:
        self.port = port
        self.token = token

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
        timeout: float = 20,
    ) -> Answer:
        """One call. `raw` is an unencoded body, `body` one to be written as JSON. Raises OSError, HTTPException."""
        sent = dict(headers or {})
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        payload = raw
        if body is not None:
            payload = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, payload, sent)
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())
        finally:
            connection.close()

    def expect(self, status: int, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        """`call`, and an AssertionError that shows the answer when its status is another one. A 429 is waited out."""
        answer = self.call(method, path, body, **more)
        for _ in range(3):
            if answer.status != 429 or status == 429:
                break
            time.sleep(min(30.0, float(answer.headers.get("retry-after", "5"))))
            answer = self.call(method, path, body, **more)
        assert answer.status == status, f"{method} {path}: {status} expected, got {answer}"
        return answer

    def upload(self, status: int, path: str, name: str, filename: str, content: bytes) -> Answer:
        """PUT one file as multipart/form-data."""
        mark = uuid.uuid4().hex
        head = f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n\r\n'
        raw = head.encode() + content + f"\r\n--{mark}--\r\n".encode()
        return self.expect(
            status, "PUT", path, raw=raw, headers={"Content-Type": f"multipart/form-data; boundary={mark}"}
        )
