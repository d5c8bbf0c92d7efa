"""What is to be written: the names, the fields and the zones of a slice."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scripts.new_slice import fields, names
from scripts.new_slice.fields import Field
from scripts.new_slice.names import Names, Refused
from scripts.new_slice.project import Project, Zone

_PART: Final = re.compile(r"(live)|nested\((\w+):((?:[^()]|\([^()]*\))*)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """Objects that belong to one of the slice's, and are written with it, such as the lines of an order."""

    name: str
    model: str
    fields: tuple[Field, ...]

    @property
    def words(self) -> str:
        return names.singular(self.name).replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A slice. `zones` has its zones by name; `has_console` is whether it gets a page there, `is_live` whether the sockets of
    the owner are told of changes.
    """

    names: Names
    fields: tuple[Field, ...]
    zones: Mapping[str, Zone]
    has_console: bool
    is_live: bool = False
    nested: Nested | None = None

    @property
    def all_fields(self) -> tuple[Field, ...]:
        """With those of nested objects."""
        return (*self.fields, *(self.nested.fields if self.nested else ()))

    @property
    def owner(self) -> Field | None:
        """The user to whom an object belongs."""
        return next((field for field in self.fields if field.kind.name == "user"), None)

    @property
    def values(self) -> tuple[Field, ...]:
        """The fields that callers write."""
        return tuple(field for field in self.fields if field.kind.name != "user")

    @property
    def root(self) -> Zone:
        """The zone of the tests: one that every user may enter, if there is one."""
        return min(self.zones.values(), key=lambda zone: zone.is_for_admins)

    def of_kind(self, *kinds: str) -> list[Field]:
        return [field for field in self.fields if field.kind.name in kinds]


def judge(
    *, label: str, text: str, model: str, zones: Sequence[str], project: Project, parts: str = ""
) -> Spec:
    """The slice that was asked for. Raises Refused."""
    found = names.judge(label, model, project)
    parsed = fields.parse(text, model=found.one)
    is_live, nested = _parts(parts, found, parsed, project)
    spec = Spec(
        names=found,
        fields=tuple(parsed),
        zones={name: _zone(name, project) for name in dict.fromkeys(zones)},
        has_console="private" in zones and "console" in project.folders,
        is_live=is_live,
        nested=nested,
    )
    if not spec.zones:
        raise Refused(f"a slice needs a zone: one or more of {', '.join(project.zones)}")
    if not spec.values:
        raise Refused('a slice needs a field besides its owner: FIELDS="customer:str owner:user"')
    users = spec.of_kind("user")
    if len(users) > 1:
        raise Refused(
            f"one field is the owner: add `{users[1].name}` by hand, since it needs rules of its own"
        )
    if users and users[0].is_optional:
        raise Refused(f"every object has its owner: write {users[0].name}:user")
    if is_live and not users:
        raise Refused("`live` tells the owner of changes: the slice needs one, such as owner:user")
    return spec


def _parts(text: str, found: Names, parsed: Sequence[Field], project: Project) -> tuple[bool, Nested | None]:
    """What `WITH` asks for: `live`, `nested(lines: sku:str quantity:int)`. Raises Refused."""
    is_live, nested = False, None
    position = 0
    while position < len(text):
        match = _PART.match(text, position)
        if match is None:
            raise Refused(f"`{text[position:]}` is not one of live, nested(lines: sku:str quantity:int)")
        if match[1]:
            is_live = True
        elif nested is not None:
            raise Refused("one nested(…) at a time")
        else:
            nested = _nested(match[2], match[3], found, parsed, project)
        position = match.end() + len(re.match(r"[\s,]*", text[match.end() :])[0])  # type: ignore[index]  # matches always
    if is_live and "notifications" not in project.folders:
        raise Refused("`live` needs the slice notifications, whose sockets carry the changes")
    return is_live, nested


def _nested(name: str, text: str, found: Names, parsed: Sequence[Field], project: Project) -> Nested:
    if names.singular(name) == name:
        raise Refused(f"`{name}` is no plural: take `{name}s`")
    fields.parse(f"{name}:int", model=found.one, taken=[field.name for field in parsed])
    nested = Nested(
        name=name,
        model=found.model + names.camel(names.singular(name)),
        fields=tuple(fields.parse(text, model=found.one, taken=[found.one, "position"])),
    )
    if not nested.fields:
        raise Refused(f"`{name}` needs fields: nested({name}: sku:str quantity:int)")
    if any(field.kind.name == "user" for field in nested.fields):
        raise Refused(
            f"`{name}` belong to the owner of the {found.words}: they have no field of the type user"
        )
    for suffix in ("", "Input", "Output"):
        if owner := project.classes.get(nested.model + suffix):
            raise Refused(f"{nested.model}{suffix} is a class of {owner}")
    if same := {field.name for field in nested.fields if field.choices} & {
        field.name for field in parsed if field.choices
    }:
        raise Refused(f"two choices are named `{same.pop()}`")
    return nested


def _zone(name: str, project: Project) -> Zone:
    if name not in project.zones:
        raise Refused(f"the zone `{name}` is not one that users enter: {', '.join(project.zones)}")
    return project.zones[name]
