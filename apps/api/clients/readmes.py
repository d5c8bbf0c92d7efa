"""The README of a package: installation, an example with an operation of the zone, and the sections of runtimes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from apps.api.clients.plan import Source
from apps.api.clients.runtimes import runtimes
from apps.common.client_runtime import Readme

_CALLS_TYPESCRIPT: Final = """\
Calls resolve with `data` and `response`. They reject with `ProblemError`, the server's problem document, or with
`NetworkError` when the server did not answer. Calls use the configured `client`; `createClient` makes others."""
_CALLS_PYTHON: Final = """\
Each operation is a module below `api` with the functions `sync` and `asyncio`. They return the answer, and raise
`ProblemError`, the server's problem document, or `NetworkError` when the server did not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An operation for the example: without path parameters, and with at most a body of texts."""

    operation: str
    tag: str
    body: dict[str, str]
    model: str
    is_list: bool


def typescript(source: Source) -> str:
    """The README of an npm package."""
    more = _readmes(source, "typescript")
    example = _example(source)
    name = _camel(example.operation) if example else ""
    imports = ["client", "connect", "ProblemError"]
    imports += [name for readme in more for name in readme.imports]
    imports += ["paginate"] if example and example.is_list else []
    imports += [name] if example else []
    lines = [
        f'import {{ {", ".join(imports)} }} from "{source.package}";',
        "",
        'const baseUrl = "https://site.example";',
    ]
    if source.signs_in:
        lines += [line for readme in more for line in readme.setup]
        lines += ["connect(client, { baseUrl, session });"]
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
    parts += [readme.section.format(package=source.package) for readme in more]
    return "\n\n".join(parts) + "\n"


def python(source: Source) -> str:
    """The README of a Python package."""
    more = _readmes(source, "python")
    example = _example(source)
    imports = ["Client", "ProblemError"]
    imports += [name for readme in more for name in readme.imports]
    imports += ["paginate"] if example and example.is_list else []
    lines = [f"from {source.module} import {', '.join(sorted(imports))}"]
    operation = _snake(example.operation) if example else ""
    if example:
        lines += [f"from {source.module}.api.{_snake(example.tag)} import {operation}"]
        lines += [f"from {source.module}.models import {example.model}"] if example.body else []
    lines += ["", 'base_url = "https://site.example"']
    if source.signs_in:
        lines += [line for readme in more for line in readme.setup]
        lines += ["", "with Client(base_url, session=session) as client:"]
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
    parts += [readme.section.format(module=source.module) for readme in more]
    return "\n\n".join(parts) + "\n"


def _readmes(source: Source, language: str) -> list[Readme]:
    """The README parts of the runtimes; none unless callers sign in."""
    chosen = runtimes([source]) if source.signs_in else ()
    return [runtime.readmes[language] for runtime in chosen if language in runtime.readmes]


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
    """The model and its required members; None unless all of them are texts."""
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
