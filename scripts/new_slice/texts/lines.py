"""The lines of single fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scripts.new_slice.fields import Field

OWNER = 'models.ForeignKey("users.User", on_delete=models.CASCADE, related_name="+", db_index=False)'


def choices(field: Field) -> list[str]:
    """The class with the values of a choice."""
    members = [
        f'    {value.upper()} = "{value}", "{value.replace("_", " ").capitalize()}"'
        for value in field.choices
    ]
    return [f"class {field.camel}(TextChoices):", *members, "", ""]


def annotation(field: Field) -> str:
    return f"{field.name}: {field.kind.annotation}{' | None' if field.is_nullable else ''}"


def model(field: Field) -> str:
    """The field of the model."""
    if field.kind.name == "user":
        return f"{field.name} = {OWNER}"
    options = ["null=True", "blank=True"] if field.is_nullable else _default(field)
    if field.kind.name == "json" and not field.is_nullable:
        options.append("blank=True")
    if field.is_optional and field.kind.is_text:
        options.insert(0, "blank=True")
    return f"{field.name} = models.{_call(field, field.kind.model, options)}"


def input_(field: Field) -> str:
    """The field of the serializer of requests."""
    options = _default(field)
    if field.is_nullable:
        options = ["allow_null=True", "default=None"]
    elif field.is_optional:
        options.insert(0, "allow_blank=True")
    return f"{field.name} = {_call(field, field.kind.input, options)}"


def output(field: Field) -> str:
    """The field of the serializer of answers."""
    options = ["allow_null=True"] if field.is_nullable else []
    return f"{field.name} = serializers.{_call(field, field.kind.output, options)}"


def _default(field: Field) -> list[str]:
    if field.is_optional and field.kind.is_text:
        return ['default=""']
    match field.kind.name:
        case "bool":
            return ["default=False"]
        case "json":
            return ["default=dict"]
        case "choice":
            return [f"default={field.camel}.{field.choices[0].upper()}"]
    return []


def default_value(field: Field) -> str:
    """The value of a field that a request leaves out, as Python code."""
    if field.is_nullable:
        return "None"
    if field.choices and not field.is_optional:
        return f'"{field.choices[0]}"'
    return {"bool": "False", "json": "{}"}.get(field.kind.name, '""')


def _call(field: Field, head: str, options: list[str]) -> str:
    """A call whose first part is `head`, such as `CharField(max_length=200`."""
    gap = ", " if options and not head.endswith("(") else ""
    return f"{in_words(head, field)}{gap}{', '.join(options)})"


def in_words(text: str, field: Field) -> str:
    """A text of a kind with the names of the field."""
    for slot, value in (
        ("{title}", field.title),
        ("{camel}", field.camel),
        ("{name}", field.name),
        ("{first}", field.choices[0] if field.choices else ""),
        ("{second}", field.choices[1] if field.choices else ""),
    ):
        text = text.replace(slot, value)
    return text


def constraint(field: Field, label: str) -> str:
    """The constraint of a choice."""
    values = f'["", *{field.camel}.values]' if field.is_optional else f"{field.camel}.values"
    condition = f"models.Q({field.name}__in={values})"
    return f'models.CheckConstraint(name="{label}_{field.name}", condition={condition}),'


def filters(field: Field) -> Iterator[str]:
    """The filters of lists."""
    for one in field.filters:
        arguments = [f'lookup_expr="{one.lookup}"'] if one.lookup else []
        if one.suffix:
            arguments.insert(0, f'field_name="{field.name}"')
        if field.kind.name == "choice":
            arguments.append(f"choices={field.camel}.choices")
        yield f"{field.name}{one.suffix} = {one.of}({', '.join(arguments)})"


def filter_cases(field: Field) -> Iterator[str]:
    """Queries that find the sample, and queries that do not, for a test."""
    for one in field.filters:
        for value, count in ((one.finds, 1), (one.misses, 0)):
            yield f'("{field.name}{one.suffix}={in_words(value, field)}", {count})'


def invalid(field: Field) -> Iterator[str]:
    """The field with values that are refused, for a test."""
    for value in field.kind.invalid:
        yield f'("{field.name}", {value})'
    if not field.is_nullable:
        yield f'("{field.name}", {chr(34) * 2 if field.kind.is_text and field.is_required else None})'


def default_check(field: Field, one: str) -> str:
    """The assertion that the field has its default."""
    value = default_value(field)
    return f"assert {one}.{field.name} {'is' if value in ('None', 'False') else '=='} {value}"


def python(field: Field, *, is_other: bool = False) -> str:
    """The sample value as Python code."""
    return in_words((field.kind.other if is_other else field.kind.sample)[0], field)


def json(field: Field, *, is_other: bool = False) -> str:
    """The sample value in JSON, as Python code."""
    return in_words((field.kind.other if is_other else field.kind.sample)[1], field)


def json_object(fields: Sequence[Field], *, is_other: bool = False) -> str:
    """An object with the sample values in JSON, as Python code."""
    return "{" + ", ".join(f'"{field.name}": {json(field, is_other=is_other)}' for field in fields) + "}"


def mail(field: Field, one: str) -> str:
    """A line of a mail."""
    name = f"get_{field.name}_display" if field.kind.name == "choice" else field.name
    shown = field.kind.mail or ('|default_if_none:""' if field.is_nullable else "")
    return f"{field.title}: {{{{ {one}.{name}{shown} }}}}"


def control(field: Field) -> str:
    """The control of the console's form."""
    is_required = field.is_required or field.kind.name == "bool"
    optional = "" if is_required else ", required: false"
    return f'field({{ label: "{field.title}", name: "{field.name}", {field.kind.control}{optional} }}),'


def control_value(field: Field) -> str:
    """The value of that control in the body of a request."""
    get = f"values.{field.name}"
    value = in_words(field.kind.value, field).replace("{get}", get)
    if field.is_nullable and field.kind.name != "bool":
        value = f"{get} || null" if value == get else f"{get} ? {value} : null"
    return f"{field.name}: {value},"


def shown(field: Field, one: str) -> str:
    """What an entry of the console's list says of the field, as JavaScript."""
    value = f"{one}.{field.name}"
    if field.kind.name == "int":
        text = f"`{field.words} ${{{value}}}`"
        return f"{value} !== null && {text}" if field.is_nullable else text
    if field.kind.name == "bool":
        return f'{value} && "{field.words}"'
    if field.kind.name == "datetime":
        text = f"new Date({value}).toLocaleString()"
        return f"{value} && {text}" if field.is_nullable else text
    return value
