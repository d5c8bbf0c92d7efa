"""Adds a field to a slice that `make slice` wrote: `make field SLICE=orders FIELD="note:text?"`.

The field has to have a value in rows that are there: one that may be empty, or of the types bool, json and choice. What a team has
changed meanwhile stays; where a place is not found, the command says what is left to do by hand.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from scripts.new_slice import fields, names, tree
from scripts.new_slice.edits import Missing, Module, attributes
from scripts.new_slice.fields import Field
from scripts.new_slice.names import Names, Refused
from scripts.new_slice.texts import fill, lines
from scripts.new_slice.texts.rest import SEARCH

ROOT: Final = Path(__file__).resolve().parents[2]
_IMPORTS: Final = {
    "decimal": "from decimal import Decimal",
    "date": "import datetime as dt",
    "datetime": "import datetime as dt",
    "uuid": "from uuid import UUID",
    "json": "from typing import Any",
}
_TIMES: Final = ("created_at", "updated_at", "created_after", "created_before", "ordering")
_Edit = Callable[[Path, Names, Field], None]


def add(root: Path, *, label: str, text: str, model: str = "") -> list[str]:
    """Add a field to a slice. Returns what is left to do by hand. Raises Refused."""
    folder = root / "apps" / label
    if not (folder / "models.py").is_file():
        raise Refused(f"there is no apps/{label}/models.py")
    found = Names(label=label, model=model or names.camel(names.singular(label)))
    field = _judge(folder, found, text)
    left = []
    with tree.kept(root, folder):
        for edit in (_types, _model, _serializers):
            try:
                edit(folder, found, field)
            except Missing as missing:
                raise Refused(f"apps/{label}/{missing}: add the field by hand") from missing
        for edit in (_filters, _admin, _export, _examples, _factory, _tests, _console):
            try:
                edit(folder, found, field)
            except Missing as missing:
                left.append(f"apps/{label}: {missing}")
        tree.tidy(root, folder)
        tree.migrate(root, label, field.name)
        if field.choices:
            _lock_no_rows(folder, field)
        tree.regenerate(root)
    return left


def _judge(folder: Path, found: Names, text: str) -> Field:
    """The field that was asked for. Raises Refused."""
    try:
        taken = set(attributes(Module.read(folder / "models.py").class_named(found.model)))
        taken |= set(attributes(Module.read(folder / "filters.py").class_named(f"{found.model}Filter")))
    except Missing as missing:
        raise Refused(f"apps/{found.label}/{missing}: name the model with MODEL=") from missing
    parsed = fields.parse(text, model=found.one, taken=taken)
    if len(parsed) != 1:
        raise Refused('one field at a time: FIELD="note:text?"')
    (field,) = parsed
    if field.kind.name == "user":
        raise Refused(f"a reference to an account needs rules of its own: add `{field.name}` by hand")
    if field.is_required:
        raise Refused(
            f"rows that are there have no value: write {text.strip()}?, fill it in, and require it later"
        )
    return field


def _types(folder: Path, found: Names, field: Field) -> None:
    module = Module.read(folder / "types.py")
    for kind in ("Values", "Changes"):
        module.add_to_class(f"{found.model}{kind}", [lines.annotation(field)])
    if field.choices:
        start = module.class_named(f"{found.model}Values").lineno
        module.insert_lines(start - 1, lines.choices(field))
        module.import_modules(["from django.db.models import TextChoices"])
    if field.kind.name in _IMPORTS:
        module.import_modules([_IMPORTS[field.kind.name]])
    module.write()


def _model(folder: Path, found: Names, field: Field) -> None:
    module = Module.read(folder / "models.py")
    line = lines.model(field)
    if not field.is_nullable:  # the release before this one inserts rows without the column
        line = f"{line[:-1]}, db_{_default(line)})"
    module.add_to_class(found.model, [line])
    if field.choices:
        _constrain(module, found, field)
    module.import_names(f"apps.{found.label}.types", [field.camel] if field.choices else [])
    module.import_modules(["from apps.common.text import validate_line"])
    module.write()


def _default(line: str) -> str:
    """`default=…` of a field's line, as the database has it."""
    (value,) = re.findall(r"\bdefault=([^,()]+)", line)
    return f"default={'{}' if value == 'dict' else value}"


def _constrain(module: Module, found: Names, field: Field) -> None:
    line = lines.constraint(field, found.label).rstrip(",")
    meta = next(
        (node for node in module.class_named(found.model).body if isinstance(node, ast.ClassDef)), None
    )
    for statement in meta.body if meta else []:
        if isinstance(statement, ast.Assign) and "constraints" in ast.unparse(statement.targets[0]):
            module.add_element(statement.value, line)
            return
    if meta is None:
        raise Missing("models.py has no class Meta")
    module.insert_lines(
        meta.body[-1].end_lineno or 0, [f"constraints = [{line}]"], indent=meta.body[0].col_offset
    )


def _lock_no_rows(folder: Path, field: Field) -> None:
    """Let the migration add the constraint without a look at the rows that are there: they have the default."""
    (path,) = (folder / "migrations").glob(f"0*_{field.name}.py")
    text = path.read_text(encoding="utf-8").replace("migrations.AddConstraint(", "AddConstraintNotValid(")
    line = "from django.contrib.postgres.operations import AddConstraintNotValid\n"
    place = text.index("from django.db import migrations")
    path.write_text(text[:place] + line + text[place:], encoding="utf-8")


def _serializers(folder: Path, found: Names, field: Field) -> None:
    module = Module.read(folder / "serializers.py")
    module.add_to_class(f"{found.model}Input", [lines.input_(field)])
    module.add_to_class(f"{found.model}Output", [lines.output(field)], before=_TIMES)
    module.import_names(f"apps.{found.label}.types", [field.camel] if field.choices else [])
    module.write()


def _filters(folder: Path, found: Names, field: Field) -> None:
    module, name = Module.read(folder / "filters.py"), f"{found.model}Filter"
    module.add_to_class(name, list(lines.filters(field)), before=_TIMES)
    if field.kind.is_ordered:
        ordering = module.find(ast.Call, _is_call("OrderingFilter"), "OrderingFilter")
        module.add_element(ordering.keywords[0].value, f'"{field.name}"')
    if field.kind.is_searched:
        _search(module, found, field)
    module.import_names(f"apps.{found.label}.types", [field.camel] if field.choices else [])
    module.import_modules(["from apps.common.http.filters import BooleanFilter"])
    module.write()


def _search(module: Module, found: Names, field: Field) -> None:
    """Search in the field as well, or begin to search."""
    condition = f"Q({field.name}__icontains=value)"
    if "def by_words(" in module.text:
        method = module.find(ast.FunctionDef, lambda node: node.name == "by_words", "by_words")
        returned = method.body[-1]
        if not (
            isinstance(returned, ast.Return) and isinstance(returned.value, ast.Call) and returned.value.args
        ):
            raise Missing(f"{module.path.name} has no search that returns filter(…)")
        module.add_after(returned.value.args[-1], f" | {condition}")
        module.text = re.sub(
            r'help_text="A part of ([^".]+)\."', rf'help_text="A part of \1 or {field.words}."', module.text
        )
        return
    name = f"{found.model}Filter"
    module.add_to_class(
        name,
        [
            f'search = django_filters.CharFilter(method="by_words", max_length=100, help_text="A part of {field.words}.")'
        ],
        before=_TIMES,
    )
    method_lines = fill(SEARCH, list=found.label, Model=found.model, condition=condition).splitlines()
    module.insert_lines(module.class_named(name).end_lineno or 0, ["", *method_lines], indent=4)
    module.import_modules(
        ["from django.db.models import Q, QuerySet", f"from apps.{found.label}.models import {found.model}"]
    )


def _admin(folder: Path, found: Names, field: Field) -> None:
    wanted = {
        "list_filter": field.kind.name in ("bool", "choice"),
        "search_fields": field.kind.is_searched,
    }
    module, name = Module.read(folder / "admin.py"), f"{found.model}Admin"
    for attribute in [attribute for attribute, is_wanted in wanted.items() if is_wanted]:
        node = module.class_named(name)
        values = [
            statement.value
            for statement in node.body
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == attribute
        ]
        if values:
            module.add_element(values[0], f'"{field.name}"')
        else:
            module.add_to_class(name, [f'{attribute} = ("{field.name}",)'])
    if field.kind.name == "url" and "URLField" not in module.text:
        module.add_to_class(name, ['formfield_overrides = {models.URLField: {"assume_scheme": "https"}}'])
        module.import_modules(["from django.db import models"])
    module.write()


def _export(folder: Path, found: Names, field: Field) -> None:
    if not (folder / "handlers.py").is_file():  # no owner
        if field.kind.name == "uuid":
            raise Missing(f"list {found.model}.{field.name} in NOT_PERSONAL of data_export.py")
        return
    module = Module.read(folder / "data_export.py")
    module.add_element(module.find(ast.Call, _is_call("values"), "values(…)"), f'"{field.name}"')
    module.write()


def _examples(folder: Path, found: Names, field: Field) -> None:
    module = Module.read(folder / "examples.py")
    table = module.find(ast.Dict, lambda _: True, "FIELDS")
    module.add_element(table, f'"{field.name}": {lines.json(field)}')
    module.write()


def _factory(folder: Path, found: Names, field: Field) -> None:
    module = Module.read(folder / "tests" / "factories.py")
    if field.kind.name != "choice" or field.is_optional:
        module.add_to_class(f"{found.model}Factory", [f"{field.name} = {lines.python(field)}"])
    module.import_modules([_IMPORTS[field.kind.name]] if field.kind.name in _IMPORTS else [])
    module.write()


def _tests(folder: Path, found: Names, field: Field) -> None:
    module = Module.read(folder / "tests" / "test_rest.py")
    for case in lines.invalid(field):
        module.add_element(_cases_of(module, "test_invalid_fields_are_refused_by_name"), case)
    for case in lines.filter_cases(field):
        module.add_element(_cases_of(module, "test_lists_are_filtered"), case)
    if field.kind.is_ordered:
        module.add_element(_cases_of(module, "test_lists_are_ordered"), f'"{field.name}"')
    checked = module.find(
        ast.FunctionDef, lambda node: node.name == "test_optional_fields_have_defaults", "test of defaults"
    )
    module.insert_lines(checked.end_lineno or 0, [lines.default_check(field, found.one)], indent=4)
    module.write()


def _cases_of(module: Module, name: str) -> ast.expr:
    """The list of a test's cases."""
    test = module.find(ast.FunctionDef, lambda node: node.name == name, name)
    for decorator in test.decorator_list:
        if isinstance(decorator, ast.Call) and len(decorator.args) > 1:
            return decorator.args[1]
    raise Missing(f"{module.path.name}: {name} has no cases")


def _console(folder: Path, found: Names, field: Field) -> None:
    page = folder / "console" / "static" / "index.js"
    if not page.is_file() or field.kind.control is None:
        return
    text = page.read_text(encoding="utf-8")
    for place, line in (
        (re.compile(r"^( *)body: \{\n(?:\1 .*\n)*", re.MULTILINE), f"          {lines.control_value(field)}"),
        (re.compile(r"^ *field\(.*\),\n(?! *field\()", re.MULTILINE), f"    {lines.control(field)}"),
    ):
        match = place.search(text)
        if match is None:
            raise Missing("console/static/index.js has no form like that of make slice")
        text = f"{text[: match.end()]}{line}\n{text[match.end() :]}"
    page.write_text(text, encoding="utf-8")


def _is_call(name: str) -> Callable[[ast.Call], bool]:
    return lambda node: isinstance(node.func, ast.Attribute) and node.func.attr == name


def main(arguments: Sequence[str]) -> int:
    """Add it. 2 when it is refused."""
    parser = argparse.ArgumentParser(prog="make field", description=__doc__)
    parser.add_argument("slice")
    parser.add_argument("field")
    parser.add_argument("--model", default="")
    options = parser.parse_args(arguments)
    try:
        left = add(ROOT, label=options.slice, text=options.field, model=options.model)
    except Refused as error:
        sys.stderr.write(f"make field: {error}\n")
        return 2
    print(f"apps/{options.slice} has the field {options.field}: git diff shows it")
    for line in left:
        print(f"by hand: {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
