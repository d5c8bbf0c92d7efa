"""Fields of a slice: `name:type`, with `?` for one that may be empty."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from scripts.new_slice.kinds import KINDS, Filter, Kind
from scripts.new_slice.names import NAME, SQL_RESERVED, Refused

_FIELD: Final = re.compile(
    r"(?P<name>[^\s:]+):(?P<kind>\w+)(?:\((?P<arguments>[^()]*)\))?(?P<optional>\??)(?=\s|$)\s*"
)
_CHOICE: Final = re.compile(r"[a-z][a-z0-9_]*")
_MAX_LENGTH: Final = 30
# Of models, lists and calls in the generated code, each with what uses it.
_RESERVED: Final = {
    **dict.fromkeys(("id", "pk", "created_at", "updated_at"), "every model has it"),
    **dict.fromkeys(
        ("search", "ordering", "cursor", "limit", "page_size", "created_after", "created_before"),
        "it is a parameter of lists",
    ),
    **dict.fromkeys(("actor", "request", "changes", "permission"), "services and views use the name"),
    **dict.fromkeys(
        ("models", "fields", "serializers", "django_filters", "dt", "objects"), "the code uses the name"
    ),
    **dict.fromkeys(("create", "create_batch", "build", "build_batch", "stub"), "factories use the name"),
    **dict.fromkeys(
        ("user_id", "is_staff", "is_superuser", "groups", "user_permissions", "email_verified_at", "signed_out_at",
         "is_verified", "sender", "is_deleted"),
        "only the server sets a value of this name",
    ),
    # Attributes of DRF's serializers.
    **dict.fromkeys(
        (
            "allow_null", "context", "data", "default", "error_messages", "errors", "field_name", "help_text",
            "initial", "initial_data", "instance", "label", "parent", "partial", "read_only", "required", "root",
            "source", "source_attrs", "style", "validated_data", "validators", "write_only",
        ),
        "serializers use the name",
    ),
    # Attributes of Django's models.
    **dict.fromkeys(
        (
            "adelete", "arefresh_from_db", "asave", "check", "clean", "clean_fields", "date_error_message", "delete",
            "from_db", "full_clean", "get_constraints", "get_deferred_fields", "prepare_database_save",
            "refresh_from_db", "save", "save_base", "serializable_value", "unique_error_message", "validate_constraints",
            "validate_unique",
        ),
        "models use the name",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field. `choices` are the values of a choice, the first one being the default."""

    name: str
    kind: Kind
    is_optional: bool = False
    choices: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        return self.name.replace("_", " ")

    @property
    def title(self) -> str:
        return self.words.capitalize()

    @property
    def camel(self) -> str:
        return "".join(part.capitalize() for part in self.name.split("_"))

    @property
    def is_nullable(self) -> bool:
        """Whether the column takes null. An optional text is empty instead."""
        return self.is_optional and not self.kind.is_text

    @property
    def is_required(self) -> bool:
        """Whether a new object has to name it."""
        return not self.is_optional and not self.kind.has_default

    @property
    def filters(self) -> tuple[Filter, ...]:
        return self.kind.filters


def parse(text: str, *, model: str, taken: Collection[str] = ()) -> list[Field]:
    """The fields of a text such as `customer:str due:date? status:choice(open,paid)`. Raises Refused.

    Args:
        model: The name of the model, of which no field and no type may take the name.
        taken: Names of other fields of the model, and of their filters.
    """
    found: list[Field] = []
    position, text = 0, text.strip()
    while position < len(text):
        match = _FIELD.match(text, position)
        if match is None:
            raise Refused(
                f"`{text[position:].split()[0]}` is not a field: write name:type, or name:type? for one that may be empty"
            )
        found.append(_field(match))
        position = match.end()
    for field in found:
        _judge(field, model)
    names = [*taken]
    for field in found:
        names += dict.fromkeys((field.name, *(field.name + one.suffix for one in field.filters)))
        if field.kind.name == "user":
            names.append(f"{field.name}_id")
    for name in names:
        if names.count(name) > 1:
            raise Refused(f"two fields or filters are named `{name}`")
    return found


def _field(match: re.Match[str]) -> Field:
    name, kind, arguments = match["name"], match["kind"], match["arguments"]
    if kind not in KINDS:
        raise Refused(f"`{kind}` of the field `{name}` is not one of {', '.join(KINDS)}")
    if (arguments is not None) != (kind == "choice"):
        raise Refused(
            f"the field `{name}` needs its choices: {name}:choice(open,paid)"
            if arguments is None
            else f"the field `{name}`: only a choice takes values in brackets"
        )
    choices = tuple(part.strip() for part in arguments.split(",")) if arguments is not None else ()
    return Field(name=name, kind=KINDS[kind], is_optional=bool(match["optional"]), choices=choices)


def _judge(field: Field, model: str) -> None:
    name = field.name
    if not NAME.fullmatch(name):
        raise Refused(f"`{name}` is not a name of a field: lower-case letters, digits and single underscores")
    if len(name) > _MAX_LENGTH:
        raise Refused(f"the name `{name}` is longer than {_MAX_LENGTH} characters")
    if keyword.iskeyword(name) or isinstance(getattr(builtins, name, None), type):
        raise Refused(f"`{name}` is a word of Python")
    if name in SQL_RESERVED:
        raise Refused(f"`{name}` is a reserved word of SQL")
    if name in _RESERVED:
        raise Refused(f"the name `{name}` is reserved: {_RESERVED[name]}")
    if name == f"{model}_id":
        raise Refused(f"the name `{name}` is reserved: it is a parameter of the route")
    if not field.choices:
        return
    if field.camel == "".join(part.capitalize() for part in model.split("_")):
        raise Refused(f"the choices of `{name}` would have the name of the model")
    for value in field.choices:
        if not _CHOICE.fullmatch(value) or len(value) > _MAX_LENGTH:
            raise Refused(
                f"`{value}` of the field `{name}` is not a value: lower-case letters, digits and underscores"
            )
    if len(set(field.choices)) != len(field.choices) or len(field.choices) < 2:
        raise Refused(f"the field `{name}` needs two or more different values")
