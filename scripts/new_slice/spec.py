"""What is to be written: the names, the fields and the zones of a slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scripts.new_slice import fields, names
from scripts.new_slice.fields import Field
from scripts.new_slice.names import Names, Refused
from scripts.new_slice.project import Project, Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A slice. `zones` has its zones by name; `has_console` is whether it gets a page there."""

    names: Names
    fields: tuple[Field, ...]
    zones: Mapping[str, Zone]
    has_console: bool

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


def judge(*, label: str, text: str, model: str, zones: Sequence[str], project: Project) -> Spec:
    """The slice that was asked for. Raises Refused."""
    found = names.judge(label, model, project)
    parsed = fields.parse(text, model=found.one)
    spec = Spec(
        names=found,
        fields=tuple(parsed),
        zones={name: _zone(name, project) for name in dict.fromkeys(zones)},
        has_console="private" in zones and "console" in project.folders,
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
    return spec


def _zone(name: str, project: Project) -> Zone:
    if name not in project.zones:
        raise Refused(f"the zone `{name}` is not one that users enter: {', '.join(project.zones)}")
    return project.zones[name]
