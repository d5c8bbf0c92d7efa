"""EncryptedCharField on a real table: every way in and out, and values that were moved or damaged."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError, ValidationError
from django.core.management import CommandError, call_command
from django.db import connection, models, transaction
from django.db.models import F, Max
from django.db.models.functions import Lower
from django.test.utils import isolate_apps
from rest_framework.serializers import ModelSerializer

from apps.common.encryption import rotation
from apps.common.encryption.fields import EncryptedCharField, Sealed
from apps.common.models import BaseModel
from infrastructure.crypto import DecryptionError

pytestmark = pytest.mark.django_db

with isolate_apps("apps.common"):

    class Person(BaseModel):
        name = models.CharField(max_length=20, default="")
        phone = EncryptedCharField(max_length=32, null=True, blank=True, db_column="tel")

        class Meta:
            app_label = "common"
            db_table = "test_person"

    class Letter(BaseModel):
        person = models.ForeignKey(Person, on_delete=models.CASCADE)

        class Meta:
            app_label = "common"
            db_table = "test_letter"

    class Numbered(models.Model):
        phone = EncryptedCharField(max_length=32)

        class Meta:
            app_label = "common"
            db_table = "test_numbered"

        def __str__(self) -> str:
            return str(self.pk)


@pytest.fixture(autouse=True)
def _tables(db):
    with connection.schema_editor() as editor:
        for model in (Person, Letter, Numbered):
            editor.create_model(model)


def stored(person):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tel FROM test_person WHERE id = %s", [person.pk])
        return cursor.fetchone()[0]


def put(person, text):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE test_person SET tel = %s WHERE id = %s", [text, person.pk])


class TestWaysInAndOut:
    def test_create_and_read(self):
        person = Person.objects.create(phone="+49 30 1234")
        assert person.phone == "+49 30 1234"
        assert "1234" not in stored(person)
        assert stored(person).startswith("gAAAAA")
        assert Person.objects.get(pk=person.pk).phone == "+49 30 1234"

    @pytest.mark.parametrize("value", [None, "", "ж" * 32, "a b\nc"])
    def test_any_text_and_none(self, value):
        person = Person.objects.create(phone=value)
        person.refresh_from_db()
        assert person.phone == value
        assert (stored(person) is None) is (value is None)

    def test_bulk_create(self):
        people = Person.objects.bulk_create(Person(phone=str(number)) for number in range(5))
        assert {person.phone for person in Person.objects.filter(pk__in=[p.pk for p in people])} == set(
            "01234"
        )

    def test_save_again(self):
        person = Person.objects.create(phone="1")
        person.phone = "2"
        person.save(update_fields=["phone"])
        assert Person.objects.get().phone == "2"

    def test_deferred(self, django_assert_num_queries):
        Person.objects.create(phone="1")
        with django_assert_num_queries(1):
            person = Person.objects.defer("phone").get()
        with django_assert_num_queries(1):
            assert person.phone == "1"
        assert Person.objects.only("phone").get().phone == "1"

    def test_values_and_joins(self):
        person = Person.objects.create(phone="1")
        Letter.objects.create(person=person)
        assert Person.objects.values("phone").get() == {"phone": "1"}
        assert list(Person.objects.values_list("phone", flat=True)) == ["1"]
        assert Letter.objects.select_related("person").get().person.phone == "1"
        assert Letter.objects.values("person__phone").get() == {"person__phone": "1"}
        assert Person.objects.annotate(again=F("phone")).get().again == "1"

    def test_isnull_and_clearing(self):
        person = Person.objects.create(phone="1")
        assert Person.objects.filter(phone__isnull=False).count() == 1
        assert Person.objects.update(phone=None) == 1
        assert stored(person) is None

    def test_serializers_see_a_text_of_that_length(self):
        class PersonSerializer(ModelSerializer):
            class Meta:
                model = Person
                fields = ["phone"]

        assert PersonSerializer(data={"phone": "x" * 32}).is_valid()
        assert not PersonSerializer(data={"phone": "x" * 33}).is_valid()

    def test_the_migration_knows_it(self):
        name, path, _, options = Person._meta.get_field("phone").deconstruct()
        assert (name, path) == ("phone", "apps.common.encryption.fields.EncryptedCharField")
        assert options == {"max_length": 32, "null": True, "blank": True, "db_column": "tel"}
        assert Person._meta.get_field("phone").db_type(connection) == "text"


class TestStrictness:
    def test_a_value_of_another_row_is_refused_wherever_it_is_read(self):
        mine, other = Person.objects.create(phone="1"), Person.objects.create(phone="2")
        put(mine, stored(other))
        for read in (
            lambda: Person.objects.get(pk=mine.pk),
            lambda: Person.objects.values("phone").get(pk=mine.pk),
            lambda: Person.objects.values_list("phone").get(pk=mine.pk),
            lambda: Person.objects.defer("phone").get(pk=mine.pk).phone,
            mine.refresh_from_db,
        ):
            with pytest.raises(DecryptionError):
                read()
        assert Person.objects.get(pk=other.pk).phone == "2"

    @pytest.mark.parametrize("text", ["+49 30 1234", "", "gAAAAABplain"])
    def test_plain_text_in_the_column_is_never_returned(self, text):
        person = Person.objects.create(phone="1")
        put(person, text)
        with pytest.raises(DecryptionError):
            Person.objects.get()

    def test_raw_sql_has_no_row_to_check(self):
        Person.objects.create(phone="1")
        with pytest.raises(DecryptionError, match="without the key of its row"):
            list(Person.objects.raw("SELECT id, tel FROM test_person"))

    def test_update_cannot_seal(self):
        person = Person.objects.create(phone="1")
        for write in (
            lambda: Person.objects.update(phone="2"),
            lambda: Person.objects.bulk_update([person], ["phone"]),
            lambda: Person.objects.filter(name="").update(phone=F("name")),
        ):
            with pytest.raises(FieldError), transaction.atomic():
                write()
        assert Person.objects.get().phone == "1"

    @pytest.mark.parametrize(
        "search", [{"phone": "1"}, {"phone__icontains": "1"}, {"phone__in": ["1"]}, {"phone__lower": "1"}]
    )
    def test_nothing_can_be_searched_by_it(self, search):
        with pytest.raises(FieldError):
            Person.objects.filter(**search).exists()

    def test_nothing_can_be_computed_from_it(self):
        Person.objects.create(phone="1")
        with pytest.raises(FieldError, match="expressions"):
            Person.objects.aggregate(Max("phone"))
        with pytest.raises(FieldError, match="expressions"):
            list(Person.objects.annotate(low=Lower("phone")))

    def test_a_row_without_a_key_cannot_be_sealed(self):
        with pytest.raises(FieldError, match="not known yet"), transaction.atomic():
            Numbered.objects.create(phone="1")
        assert Numbered.objects.create(pk=5, phone="1").phone == "1"
        assert Numbered.objects.get().phone == "1"

    def test_too_long(self):
        with pytest.raises(FieldError, match="longer than 32"), transaction.atomic():
            Person.objects.create(phone="x" * 33)
        with pytest.raises(ValidationError):
            Person(phone="x" * 33).full_clean()


class TestRotation:
    @pytest.fixture
    def old(self, settings):
        return settings.FIELD_ENCRYPTION_KEYS[0]

    @pytest.fixture
    def fields(self, monkeypatch):
        monkeypatch.setattr(rotation, "encrypted_fields", lambda: [Person._meta.get_field("phone")])

    def test_everything_moves_to_the_new_key(self, settings, old, fields, capsys):
        for number in range(7):
            Person.objects.create(phone=str(number))
        Person.objects.create(phone=None)
        new = Fernet.generate_key().decode()
        settings.FIELD_ENCRYPTION_KEYS = (new, old)
        call_command("rotate_field_keys", "--batch", "3")
        assert capsys.readouterr().out.splitlines() == [
            "test_person.tel: 3 of 7, 3 rotated",
            "test_person.tel: 6 of 7, 6 rotated",
            "test_person.tel: 7 of 7, 7 rotated",
            "All values are encrypted with the first key.",
        ]
        settings.FIELD_ENCRYPTION_KEYS = (new,)
        assert sorted(Person.objects.exclude(phone__isnull=True).values_list("phone", flat=True)) == list(
            "0123456"
        )
        call_command("rotate_field_keys")
        assert "test_person.tel: 7 of 7, 0 rotated" in capsys.readouterr().out

    def test_it_goes_on_where_it_was_interrupted(self, settings, old, fields, capsys, monkeypatch):
        for number in range(4):
            Person.objects.create(phone=str(number))
        settings.FIELD_ENCRYPTION_KEYS = (Fernet.generate_key().decode(), old)
        real = rotation.rotate

        def interrupted(*args, **options):
            yield next(real(*args, **options))
            raise KeyboardInterrupt

        monkeypatch.setattr(rotation, "rotate", interrupted)
        with pytest.raises(CommandError) as caught:
            call_command("rotate_field_keys", "--batch", "1")
        assert caught.value.returncode == 130
        monkeypatch.setattr(rotation, "rotate", real)
        call_command("rotate_field_keys")
        assert "4 of 4, 3 rotated" in capsys.readouterr().out

    def test_values_that_do_not_decrypt_are_named_and_left(self, settings, old, fields, capsys):
        good, bad = Person.objects.create(phone="1"), Person.objects.create(phone="2")
        put(bad, "damaged")
        settings.FIELD_ENCRYPTION_KEYS = (Fernet.generate_key().decode(), old)
        with pytest.raises(CommandError, match="1 values do not decrypt"):
            call_command("rotate_field_keys")
        assert capsys.readouterr().err == f"test_person.tel: row {bad.pk} does not decrypt.\n"
        assert stored(bad) == "damaged"
        assert Person.objects.get(pk=good.pk).phone == "1"

    def test_a_value_that_changes_meanwhile_is_kept(self, settings, old, fields):
        person = Person.objects.create(phone="1")
        column = Person._meta.get_field("phone")
        seen = stored(person)
        person.phone = "2"
        person.save()
        rows = Person._base_manager.annotate(stored_text=rotation._stored_text(column))
        assert rows.filter(stored_text=seen).update(phone=Sealed("x")) == 0

    def test_all_encrypted_fields_are_found(self):
        found = rotation.encrypted_fields()
        assert all(isinstance(field, EncryptedCharField) for field in found)
        assert found == sorted(found, key=lambda field: (field.model._meta.db_table, field.name))
