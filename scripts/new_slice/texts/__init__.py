"""The texts of a slice's files, by path below its folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import Template
from typing import Final

from scripts.new_slice.spec import Spec

_LINES: Final = re.compile(r"( *)\$(\w+)")


def fill(text: str, **slots: str | Sequence[str]) -> str:
    """The text with the value of each `$slot`. A slot alone on its line takes any number of lines, none included."""
    words = {name: value for name, value in slots.items() if isinstance(value, str)}
    lines: list[str] = []
    for line in text.strip("\n").splitlines():
        alone = _LINES.fullmatch(line)
        if alone is not None and alone[2] not in words:
            lines += [f"{alone[1]}{one}" for one in slots[alone[2]]]
        else:
            lines.append(Template(line).substitute(words))
    return "\n".join(lines) + "\n"


def names_of(spec: Spec) -> dict[str, str]:
    """The slots that most texts have."""
    names = spec.names
    return {
        "label": names.label,
        "Model": names.model,
        "one": names.one,
        "words": names.words,
        "Words": names.words.capitalize(),
        "many": names.many,
        "Many": names.many.capitalize(),
        "list": names.label,
        "path": names.path,
        "a": names.article,
        "A": names.article.capitalize(),
        "table": names.table,
        "owner": spec.owner.name if spec.owner else "",
        "Manys": names.many_camel,
        "nested": spec.nested.name if spec.nested else "",
        "Child": spec.nested.model if spec.nested else "",
        "child_words": spec.nested.words if spec.nested else "",
    }


def listed(names: Sequence[str]) -> str:
    """The names as quoted arguments."""
    return ", ".join(f'"{name}"' for name in names)


def tuple_of(names: Sequence[str]) -> str:
    """The names as a tuple."""
    return f"({listed(names)}{',' * (len(names) == 1)})"
