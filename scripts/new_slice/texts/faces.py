"""Tasks, mails, the admin site, the console, exports, demo data and examples."""

from __future__ import annotations

from typing import Final

from scripts.new_slice.fields import Field
from scripts.new_slice.spec import Spec
from scripts.new_slice.texts import fill, lines, listed, names_of, tuple_of

_APPS = """
from django.apps import AppConfig


class ${Manys}Config(AppConfig):
    name = "apps.$label"
    label = "$label"
    $needs
"""
_TASKS = '''
"""Background tasks of the slice. Each calls an idempotent service."""

from __future__ import annotations

from functools import partial

from django.db import OperationalError

from apps.$label import services
from apps.common.tasks import celery_task
from infrastructure.email import EmailDeliveryError

_task = partial(celery_task.calling, module=__name__, retry_for=(OperationalError,))

forget_user = _task(services.forget_user)
send_created_mail = _task(services.send_created_mail, retry_for=(EmailDeliveryError, OperationalError))
'''
_HANDLERS = '''
"""Consequences of events of this slice and of others."""

from __future__ import annotations

from apps.$label import tasks
from apps.$label.events import ${Model}Created
from apps.common import events
from apps.users.events import UserErased

events.on(${Model}Created, task=tasks.send_created_mail)
events.on(UserErased, task=tasks.forget_user)
'''
_ADMIN = '''
"""$Many in Django's admin."""

from __future__ import annotations

from django.contrib import admin
from django.db import models

from apps.$label.models import $Model$and_child


$inline
@admin.register($Model)
class ${Model}Admin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    list_display = $columns
    $options
    readonly_fields = ("created_at", "updated_at")
    show_full_result_count = False
'''
_INLINE = """
class ${Child}Inline(admin.TabularInline):  # type: ignore[type-arg]  # generic in the stubs only
    model = $Child
    extra = 0


"""
_EXPORT = '''
"""The personal data of a user in this slice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from apps.$label.models import $Model$and_child


def export(user_id: UUID) -> Mapping[str, Any]:
    """Returns the $many of the user, oldest first."""
    $list = $Model.objects.filter(${owner}_id=user_id).order_by("created_at", "id")
    $rows
    return {"$list": $list.values($columns).iterator()$and_rows}
'''
_NOT_PERSONAL = '''
"""Columns that name no user, though they are UUIDs (see apps.common.data_export)."""

from __future__ import annotations

from typing import Final

NOT_PERSONAL: Final = {"identifies something else": $columns}
'''
_DEMO_OWNED = '''
"""Demo data: $a $words of each demo account. Idempotent."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from apps.$label.models import $Model
from apps.users import selectors as users

AFTER: Final = ("users",)
_EMAILS: Final = ("ada@example.com", "grace@example.com", "linus@example.com")


def seed(summary: dict[str, Any]) -> None:
    """Create $a $words for each demo account that has none."""
    for user in users.list_users().filter(email__in=_EMAILS):
        if not $Model.objects.filter(${owner}_id=user.pk).exists():
            $Model.objects.create(${owner}_id=user.pk, $values)
    $url
'''
_DEMO = '''
"""Demo data: $a $words. Idempotent."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.$label.models import $Model


def seed(summary: dict[str, Any]) -> None:
    """Create $a $words if there is none."""
    if not $Model.objects.exists():
        $Model.objects.create($values)
    $url
'''
_EXAMPLES = '''
"""Example values of this slice's fields in the API documentation, by name (see apps.api.openapi.examples)."""

from __future__ import annotations

from typing import Any, Final

FIELDS: Final[dict[str, Any]] = {
    $values
}
'''
_MAIL_TXT = """
Hello{% if name %} {{ name }}{% endif %},

your $words was created.

$fields

{{ site }}
"""
_MAIL_HTML = """
{% extends "email/base.html" %}
{% block body %}
<p>your $words was created.</p>
<ul>
$fields
</ul>
{% endblock %}
"""
_CONSOLE = '''
"""The console's page of $many."""

from __future__ import annotations

from typing import Final

MODULE: Final = "$label/console/index.js"
STYLESHEETS: Final = ()
'''
_PAGE = """
/** The console's page of $many: the newest first, with a form for a new one. */

import { api, data, isFailure, messageFor } from "../../console/api.js";
import { confirm } from "../../console/confirm.js";
import { announce, fill, h } from "../../console/dom.js";
import { field, formWithOutcome } from "../../console/form.js";
import { $imported } from "../../console/registry.js";

const cursorOf = (url) => url && new URL(url, location.origin).searchParams.get("cursor");

function open() {
  const heading = h("h1", {}, "$Many");
  const state = h("p", { class: "lead", role: "status" }, "Loading …");
  const list = h("ul", { class: "entries" });
  const earlier = h("button", { type: "button", class: "quiet", hidden: true, on: { click: () => load(next) } }, "Earlier $many");
  let next = null;

  const form = formWithOutcome(
    "Create",
    async (values, form) => {
      await api.${call}Create({
        body: {
          $body
        },
      });
      form.reset();
      await load();
      return "The $words is created.";
    },
    $controls
  );

  const entry = (one) =>
    h(
      "li",
      {},
      h("span", {}, $title, h("small", {}, [$details].filter(Boolean).join(" · "))),
      h("button", { type: "button", class: "quiet", on: { click: () => remove(one) } }, "Delete"),
    );

  async function guarded(work) {
    try {
      await work();
    } catch (error) {
      if (!isFailure(error)) throw error;
      state.textContent = messageFor(error);
    }
  }

  const load = (cursor) =>
    guarded(async () => {
      const page = await data(api.${call}List({ query: cursor ? { cursor } : {} }));
      if (!cursor) fill(list);
      list.append(...page.results.map(entry));
      next = cursorOf(page.next);
      earlier.hidden = !next;
      state.textContent = list.children.length ? "The newest first." : "There are no $many yet.";
    });

  async function remove(one) {
    if (!(await confirm("Delete this $words?", "This cannot be undone.", "Delete"))) return;
    await guarded(async () => {
      await api.${call}Delete({ path: { ${one}_id: one.id } });
      announce("The $words is deleted.");
      await load();
    });
  }

  load();
  $live
  const create = h("details", {}, h("summary", {}, "New $words"), form);
  return { element: h("div", { class: "page" }, heading, state, create, list, earlier), heading, title: "$Many"$stop };
}

addPage("$path", { link: { label: "$Many", order: 30 }, open });
"""


_DETAILS: Final = 5  # of an entry in the console's list


def files(spec: Spec) -> dict[str, str]:
    """What the rest of the product finds by its name."""
    slots = names_of(spec)
    columns = [field.name for field in spec.fields if field.kind.name not in ("text", "json", "uuid", "url")]
    url = [f'summary["urls"].append(["{slots["Many"]}", "/#/{spec.names.path}"])'] if spec.has_console else []
    values = ", ".join(
        f"{field.name}={lines.python(field)}" for field in spec.values if field.kind.name != "choice"
    )
    found = {
        "__init__.py": f'"""{slots["Many"]}{" of users" if spec.owner else ""}."""\n',
        "apps.py": fill(_APPS, **slots, needs=['needs = ("users",)'] if spec.owner else []),
        "admin.py": fill(
            _ADMIN,
            **slots,
            columns=tuple_of([*columns, "created_at"]),
            options=list(_admin_options(spec)),
            and_child=f", {spec.nested.model}" if spec.nested else "",
            inline=[*fill(_INLINE, **slots).splitlines(), "", ""] if spec.nested else [],
        ),
        "examples.py": fill(
            _EXAMPLES,
            **slots,
            values=[
                *(f'"{field.name}": {lines.json(field)},' for field in spec.values),
                *(
                    [f'"{spec.nested.name}": [{lines.json_object(spec.nested.fields)}],']
                    if spec.nested
                    else []
                ),
            ],
        ),
        "demo.py": fill(_DEMO_OWNED if spec.owner else _DEMO, **slots, values=values, url=url),
        "migrations/__init__.py": "",
    }
    if spec.owner:
        found |= _of_owner(spec, slots)
    elif unlinked := [f"{spec.names.model}.{field.name}" for field in spec.of_kind("uuid")]:
        found["data_export.py"] = fill(_NOT_PERSONAL, columns=tuple_of(unlinked))
    if spec.has_console:
        found |= {
            "console/__init__.py": fill(_CONSOLE, **slots),
            "console/static/index.js": _page(spec, slots),
        }
    return found


def _of_owner(spec: Spec, slots: dict[str, str]) -> dict[str, str]:
    mailed = [lines.mail(field, spec.names.one) for field in mail_fields(spec)]
    exported = ["id", *(field.name for field in spec.values), "created_at", "updated_at"]
    nested, one = spec.nested, spec.names.one
    of_user = f"{nested.model}.objects.filter({one}__{slots['owner']}_id=user_id)" if nested else ""
    of_child = listed([f"{one}_id", "position", *(field.name for field in nested.fields)]) if nested else ""
    template = f"templates/email/{spec.names.one}_created"
    return {
        "tasks.py": fill(_TASKS, **slots),
        "handlers.py": fill(_HANDLERS, **slots),
        "data_export.py": fill(
            _EXPORT,
            **slots,
            columns=listed(exported),
            and_child=f", {nested.model}" if nested else "",
            rows=[f"{nested.name} = {of_user}.order_by({listed([f'{one}_id', 'position'])})"]
            if nested
            else [],
            and_rows=f', "{nested.name}": {nested.name}.values({of_child}).iterator()' if nested else "",
        ),
        f"{template}.txt": fill(_MAIL_TXT, **slots, fields=mailed),
        f"{template}.html": fill(_MAIL_HTML, **slots, fields=[f"<li>{line}</li>" for line in mailed]),
    }


def mail_fields(spec: Spec) -> list[Field]:
    """The fields that the mail to the owner shows."""
    return [field for field in spec.values if field.kind.mail is not None]


def _admin_options(spec: Spec) -> list[str]:
    narrowed = [field.name for field in spec.of_kind("choice", "bool")]
    searched = [field.name for field in spec.values if field.kind.is_searched]
    options = [f"list_filter = {tuple_of(narrowed)}"] if narrowed else []
    if spec.owner:
        searched.append(f"={spec.owner.name}__email")
        owner = tuple_of([spec.owner.name])
        options += [f"list_select_related = {owner}", f"autocomplete_fields = {owner}"]
    if searched:
        options.append(f"search_fields = {tuple_of(searched)}")
    if spec.of_kind("url"):  # Django 5 warns of a form that does not say so
        options.append('formfield_overrides = {models.URLField: {"assume_scheme": "https"}}')
    if spec.nested:
        options.append(f"inlines = ({spec.nested.model}Inline,)")
    return options


def _page(spec: Spec, slots: dict[str, str]) -> str:
    """The page of the console. Its first text is the title of an entry."""
    written = [field for field in spec.values if field.kind.control is not None]
    title = next((field for field in written if field.kind.name in ("str", "email", "text", "url")), None)
    details = [
        field
        for field in spec.values
        if field is not title and field.kind.name not in ("json", "text", "uuid", "url")
    ]
    call = spec.names.many_camel
    return fill(
        _PAGE,
        **slots,
        imported="addPage, on" if spec.is_live else "addPage",
        live=[f'const stop = on("pushed", ({{ name }}) => name === "{spec.names.label}.changed" && load());']
        if spec.is_live
        else [],
        stop=", stop" if spec.is_live else "",
        call=call[0].lower() + call[1:],
        body=[lines.control_value(field) for field in written],
        controls=[lines.control(field) for field in written],
        title=f"one.{title.name}" if title else f"`{spec.names.words} ${{one.id}}`",
        details=", ".join(lines.shown(field, "one") for field in details[:_DETAILS]),
    )
