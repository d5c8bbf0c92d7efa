"""BlindIndexField on a real table: search, updates and rotation."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction
from django.db.models import F, Q
from django.test.utils import isolate_apps

from apps.common.encryption import rotation
from apps.common.encryption.blind_indexes import BlindIndexField
from apps.common.encryption.fields import EncryptedCharField
from apps.common.models import BaseModel

pytestmark = pytest.mark.django_db


def without_spaces(text: str) -> str:
    return text.replace(" ", "")


with isolate_apps("apps.common"):

    class Widget(BaseModel):
        name = models.CharField(max_length=20, default="")
        mark = EncryptedCharField(max_length=32, null=True, db_column="sign")
        mark_index = BlindIndexField(source="mark", normalise=without_spaces)

        class Meta:
            app_label = "common"
            db_table = "test_widget"
            constraints = (
                models.CheckConstraint(
                    condition=Q(mark__isnull=True, mark_index__isnull=True)
                    | Q(mark__isnull=False, mark_index__isnull=False),
                    name="test_widget_indexed",
                ),
            )


@pytest.fixture(autouse=True)
def _tables(db):
    with connection.schema_editor() as editor:
        editor.create_model(Widget)


def found(mark):
    return sorted(Widget.objects.filter(mark_index=mark).values_list("name", flat=True))


def test_rows_are_found_by_their_value_alone():
    Widget.objects.create(name="a", mark="1 2 3")
    Widget.objects.bulk_create([Widget(name="b", mark="123"), Widget(name="c", mark="124"), Widget(name="d")])
    assert found("12 3") == ["a", "b"]
    assert found("124") == ["c"]
    assert found("12") == found("") == []
    assert Widget.objects.get(mark_index__isnull=True).name == "d"
    assert Widget.objects.filter(mark_index=None).get().name == "d"
    assert not Widget.objects.exclude(mark_index="123").filter(name__in="ab").exists()
    # The table has neither the value nor a plain hash of it.
    with connection.cursor() as cursor:
        cursor.execute("SELECT mark_index FROM test_widget WHERE name IN ('a', 'b')")
        digests = {bytes(row[0]) for row in cursor.fetchall()}
    assert {len(digest) for digest in digests} == {16}
    assert len(digests) == 1


def test_an_index_serves_the_search(django_assert_num_queries):
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'test_widget'")
        assert any("(mark_index)" in row[0] for row in cursor.fetchall())
    with django_assert_num_queries(1):
        assert found("1") == []


def test_saving_the_source_updates_the_index():
    widget = Widget.objects.create(name="a", mark="1")
    widget.mark = "2"
    widget.save()
    assert (found("1"), found("2")) == ([], ["a"])
    widget.mark = "3"
    with pytest.raises(FieldError, match="saved along"):
        widget.save(update_fields=["mark"])
    assert found("2") == ["a"]
    widget.save(update_fields=["mark", "mark_index"])
    assert found("3") == ["a"]
    widget.mark = None
    widget.save()
    assert Widget.objects.filter(mark__isnull=True, mark_index=None).exists()


def test_a_deferred_source_keeps_the_index(django_assert_num_queries):
    widget = Widget.objects.create(name="a", mark="1")
    some = Widget.objects.defer("mark").get(pk=widget.pk)
    some.name = "b"
    with django_assert_num_queries(1):
        some.save()
    assert found("1") == ["b"]


def test_inconsistent_writes_are_refused():
    widget = Widget.objects.create(mark="1")
    with pytest.raises(IntegrityError, match="test_widget_indexed"), transaction.atomic():
        Widget.objects.update(mark=None)
    Widget.objects.filter(pk=widget.pk).update(mark=None, mark_index=None)
    for value in (b"0" * 16, "1"):
        with pytest.raises(FieldError, match="filled from mark"):
            Widget.objects.update(mark_index=value)


@pytest.mark.parametrize(
    "search",
    [
        {"mark_index__contains": "1"},
        {"mark_index__in": ["1"]},
        {"mark_index__gt": "1"},
        {"mark_index": 1},
        {"mark_index": b"0" * 16},
        {"mark_index": F("name")},
    ],
)
def test_other_searches_are_refused(search):
    with pytest.raises(FieldError):
        list(Widget.objects.filter(**search))


def test_a_migration_can_recreate_the_field():
    field = Widget._meta.get_field("mark_index")
    _, path, args, kwargs = field.deconstruct()
    again = BlindIndexField(*args, **kwargs)
    assert path == "apps.common.encryption.blind_indexes.BlindIndexField"
    assert (again.source, again.normalise, again.null, again.editable) == (
        "mark",
        without_spaces,
        True,
        False,
    )


class TestRotation:
    @pytest.fixture
    def keys(self, settings, monkeypatch):
        """The old key, and a new key before it."""
        monkeypatch.setattr(rotation, "encrypted_fields", lambda: [Widget._meta.get_field("mark")])
        old, new = settings.FIELD_ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
        for number in range(5):
            Widget.objects.create(name=str(number), mark=str(number))
        settings.FIELD_ENCRYPTION_KEYS = (new, old)
        return old, new

    def test_rows_are_found_before_during_and_after_a_rotation(self, keys, settings, capsys):
        Widget.objects.create(name="fresh", mark="3")
        assert found("3") == ["3", "fresh"]
        progress = rotation.rotate(Widget._meta.get_field("mark"), batch=2)
        next(progress)
        assert [found(str(number)) for number in (0, 3, 4)] == [["0"], ["3", "fresh"], ["4"]]
        progress.close()
        call_command("rotate_field_keys", "--batch", "3")
        assert capsys.readouterr().out.splitlines()[-2:] == [
            "test_widget.sign: 6 of 6, 3 rotated",
            "All values are encrypted with the first key.",
        ]
        settings.FIELD_ENCRYPTION_KEYS = (keys[1],)
        assert found("3") == ["3", "fresh"]
        assert sorted(Widget.objects.values_list("mark", flat=True)) == ["0", "1", "2", "3", "3", "4"]
        call_command("rotate_field_keys")
        assert "6 of 6, 0 rotated" in capsys.readouterr().out

    def test_a_rotation_corrects_a_wrong_index(self, keys, capsys):
        call_command("rotate_field_keys")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE test_widget SET mark_index = '\\x00' WHERE name = '1'")
        assert found("1") == []
        call_command("rotate_field_keys")
        assert "5 of 5, 1 rotated" in capsys.readouterr().out
        assert found("1") == ["1"]
