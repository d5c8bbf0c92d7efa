"""`make slice`: what it reads, what it refuses, and that a failure leaves nothing behind."""

from __future__ import annotations

import ast
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from config.env import BASE_DIR
from scripts.new_slice import add_field, fields, names, spec, texts, tree
from scripts.new_slice.__main__ import write
from scripts.new_slice.kinds import KINDS
from scripts.new_slice.names import Refused
from scripts.new_slice.project import Project, Zone

PROJECT = Project(
    folders=frozenset({"users", "chat", "invoice", "console", "notifications"}),
    labels={"users": "apps.users", "sites": "django.contrib.sites"},
    classes={"Room": "apps/chat/models.py", "ThingOutput": "apps/chat/serializers.py"},
    tables={"gadgets_gadget": "legacy.Gadget"},
    paths=frozenset({"tickets", "purchase-items"}),
    zones={
        "private": Zone(path="/api/private/v1/", is_for_admins=False),
        "admin": Zone(path="/api/admin/v1/", is_for_admins=True),
    },
)
EVERY_TYPE = " ".join(
    f"{name}_one:{name}{values} {name}_two:{name}{values}?"
    for name in KINDS
    if name != "user"
    for values in ["(low,high)" if name == "choice" else ""]
)


def judged(
    label: str = "orders", text: str = "customer:str", model: str = "", *zones: str, parts: str = ""
) -> spec.Spec:
    return spec.judge(
        label=label, text=text, model=model, zones=zones or ("private",), project=PROJECT, parts=parts
    )


def test_fields_are_read() -> None:
    found = fields.parse(
        " customer:str  due:date? owner:user status:choice(open, paid,cancelled)", model="order"
    )
    assert [(field.name, field.kind.name, field.is_optional, field.choices) for field in found] == [
        ("customer", "str", False, ()),
        ("due", "date", True, ()),
        ("owner", "user", False, ()),
        ("status", "choice", False, ("open", "paid", "cancelled")),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("customer", "`customer` is not a field"),
        ("customer:str,total:int", "`customer:str,total:int` is not a field"),
        ("total:money", "`money` of the field `total` is not one of str, text, int"),
        ("status:choice", "needs its choices"),
        ("status:choice(open)", "needs two or more different values"),
        ("status:choice(open,open)", "needs two or more different values"),
        ("status:choice(open,Paid)", "`Paid` of the field `status` is not a value"),
        ("status:choice(open,)", "`` of the field `status` is not a value"),
        ("total:int(3)", "only a choice takes values in brackets"),
        ("Total:int", "`Total` is not a name of a field"),
        ("a__b:int", "`a__b` is not a name of a field"),
        ("total_:int", "`total_` is not a name of a field"),
        ("a" * 31 + ":int", "longer than 30 characters"),
        ("class:str", "`class` is a word of Python"),
        ("str:str", "`str` is a word of Python"),
        ("user:user", "`user` is a reserved word of SQL"),
        ("id:uuid", "the name `id` is reserved: every model has it"),
        ("ordering:int", "the name `ordering` is reserved: it is a parameter of lists"),
        ("save:bool", "the name `save` is reserved: models use the name"),
        ("errors:int", "the name `errors` is reserved: serializers use the name"),
        ("order_id:uuid", "the name `order_id` is reserved: it is a parameter of the route"),
        ("order:choice(a,b)", "`order` is a reserved word of SQL"),
        ("total:int total:int", "two fields or filters are named `total`"),
        ("total:int total_min:int", "two fields or filters are named `total_min`"),
        ("owner:user owner_id:uuid", "two fields or filters are named `owner_id`"),
        ("owner:user", "a slice needs a field besides its owner"),
        ("owner:user note:str seller:user", "one field is the owner: add `seller` by hand"),
        ("owner:user? note:str", "every object has its owner: write owner:user"),
        ("", "a slice needs a field besides its owner"),
    ],
)
def test_fields_are_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        judged(text=text)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("label", "model", "reason"),
    [
        ("Orders", "", "`Orders` is not a name of a slice"),
        ("../orders", "", "is not a name of a slice"),
        ("a" * 31, "", "longer than 30 characters"),
        ("match", "", "`match` is a word of Python"),
        ("order", "", "`order` is a reserved word of SQL: take a plural, such as `orders`"),
        ("users", "", "there is a slice apps/users already"),
        ("sites", "", "an installed app is labelled `sites`: django.contrib.sites"),
        ("types", "", "`types` is a module of Python or of an installed package"),
        ("celery", "", "`celery` is a module of Python or of an installed package"),
        ("user", "", "`user` is a reserved word of SQL"),
        ("sheep", "", "`sheep` is no plural: take `sheeps`, or name its model with MODEL="),
        ("tickets", "", "there are routes at `tickets/` already"),
        ("purchase_items", "", "there are routes at `purchase-items/` already"),
        ("rooms", "", "Room is a class of apps/chat/models.py: name the model with MODEL="),
        ("things", "", "ThingOutput is a class of apps/chat/serializers.py"),
        ("gadgets", "", "the table gadgets_gadget belongs to legacy.Gadget"),
        ("invoices", "", "`invoices` is the plural of the slice apps/invoice"),
        ("clients", "", "Client is a name that the generated code imports"),
        ("sheep", "sheep", "`sheep` is not a name of a model"),
        ("sheep", "Sheep", "the model Sheep has the name of its slice"),
    ],
)
def test_names_are_refused_with_the_reason(label: str, model: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        judged(label, model=model)
    assert reason in str(refused.value)


def test_a_removed_slice_with_tables_is_refused() -> None:
    with pytest.raises(Refused, match="the tables of a removed slice orders were kept"):
        names.judge("orders", "", replace(PROJECT, kept=frozenset({"orders"})))


def test_a_singular_of_a_slice_is_refused() -> None:
    with pytest.raises(Refused, match="`chat` is the singular of the slice apps/chats"):
        names.judge("chat", "", Project(
            folders=frozenset({"chats"}), labels={}, classes={}, tables={}, paths=frozenset(), zones={}
        ))  # fmt: skip


@pytest.mark.parametrize("zones", [("public",), ("internal",), ("private", "nowhere")])
def test_zones_without_users_are_refused(zones: tuple[str, ...]) -> None:
    with pytest.raises(Refused, match=f"the zone `{zones[-1]}` is not one that users enter: private, admin"):
        judged("orders", "customer:str", "", *zones)


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        ("orders", "order"), ("categories", "category"), ("boxes", "box"), ("addresses", "address"),
        ("branches", "branch"), ("houses", "house"), ("status", "status"), ("news", "new"), ("analysis", "analysis"),
    ],
)  # fmt: skip
def test_the_model_is_the_singular(plural: str, singular: str) -> None:
    assert names.singular(plural) == singular


def test_names_follow_from_the_label_and_the_model() -> None:
    found = judged("purchase_orders").names
    assert (found.model, found.one, found.words, found.many, found.path, found.article) == (
        "PurchaseOrder", "purchase_order", "purchase order", "purchase orders", "purchase-orders", "a",
    )  # fmt: skip
    assert judged("orders").names.article == "an"
    assert judged("units").names.article == "a"
    assert judged("people", model="Person").names.one == "person"


@pytest.mark.parametrize(
    ("text", "zones"),
    [
        (f"{EVERY_TYPE} owner:user", ("private", "admin")),
        (f"{EVERY_TYPE} owner:user", ("admin",)),
        (EVERY_TYPE, ("private",)),
        ("rank:int", ("admin",)),
    ],
)
def test_every_type_makes_python_without_a_word_about_the_generator(
    text: str, zones: tuple[str, ...]
) -> None:
    files = write(judged("orders", text, "", *zones))
    for name, content in files.items():
        assert "$" not in content.replace("${", ""), name
        assert "generat" not in content, name
        if name.endswith(".py"):
            ast.parse(content, filename=name)
    assert ("console/static/index.js" in files) is ("private" in zones)
    assert ("tasks.py" in files) is ("owner" in text)


def test_parts_are_read() -> None:
    found = judged(
        text="owner:user note:str", parts="live, nested(lines: sku:str kind:choice(a,b)? quantity:int)"
    )
    assert found.is_live
    assert found.nested is not None
    assert (found.nested.name, found.nested.model, found.nested.words) == ("lines", "OrderLine", "line")
    assert [field.name for field in found.nested.fields] == ["sku", "kind", "quantity"]
    files = write(found)
    for name, content in files.items():
        if name.endswith(".py"):
            ast.parse(content, filename=name)
    assert "class OrderLine(UUIDModel):" in files["models.py"]
    assert 'on("pushed"' in files["console/static/index.js"]
    assert not judged(text="owner:user note:str").is_live


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ("upload", "`upload` is not one of live, nested(lines: sku:str quantity:int)"),
        ("nested(lines)", "is not one of live, nested"),
        ("nested(lines: )", "`lines` needs fields"),
        ("nested(line: sku:str)", "`line` is no plural: take `lines`"),
        ("nested(rows: sku:str) nested(lines: sku:str)", "one nested(…) at a time"),
        ("nested(notes: sku:str)", "two fields or filters are named `notes`"),
        ("nested(lines: sku:money)", "`money` of the field `sku` is not one of"),
        ("nested(lines: by:user)", "they have no field of the type user"),
        ("nested(lines: status:choice(a,b))", "two choices are named `status`"),
        ("nested(created: sku:str)", "`created` is no plural"),
        ("nested(lines: order:str)", "`order` is a reserved word of SQL"),
    ],
)
def test_parts_are_refused_with_the_reason(parts: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        judged(text="owner:user notes:str status:choice(x,y)", parts=parts)
    assert reason in str(refused.value)


def test_live_needs_an_owner_and_a_socket() -> None:
    with pytest.raises(Refused, match="the slice needs one, such as owner:user"):
        judged(parts="live")
    with pytest.raises(Refused, match="`live` needs the slice notifications"):
        spec.judge(
            label="orders",
            text="note:str owner:user",
            model="",
            zones=["private"],
            project=replace(PROJECT, folders=PROJECT.folders - {"notifications"}),
            parts="live",
        )


def test_lines_take_the_place_of_their_slot() -> None:
    assert texts.fill("a\n    $some\nb $word", some=["x", "  y"], word="c") == "a\n    x\n      y\nb c\n"
    assert texts.fill("a\n    $some\nb", some=[]) == "a\nb\n"


def tree_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".ruff_cache" not in path.parts
    }


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("config/zones.py", "pyproject.toml", "AGENTS.md", "docs/api/private.v1.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(BASE_DIR / name, tmp_path / name)
    (tmp_path / "apps").mkdir()
    before = tree_of(tmp_path)
    seen: list[str] = []

    def fail(root: Path) -> None:
        seen.extend(tree_of(root))
        (root / "AGENTS.md").unlink()
        (root / "docs" / "api" / "more.yaml").touch()
        raise Refused("no")

    monkeypatch.setattr(tree, "migrate", lambda *_: None)
    monkeypatch.setattr(tree, "regenerate", fail)
    with pytest.raises(Refused, match="no"):
        tree.add(tmp_path, label="orders", files=write(judged()), zones=("private",))
    assert "apps/orders/models.py" in seen
    assert tree_of(tmp_path) == before


def test_the_line_is_the_last_of_the_table(tmp_path: Path) -> None:
    path = tmp_path / "zones.py"
    path.write_text('SLICES: dict[str, tuple[str, ...]] = {\n    "users": ("public",),\n}\n\nMORE = {\n}\n')
    tree.add_line(path, "orders", ("private",))
    tree.add_line(path, "things", ("private", "admin"))
    assert path.read_text() == (
        'SLICES: dict[str, tuple[str, ...]] = {\n    "users": ("public",),\n    "orders": ("private",),\n'
        '    "things": ("private", "admin"),\n}\n\nMORE = {\n}\n'
    )


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a new slice, whose migrations and generated files nobody writes."""
    for name in ("config/zones.py", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(BASE_DIR / name, tmp_path / name)
    (tmp_path / "apps").mkdir()
    monkeypatch.setattr(tree, "regenerate", lambda _: None)
    monkeypatch.setattr(tree, "migrate", lambda *_: None)
    text = "customer:str total:decimal owner:user due:date?"
    tree.add(tmp_path, label="orders", files=write(judged(text=text)), zones=("private",))
    return tmp_path


PLACES = {
    "types.py": ("note: str",),
    "models.py": ('note = models.TextField(max_length=10_000, blank=True, default="", db_default="")',),
    "serializers.py": (
        'note = fields.TextField(max_length=10_000, allow_blank=True, default="")',
        "note = serializers.CharField()",
    ),
    "filters.py": ("A part of customer or note.", "| Q(note__icontains=value)"),
    "admin.py": ('search_fields = ("customer", "=owner__email", "note")',),
    "data_export.py": ('"note"',),
    "examples.py": ('"note": "Note",',),
    "tests/factories.py": ('note = "Note"',),
    "tests/test_rest.py": ('("note", None),', 'assert order.note == ""'),
    "console/static/index.js": ("note: values.note,", 'field({ label: "Note", name: "note"'),
}


def test_a_field_is_added_where_it_belongs(orders: Path) -> None:
    assert add_field.add(orders, label="orders", text="note:text?") == []
    for name, expected in PLACES.items():
        content = (orders / "apps" / "orders" / name).read_text()
        assert [part for part in expected if part not in content] == [], name


def test_fields_of_every_type_are_added(orders: Path) -> None:
    for name in sorted(KINDS.keys() - {"user"}):
        text = f"{name}_three:{name}{'(low,high)' if name == 'choice' else ''}?"
        if name == "choice":
            (orders / "apps" / "orders" / "migrations" / f"0002_{name}_three.py").write_text(
                "from django.db import migrations\n\n\nX = [migrations.AddConstraint()]\n"
            )
        assert add_field.add(orders, label="orders", text=text) == []
        for path in (orders / "apps" / "orders").rglob("*.py"):
            ast.parse(path.read_text())
    migration = (orders / "apps" / "orders" / "migrations" / "0002_choice_three.py").read_text()
    assert "X = [AddConstraintNotValid()]" in migration


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("note:text", "rows that are there have no value: write note:text?"),
        ("buyer:user?", "a reference to an account needs rules of its own"),
        ("note:text? more:text?", "one field at a time"),
        ("customer:str?", "two fields or filters are named `customer`"),
        ("total_min:int?", "two fields or filters are named `total_min`"),
        ("note:prose?", "`prose` of the field `note` is not one of"),
    ],
)
def test_a_field_is_refused_with_the_reason(orders: Path, text: str, reason: str) -> None:
    before = tree_of(orders)
    with pytest.raises(Refused) as refused:
        add_field.add(orders, label="orders", text=text)
    assert reason in str(refused.value)
    assert tree_of(orders) == before


def test_what_is_not_found_is_left_to_the_user_and_what_is_needed_is_refused(orders: Path) -> None:
    folder = orders / "apps" / "orders"
    (folder / "filters.py").write_text("class OrderFilter:\n    customer = None\n")
    (folder / "examples.py").unlink()
    assert add_field.add(orders, label="orders", text="weight:decimal?") == [
        "apps/orders: filters.py has no OrderingFilter",
        "apps/orders: examples.py is missing",
    ]
    (folder / "serializers.py").write_text("")
    before = tree_of(orders)
    with pytest.raises(Refused, match=r"apps/orders/serializers\.py has no class OrderInput"):
        add_field.add(orders, label="orders", text="note:text?")
    with pytest.raises(Refused, match=r"there is no apps/things/models\.py"):
        add_field.add(orders, label="things", text="note:text?")
    assert tree_of(orders) == before
