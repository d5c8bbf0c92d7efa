"""The names of a slice, and the reasons for which one is refused."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

from scripts.new_slice.project import Project

NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_MODEL: Final = re.compile(r"(?:[A-Z][a-z0-9]*)+")
_MAX_LENGTH: Final = 30
# The reserved words of PostgreSQL (appendix C of its manual).
_RESERVED: Final = """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check
    collate collation column concurrently constraint create cross current_catalog current_date
    current_role current_schema current_time current_timestamp current_user default deferrable desc
    distinct do else end except false fetch for foreign freeze from full grant group having ilike in
    initially inner intersect into is isnull join lateral leading left like limit localtime
    localtimestamp natural not notnull null offset on only or order outer overlaps placing primary
    references returning right select session_user similar some symmetric system_user table tablesample
    then to trailing true union unique user using variadic verbose when where window with
"""
SQL_RESERVED: Final = frozenset(_RESERVED.split())
# Names that the generated modules import.
_IMPORTED: Final = frozenset(
    {
        "Any", "ApiRequest", "BaseModel", "Callable", "Caller", "Client", "Decimal", "Event", "Final", "Mapping", "Permission",
        "Q", "QuerySet", "SubFactory", "TextChoices", "TypedDict", "Unpack", "User", "View",
    }
)  # fmt: skip
# Sounds like a consonant, whatever the letter is.
_CONSONANT: Final = ("uni", "use", "usa", "eu", "one")


class Refused(Exception):
    """What was asked for cannot be written. Nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names of a slice: `label` of `apps/<label>`, `model` of its class."""

    label: str
    model: str

    @property
    def one(self) -> str:
        """`purchase_order`"""
        return snake(self.model)

    @property
    def words(self) -> str:
        """`purchase order`"""
        return self.one.replace("_", " ")

    @property
    def many(self) -> str:
        """`purchase orders`"""
        return self.label.replace("_", " ")

    @property
    def path(self) -> str:
        """`purchase-orders`"""
        return self.label.replace("_", "-")

    @property
    def article(self) -> str:
        is_vowel = self.words[0] in "aeiou" and not self.words.startswith(_CONSONANT)
        return "an" if is_vowel else "a"

    @property
    def many_camel(self) -> str:
        """`PurchaseOrders`"""
        return camel(self.label)

    @property
    def table(self) -> str:
        return f"{self.label}_{self.model.lower()}"


def camel(name: str) -> str:
    """`purchase_order` → `PurchaseOrder`."""
    return "".join(part.capitalize() for part in name.split("_"))


def snake(name: str) -> str:
    """`PurchaseOrder` → `purchase_order`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def singular(name: str) -> str:
    """`orders` → `order`, `categories` → `category`, `boxes` → `box`; the name itself if it is no regular plural."""
    for ending, replacement in (("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x")):
        if name.endswith(ending) and len(name) > len(ending) + 1:
            return name.removesuffix(ending) + replacement
    return name[:-1] if name.endswith("s") and not name.endswith(("ss", "us", "is")) else name


def judge(label: str, model: str, project: Project) -> Names:
    """The names of a slice; without `model`, it is the singular of the label. Raises Refused."""
    if reason := _why_not(label, project):
        raise Refused(reason)
    if not model and singular(label) == label:
        if f"{label}s" in project.folders:
            raise Refused(f"`{label}` is the singular of the slice apps/{label}s")
        raise Refused(f"`{label}` is no plural: take `{label}s`, or name its model with MODEL=")
    names = Names(label=label, model=model or camel(singular(label)))
    if reason := _why_no_model(names, project):
        raise Refused(reason)
    return names


def _why_not(label: str, project: Project) -> str:
    """The reason for which a slice cannot have this name; empty if it can."""
    if not NAME.fullmatch(label):
        return f"`{label}` is not a name of a slice: lower-case letters, digits and single underscores"
    if len(label) > _MAX_LENGTH:
        return f"the name `{label}` is longer than {_MAX_LENGTH} characters"
    if keyword.iskeyword(label) or keyword.issoftkeyword(label):
        return f"`{label}` is a word of Python"
    if label in SQL_RESERVED:
        return f"`{label}` is a reserved word of SQL: take a plural, such as `{label}s`"
    if label in project.folders:
        return f"there is a slice apps/{label} already"
    if label in project.kept:
        return f"the tables of a removed slice {label} were kept: bring it back, or drop them with make remove-slice"
    if label in project.labels:
        return f"an installed app is labelled `{label}`: {project.labels[label]}"
    module = find_spec(label)
    if module is not None and module.origin is not None:  # a folder of the project has none
        return f"`{label}` is a module of Python or of an installed package"
    if label.replace("_", "-") in project.paths:
        return f"there are routes at `{label.replace('_', '-')}/` already"
    return ""


def _why_no_model(names: Names, project: Project) -> str:
    """The reason for which the model cannot have this name; empty if it can."""
    model = names.model
    if not _MODEL.fullmatch(model) or len(model) > _MAX_LENGTH:
        return f"`{model}` is not a name of a model: capitalised words, such as PurchaseOrder"
    if names.one == names.label:
        return f"the model {model} has the name of its slice: name the slice by the plural"
    if keyword.iskeyword(model) or model in _IMPORTED:
        return f"{model} is a name that the generated code imports: name the model with MODEL="
    if names.one in project.folders:
        return f"`{names.label}` is the plural of the slice apps/{names.one}"
    for suffix in ("", "Input", "Output", "Filter", "NotFound", "Created"):
        if owner := project.classes.get(model + suffix):
            return f"{model}{suffix} is a class of {owner}: name the model with MODEL="
    if owner := project.tables.get(names.table):
        return f"the table {names.table} belongs to {owner}"
    return ""
