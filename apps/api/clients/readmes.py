"""The README of a package: how to install it, and an example that is made of the zone's own operations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from apps.api.clients.plan import Source

_CALLS_TYPESCRIPT: Final = """\
Calls resolve with `data` and `response`, and reject with `ProblemError`, the server's problem document, or with
`NetworkError`, when no answer came. The configured `client` is used by every call; `createClient` makes others."""
_CALLS_PYTHON: Final = """\
Below `api` is a module for each operation with `sync` and `asyncio`. They return what the server answers with, and raise
`ProblemError`, the server's problem document, or `NetworkError`, when no answer came."""
_SESSION: Final = """\
A `Session` renews its token by itself: calls that find it expired wait for one renewal. Give it a `store` to outlive the
program, and each program, or tab, its own. When `{sign_in}` gives a challenge, `{complete}` answers it."""
_CHAT: Final = """\
The socket comes back by itself and resumes after the last number it has. What is said without a line is kept and sent when
there is one; keep `chat.unsent` and `chat.seq` to do so over a restart of the program."""
_CHAT_TYPESCRIPT: Final = """\
```ts
import {{ ChatSocket }} from "{package}";

const chat = new ChatSocket({{ room: "lobby", session }});
chat.on("message", (frame) => console.log(frame.seq, frame.from_name, frame.message));
chat.on("state", ({{ state, code }}) => console.log(state, code));
chat.open();
const {{ seq }} = await chat.say("hello");
```"""
_CHAT_PYTHON: Final = """\
```python
from {module} import ChatSocket


async def talk() -> None:
    async with ChatSocket(session, "lobby") as chat:
        await chat.say("hello")
        async for frame in chat.frames():
            if frame["type"] == "message":
                print(frame["seq"], frame["from_name"], frame["message"])
```"""
_NOTIFICATIONS: Final = """\
The socket of notifications tells what is new and how many are unread. It comes back and resumes in the same way."""
_NOTIFICATIONS_TYPESCRIPT: Final = """\
```ts
import {{ NotificationsSocket }} from "{package}";

const news = new NotificationsSocket({{ session }});
news.on("notification", (frame) => console.log(frame.seq, frame.title, frame.link));
news.on("unread", ({{ unread }}) => console.log(unread));
news.open();
```"""
_NOTIFICATIONS_PYTHON: Final = """\
```python
from {module} import NotificationsSocket


async def listen() -> None:
    async with NotificationsSocket(session) as news:
        async for frame in news.frames():
            if frame["type"] == "notification":
                print(frame["seq"], frame["title"], frame["link"])
```"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An operation that can be called without knowing anything: no path parameters, at most a body of texts."""

    operation: str
    tag: str
    body: dict[str, str]
    model: str
    is_list: bool


def typescript(source: Source) -> str:
    """In Markdown, for npm."""
    example = _example(source)
    name = _camel(example.operation) if example else ""
    imports = ["client", "connect", "ProblemError"]
    imports += ["Session"] if source.has_session else []
    imports += ["paginate"] if example and example.is_list else []
    imports += [name] if example else []
    lines = [
        f'import {{ {", ".join(imports)} }} from "{source.package}";',
        "",
        'const baseUrl = "https://sarsen.example";',
    ]
    if source.signs_in:
        lines += [
            "const session = new Session({ baseUrl });",
            'await session.signIn("ada@example.com", "her password");',
            "connect(client, { baseUrl, session });",
        ]
    elif source.has_session:
        lines += ["connect(client, { baseUrl });"]
    else:
        lines += ['connect(client, { baseUrl, serviceKey: "the key" });']
    lines += [""]
    if example and example.is_list:
        lines += [
            f"for await (const item of paginate((page) => {name}({{ query: {{ ...page }} }}))) console.log(item);",
            "",
        ]
    if example:
        body = ", ".join(f'{key}: "{value}"' for key, value in example.body.items())
        call = f"{name}({{ body: {{ {body} }} }})" if body else f"{name}()"
        lines += [
            "try {",
            f"  const {{ data }} = await {call};",
            "  console.log(data);",
            "} catch (error) {",
            "  if (!(error instanceof ProblemError)) throw error;",
            "  console.error(error.status, error.code, error.detail, error.errors);",
            "}",
        ]
    parts = [
        *_head(source),
        _fenced("sh", f"npm install {source.package}"),
        _fenced("ts", *lines),
        _CALLS_TYPESCRIPT,
    ]
    if source.signs_in:
        parts.append(_SESSION.format(sign_in="signIn", complete="completeSignIn"))
    if source.has_chat:
        parts += [_CHAT_TYPESCRIPT.format(package=source.package), _CHAT]
    if source.has_notifications:
        parts += [_NOTIFICATIONS_TYPESCRIPT.format(package=source.package), _NOTIFICATIONS]
    return "\n\n".join(parts) + "\n"


def python(source: Source) -> str:
    """In Markdown, for the Python Package Index."""
    example = _example(source)
    imports = ["Client", "ProblemError"]
    imports += ["Session"] if source.signs_in else []
    imports += ["paginate"] if example and example.is_list else []
    lines = [f"from {source.module} import {', '.join(sorted(imports))}"]
    operation = _snake(example.operation) if example else ""
    if example:
        lines += [f"from {source.module}.api.{_snake(example.tag)} import {operation}"]
        lines += [f"from {source.module}.models import {example.model}"] if example.body else []
    lines += ["", 'base_url = "https://sarsen.example"']
    if source.signs_in:
        lines += ["session = Session(base_url)", 'session.sign_in("ada@example.com", "her password")', ""]
        lines += ["with Client(base_url, session=session) as client:"]
    elif source.has_session:
        lines += ["with Client(base_url) as client:"]
    else:
        lines += ['with Client(base_url, service_key="the key") as client:']
    if example and example.is_list:
        lines += [f"    for item in paginate({operation}.sync, client=client):", "        print(item)"]
    if example:
        body = ", ".join(f'{_snake(key)}="{value}"' for key, value in example.body.items())
        arguments = f"client=client, body={example.model}({body})" if body else "client=client"
        lines += [
            "    try:",
            f"        print({operation}.sync({arguments}))",
            "    except ProblemError as problem:",
            "        print(problem.status, problem.code, problem.detail, problem.errors)",
        ]
    else:
        lines += ["    ..."]
    parts = [
        *_head(source),
        _fenced("sh", f"pip install {source.package}"),
        _fenced("python", *lines),
        _CALLS_PYTHON,
    ]
    if source.signs_in:
        parts.append(_SESSION.format(sign_in="sign_in", complete="complete_sign_in"))
    if source.has_chat:
        parts += [_CHAT_PYTHON.format(module=source.module), _CHAT]
    if source.has_notifications:
        parts += [_NOTIFICATIONS_PYTHON.format(module=source.module), _NOTIFICATIONS]
    return "\n\n".join(parts) + "\n"


def _fenced(language: str, *lines: str) -> str:
    return "\n".join([f"```{language}", *lines, "```"])


def _head(source: Source) -> list[str]:
    return [f"# {source.package}", source.zone.description]


def _example(source: Source) -> Example | None:
    found = sorted(_examples(source), key=lambda example: (not example.is_list, bool(example.body)))
    return found[0] if found else None


def _examples(source: Source) -> Iterator[Example]:
    components = source.schema.get("components", {}).get("schemas", {})
    for path, item in source.schema["paths"].items():
        for method, operation in item.items():
            if "{" in path or method not in ("get", "post") or operation.get("deprecated"):
                continue
            reference, body = _body(operation, components)
            if body is None or (method == "post") != bool(body):
                continue
            answer = str(operation["responses"].get("200", {}).get("content", {}))
            yield Example(
                operation=operation["operationId"],
                tag=operation["tags"][0],
                body=body,
                model=reference,
                is_list="/Paginated" in answer,
            )


def _body(operation: dict[str, Any], components: dict[str, Any]) -> tuple[str, dict[str, str] | None]:
    """The model and its required members; None where they are not all texts."""
    content = operation.get("requestBody", {}).get("content", {})
    if not content:
        return "", {}
    reference = content.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
    model = components.get(reference, {})
    members = {name: model["properties"][name] for name in model.get("required", ())}
    if any(member.get("type") != "string" or member.get("format") for member in members.values()):
        return reference, None
    return reference, dict.fromkeys(members, "…")


def _camel(name: str) -> str:
    return re.sub(r"[_-](\w)", lambda found: found[1].upper(), name)


def _snake(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
