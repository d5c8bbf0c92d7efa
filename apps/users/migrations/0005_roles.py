"""Roles become rows: the three that there were, ranked, and a foreign key from accounts to them."""

from typing import Any

import django.contrib.postgres.fields
import django.utils.timezone
from django.db import migrations, models

BUILT_IN = [("user", "User", 0, []), ("moderator", "Moderator", 50, []), ("admin", "Admin", 100, ["*"])]


def make_roles(apps: Any, schema_editor: Any) -> None:
    apps.get_model("users", "Role").objects.bulk_create(
        apps.get_model("users", "Role")(code=code, title=title, rank=rank, permissions=permissions)
        for code, title, rank, permissions in BUILT_IN
    )


class Migration(migrations.Migration):
    dependencies = [("users", "0004_second_factor")]

    operations = [
        migrations.CreateModel(
            name="Role",
            fields=[
                ("code", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=60)),
                ("rank", models.PositiveSmallIntegerField(unique=True)),
                (
                    "permissions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=80), blank=True, default=list, size=None
                    ),
                ),
                (
                    "offered",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=80),
                        blank=True,
                        default=list,
                        editable=False,
                        size=None,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "ordering": ("rank",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("code__regex", "^[a-z][a-z0-9_]{0,31}$")), name="users_role_code"
                    ),
                    models.CheckConstraint(condition=models.Q(("rank__lte", 100)), name="users_role_rank"),
                ],
            },
        ),
        migrations.RunPython(make_roles, migrations.RunPython.noop),
        migrations.RemoveConstraint(model_name="user", name="users_user_role_known"),
        migrations.AlterField(
            model_name="user", name="role", field=models.CharField(default="user", max_length=32)
        ),
        migrations.AddIndex(
            model_name="user", index=models.Index(fields=["role", "id"], name="users_user_role")
        ),
        migrations.RunSQL(
            "ALTER TABLE users_user ADD CONSTRAINT users_user_role_exists"
            " FOREIGN KEY (role) REFERENCES users_role (code)",
            "ALTER TABLE users_user DROP CONSTRAINT users_user_role_exists",
        ),
    ]
