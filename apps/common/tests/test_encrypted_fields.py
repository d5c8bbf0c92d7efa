"""EncryptedCharField on a real table: writing, reading, and copied or damaged values."""

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

    class Contact(BaseModel):
        name = models.CharField(max_length=20, default="")
        phone = EncryptedCharField(max_length=32, null=True, blank=True, db_column="tel")

        class Meta:
            app_label = "common"
            db_table = "test_contact"

    class Message(BaseModel):
        contact = models.ForeignKey(Contact, on_delete=models.CASCADE)

        class Meta:
            app_label = "common"
            db_table = "test_message"

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
        for model in (Contact, Message, Numbered):
            editor.create_model(model)


def stored(contact):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tel FROM test_contact WHERE id = %s", [contact.pk])
        return cursor.fetchone()[0]


def put(contact, text):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE test_contact SET tel = %s WHERE id = %s", [text, contact.pk])


class TestWritingAndReading:
    def test_create_and_read(self):
        contact = Contact.objects.create(phone="+49 30 1234")
        assert contact.phone == "+49 30 1234"
        assert "1234" not in stored(contact)
        assert stored(contact).startswith("gAAAAA")
        assert Contact.objects.get(pk=contact.pk).phone == "+49 30 1234"

    @pytest.mark.parametrize("value", [None, "", "ж" * 32, "a b\nc"])
    def test_any_text_and_none(self, value):
        contact = Contact.objects.create(phone=value)
        contact.refresh_from_db()
        assert contact.phone == value
        assert (stored(contact) is None) is (value is None)

    def test_bulk_create(self):
        contacts = Contact.objects.bulk_create(Contact(phone=str(number)) for number in range(5))
        assert {contact.phone for contact in Contact.objects.filter(pk__in=[p.pk for p in contacts])} == set(
            "01234"
        )

    def test_saving_again_encrypts_again(self):
        contact = Contact.objects.create(phone="1")
        contact.phone = "2"
        contact.save(update_fields=["phone"])
        assert Contact.objects.get().phone == "2"

    def test_deferred_fields(self, django_assert_num_queries):
        Contact.objects.create(phone="1")
        with django_assert_num_queries(1):
            contact = Contact.objects.defer("phone").get()
        with django_assert_num_queries(1):
            assert contact.phone == "1"
        assert Contact.objects.only("phone").get().phone == "1"

    def test_values_and_joins(self):
        contact = Contact.objects.create(phone="1")
        Message.objects.create(contact=contact)
        assert Contact.objects.values("phone").get() == {"phone": "1"}
        assert list(Contact.objects.values_list("phone", flat=True)) == ["1"]
        assert Message.objects.select_related("contact").get().contact.phone == "1"
        assert Message.objects.values("contact__phone").get() == {"contact__phone": "1"}
        assert Contact.objects.annotate(again=F("phone")).get().again == "1"

    def test_isnull_and_clearing(self):
        contact = Contact.objects.create(phone="1")
        assert Contact.objects.filter(phone__isnull=False).count() == 1
        assert Contact.objects.update(phone=None) == 1
        assert stored(contact) is None

    def test_serializers_see_a_text_of_that_length(self):
        class PersonSerializer(ModelSerializer):
            class Meta:
                model = Contact
                fields = ["phone"]

        assert PersonSerializer(data={"phone": "x" * 32}).is_valid()
        assert not PersonSerializer(data={"phone": "x" * 33}).is_valid()

    def test_a_migration_can_recreate_the_field(self):
        name, path, _, options = Contact._meta.get_field("phone").deconstruct()
        assert (name, path) == ("phone", "apps.common.encryption.fields.EncryptedCharField")
        assert options == {"max_length": 32, "null": True, "blank": True, "db_column": "tel"}
        assert Contact._meta.get_field("phone").db_type(connection) == "text"


class TestStrictness:
    def test_a_value_of_another_row_is_refused_by_every_read(self):
        mine, other = Contact.objects.create(phone="1"), Contact.objects.create(phone="2")
        put(mine, stored(other))
        for read in (
            lambda: Contact.objects.get(pk=mine.pk),
            lambda: Contact.objects.values("phone").get(pk=mine.pk),
            lambda: Contact.objects.values_list("phone").get(pk=mine.pk),
            lambda: Contact.objects.defer("phone").get(pk=mine.pk).phone,
            mine.refresh_from_db,
        ):
            with pytest.raises(DecryptionError):
                read()
        assert Contact.objects.get(pk=other.pk).phone == "2"

    @pytest.mark.parametrize("text", ["+49 30 1234", "", "gAAAAABplain"])
    def test_plain_text_in_the_column_is_never_returned(self, text):
        contact = Contact.objects.create(phone="1")
        put(contact, text)
        with pytest.raises(DecryptionError):
            Contact.objects.get()

    def test_raw_sql_without_the_key_of_the_row_is_refused(self):
        Contact.objects.create(phone="1")
        with pytest.raises(DecryptionError, match="without the key of its row"):
            list(Contact.objects.raw("SELECT id, tel FROM test_contact"))

    def test_update_of_a_value_is_refused(self):
        contact = Contact.objects.create(phone="1")
        for write in (
            lambda: Contact.objects.update(phone="2"),
            lambda: Contact.objects.bulk_update([contact], ["phone"]),
            lambda: Contact.objects.filter(name="").update(phone=F("name")),
        ):
            with pytest.raises(FieldError), transaction.atomic():
                write()
        assert Contact.objects.get().phone == "1"

    @pytest.mark.parametrize(
        "search", [{"phone": "1"}, {"phone__icontains": "1"}, {"phone__in": ["1"]}, {"phone__lower": "1"}]
    )
    def test_searches_are_refused(self, search):
        with pytest.raises(FieldError):
            Contact.objects.filter(**search).exists()

    def test_expressions_are_refused(self):
        Contact.objects.create(phone="1")
        with pytest.raises(FieldError, match="expressions"):
            Contact.objects.aggregate(Max("phone"))
        with pytest.raises(FieldError, match="expressions"):
            list(Contact.objects.annotate(low=Lower("phone")))

    def test_a_row_without_a_key_is_refused(self):
        with pytest.raises(FieldError, match="not known yet"), transaction.atomic():
            Numbered.objects.create(phone="1")
        assert Numbered.objects.create(pk=5, phone="1").phone == "1"
        assert Numbered.objects.get().phone == "1"

    def test_longer_texts_are_refused(self):
        with pytest.raises(FieldError, match="longer than 32"), transaction.atomic():
            Contact.objects.create(phone="x" * 33)
        with pytest.raises(ValidationError):
            Contact(phone="x" * 33).full_clean()


class TestRotation:
    @pytest.fixture
    def old(self, settings):
        return settings.FIELD_ENCRYPTION_KEYS[0]

    @pytest.fixture
    def fields(self, monkeypatch):
        monkeypatch.setattr(rotation, "encrypted_fields", lambda: [Contact._meta.get_field("phone")])

    def test_all_values_are_encrypted_with_the_new_key(self, settings, old, fields, capsys):
        for number in range(7):
            Contact.objects.create(phone=str(number))
        Contact.objects.create(phone=None)
        new = Fernet.generate_key().decode()
        settings.FIELD_ENCRYPTION_KEYS = (new, old)
        call_command("rotate_field_keys", "--batch", "3")
        assert capsys.readouterr().out.splitlines() == [
            "test_contact.tel: 3 of 7, 3 rotated",
            "test_contact.tel: 6 of 7, 6 rotated",
            "test_contact.tel: 7 of 7, 7 rotated",
            "All values are encrypted with the first key.",
        ]
        settings.FIELD_ENCRYPTION_KEYS = (new,)
        assert sorted(Contact.objects.exclude(phone__isnull=True).values_list("phone", flat=True)) == list(
            "0123456"
        )
        call_command("rotate_field_keys")
        assert "test_contact.tel: 7 of 7, 0 rotated" in capsys.readouterr().out

    def test_an_interrupted_rotation_continues(self, settings, old, fields, capsys, monkeypatch):
        for number in range(4):
            Contact.objects.create(phone=str(number))
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

    def test_values_that_do_not_decrypt_are_reported_and_kept(self, settings, old, fields, capsys):
        good, bad = Contact.objects.create(phone="1"), Contact.objects.create(phone="2")
        put(bad, "damaged")
        settings.FIELD_ENCRYPTION_KEYS = (Fernet.generate_key().decode(), old)
        with pytest.raises(CommandError, match="1 values do not decrypt"):
            call_command("rotate_field_keys")
        assert capsys.readouterr().err == f"test_contact.tel: row {bad.pk} does not decrypt.\n"
        assert stored(bad) == "damaged"
        assert Contact.objects.get(pk=good.pk).phone == "1"

    def test_a_value_that_changes_during_the_rotation_is_kept(self, settings, old, fields):
        contact = Contact.objects.create(phone="1")
        column = Contact._meta.get_field("phone")
        seen = stored(contact)
        contact.phone = "2"
        contact.save()
        rows = Contact._base_manager.annotate(stored_text=rotation._stored_text(column))
        assert rows.filter(stored_text=seen).update(phone=Sealed("x")) == 0

    def test_all_encrypted_fields_are_found(self):
        found = rotation.encrypted_fields()
        assert all(isinstance(field, EncryptedCharField) for field in found)
        assert found == sorted(found, key=lambda field: (field.model._meta.db_table, field.name))
