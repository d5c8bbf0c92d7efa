"""Hooks of Schemathesis. Runs in its process, in an environment without the project: no Django here.

Credentials: calls end sessions and accounts, so each zone has many to go on with. Two checks beyond Schemathesis' own:
each status is documented by itself, not through `default`, and each problem's code is documented for its operation.
"""

from __future__ import annotations

import itertools
import json
import os
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import jsonschema_rs
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.core import NotSet
from schemathesis.core.parameters import ParameterLocation
from schemathesis.openapi.checks import EnsureResourceAvailability, RejectedPositiveData

SETUP: Final[dict[str, Any]] = json.loads(Path(os.environ["CONTRACT_SETUP"]).read_text())
# Faults of the input itself. A schema that is complete lets no valid call meet one of these.
OF_THE_INPUT: Final = frozenset(
    {
        "invalid_input",
        "invalid_json",
        "bad_request",
        "parse_error",
        "duplicate_key",
        "null_character",
        "too_deep",
    }
)
# Codes of fields that depend on other data, or on the whole of a value.
BEYOND_SCHEMAS: Final = frozenset({"role_unknown", "permission_unknown", "kind_unknown", "data_too_large"})
PROBLEM: Final = "application/problem+json"
# One in this many calls keeps its generated Idempotency-Key, so that some keys are used twice.
KEPT_KEYS: Final = 5


class Credentials:
    """One live credential of the zone at a time."""

    def __init__(self) -> None:
        self._accounts = iter(SETUP["accounts"])
        self.header = SETUP["header"] or self._sign_in()

    def renew(self, spent: str | None) -> None:
        """Go on with another account if `spent` is the credential in use."""
        if spent == self.header and not SETUP["header"]:
            self.header = self._sign_in()

    def _sign_in(self) -> str:
        # Calls may also have ended the next account: try the one after it.
        for email in self._accounts:
            answer = requests.post(
                SETUP["login"], json={"email": email, "password": SETUP["password"]}, timeout=20
            )
            if answer.status_code == HTTPStatus.OK:
                return f"Bearer {answer.json()['access']}"
        raise RuntimeError("The calls have used up all accounts of the zone.")


credentials = Credentials()
_numbers = itertools.count(1)
_cursors: dict[str, str] = {}


@schemathesis.auth(refresh_interval=None)
class Signed:
    """The zone's credential."""

    def get(self, case: Any, context: Any) -> str:
        """The header's value."""
        return credentials.header

    def set(self, case: Any, data: str, context: Any) -> None:
        """Put it on the call."""
        case.headers = {**(case.headers or {}), "Authorization": data}


# Text of one line, as the fields of names describe the format.
schemathesis.openapi.format(
    "single-line",
    st.text(
        st.characters(exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"), codec="utf-8"),
        min_size=1,
    ),
)


@schemathesis.hook
def before_call(context: Any, case: Any, **kwargs: Any) -> None:
    """In valid calls only: no key of another call, no cursor that no list returned, one direction."""
    if case.meta is None:
        return
    if not case.meta.is_negative_at(ParameterLocation.HEADER) and "Idempotency-Key" in (case.headers or {}):
        number = next(_numbers)
        # A repeated key refuses even an unknown method: only documented operations keep one.
        if number % KEPT_KEYS or case.method.upper() != case.operation.method.upper():
            case.headers["Idempotency-Key"] = f"contract-{os.getpid()}-{number}"
    query = case.query or {}
    if case.meta.is_negative_at(ParameterLocation.QUERY) or not query:
        return
    if "cursor" in query:
        known = _cursors.get(case.formatted_path)
        if known is None or set(query) - {"cursor", "limit"}:  # it would have to belong to the same ordering
            del query["cursor"]
        else:
            query["cursor"] = known
    for first, others in (("after", ("before", "changed_after")), ("before", ("changed_after",))):
        if first in query:
            for other in others:
                query.pop(other, None)


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Replace a credential that this call, or one before it, has ended; keep the cursors that lists give out."""
    sent = response.request.headers.get("Authorization")
    refused = (HTTPStatus.UNAUTHORIZED, *((HTTPStatus.FORBIDDEN,) if SETUP["zone"] == "admin" else ()))
    if response.status_code in refused:
        credentials.renew(sent if isinstance(sent, str) else None)
    if response.status_code == HTTPStatus.OK and case.method == "GET":
        following = _body(response).get("next")
        if isinstance(following, str) and (cursor := parse_qs(urlsplit(following).query).get("cursor")):
            _cursors[case.formatted_path] = cursor[0]


@schemathesis.check
def documented_answer(ctx: Any, response: Any, case: Any) -> None:
    """The operation documents the status explicitly; a problem has its shape, and a documented code."""
    status = response.status_code
    body = _body(response)
    if status >= HTTPStatus.BAD_REQUEST:
        kind = (response.headers.get("content-type") or [""])[0].partition(";")[0]
        assert kind == PROBLEM, f"a failure of type {kind or 'none'}"
        assert body.get("status") == status, f"the document says {body.get('status')}, the answer {status}"
    if status == HTTPStatus.METHOD_NOT_ALLOWED and body.get("code") == "method_not_allowed":
        return  # no operation of the schema, or it would not have been refused for its method
    if response.request.method != case.operation.method.upper():
        return  # the same: a method that the schema does not have, tried by another check
    documented = _responses(case)
    assert str(status) in documented, f"{status} ({body.get('code')}) is not documented"
    if status >= HTTPStatus.BAD_REQUEST:
        codes = documented[str(status)]
        assert body.get("code") in codes, (
            f"{status} {body.get('code')} is not documented, only {', '.join(codes)}"
        )


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Whether a failure counts. Valid calls may be refused for rules beyond a schema, by a documented code."""
    problem = _body(response)
    code = problem.get("code")
    if isinstance(failure, EnsureResourceAvailability):
        # A created object exists; another one that the body names may not.
        return case.method == "GET" or code == "not_found"
    if not isinstance(failure, RejectedPositiveData):
        return True
    if code not in _responses(case).get(str(response.status_code), []):
        return True
    if code not in OF_THE_INPUT:
        return False
    # Rules between fields name no single field.
    has_fields = isinstance(case.body, dict | NotSet)
    excused = [
        error["code"] in BEYOND_SCHEMAS
        or (has_fields and error["field"] == "")
        or (error["code"] == "blank" and _has_white_space_only(case.body))
        for error in problem.get("errors", [])
    ]
    return not (excused and all(excused)) and _is_valid(case)


def _has_white_space_only(value: Any) -> bool:
    """Whether a text in it is white space to Python, which knows more of it than regular expressions do."""
    if isinstance(value, dict):
        return any(map(_has_white_space_only, value.values()))
    if isinstance(value, list):
        return any(map(_has_white_space_only, value))
    return isinstance(value, str) and value.isspace()


def _is_valid(case: Any) -> bool:
    """Whether a JSON body matches the formats as well: not every generated body does."""
    whole = case.operation.schema.raw_schema
    operation = whole["paths"][case.operation.path][case.operation.method.lower()]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None or isinstance(case.body, NotSet):
        return True
    schema = {**content["schema"], "components": whole["components"]}
    return bool(jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid(case.body))


def _body(response: Any) -> dict[str, Any]:
    try:
        found = json.loads(response.content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _responses(case: Any) -> dict[str, list[str]]:
    """The operation's documented statuses, each with its codes; `default` is none."""
    whole = case.operation.schema.raw_schema
    declared = whole["paths"][case.operation.path][case.operation.method.lower()]["responses"]
    found: dict[str, list[str]] = {}
    for status, response in declared.items():
        if status != "default":
            name = response.get("$ref", "").rpartition("/")[2]
            shown = whole["components"]["responses"][name] if name else response
            found[status] = list(shown.get("content", {}).get(PROBLEM, {}).get("examples", ()))
    return found
