"""Phone numbers can be looked up: a blind index beside them, filled for the numbers that there are."""

from typing import Any

from django.db import migrations, models

import apps.common.encryption.blind_indexes
import apps.users.phone_numbers


def fill(apps: Any, schema_editor: Any) -> None:
    for user in apps.get_model("users", "User").objects.filter(phone__isnull=False).only("phone").iterator():
        user.save(update_fields=["phone_index"])


class Migration(migrations.Migration):
    dependencies = [("users", "0007_identities")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="phone_index",
            field=apps.common.encryption.blind_indexes.BlindIndexField(
                normalise=apps.users.phone_numbers.canonical, source="phone"
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(("phone__isnull", True), ("phone_index__isnull", True))
                | models.Q(("phone__isnull", False), ("phone_index__isnull", False)),
                name="users_user_phone_indexed",
            ),
        ),
    ]
