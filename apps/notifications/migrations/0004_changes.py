"""Number changes and removals for each user, so that they can be replayed. Earlier ones have no number."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("notifications", "0003_scope"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="inbox",
            name="changes",
            field=models.BigIntegerField(default=0, db_default=0, editable=False),
        ),
        migrations.AddField(
            model_name="notification",
            name="change",
            field=models.BigIntegerField(null=True, editable=False),
        ),
        migrations.AddField(
            model_name="notification",
            name="changed_at_head",
            field=models.BigIntegerField(null=True, editable=False),
        ),
        AddIndexConcurrently(
            model_name="notification",
            index=models.Index(
                fields=["user", "change"],
                name="notifications_change",
                condition=models.Q(change__isnull=False),
            ),
        ),
        migrations.CreateModel(
            name="RemovedNotification",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("seq", models.BigIntegerField()),
                ("change", models.BigIntegerField()),
                ("changed_at_head", models.BigIntegerField()),
                ("removed_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["removed_at"], name="notifications_removed_age")],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "change"), name="notifications_removed_change")
                ],
            },
        ),
    ]
