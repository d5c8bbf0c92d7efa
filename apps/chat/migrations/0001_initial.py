"""Rooms, memberships, messages."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import apps.common.database.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Room",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=apps.common.database.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "slug",
                    models.CharField(
                        max_length=64,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\\Z", "Use a-z, 0-9 and dashes inside."
                            )
                        ],
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("is_private", models.BooleanField(default=False)),
                ("head", models.BigIntegerField(default=0, editable=False)),
            ],
            options={
                "ordering": ("slug",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("slug__regex", "^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$")),
                        name="chat_room_slug",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name__length__gt", 0)), name="chat_room_name"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=apps.common.database.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("seq", models.BigIntegerField()),
                ("client_id", models.UUIDField()),
                ("text", models.TextField(blank=True, max_length=4000)),
                ("created_at", models.DateTimeField()),
                ("edited_at", models.DateTimeField(blank=True, null=True)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "sender",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="chat.room",
                    ),
                ),
            ],
            options={
                "ordering": ("room", "seq"),
                "constraints": [
                    models.UniqueConstraint(fields=("room", "seq"), name="chat_message_number"),
                    models.UniqueConstraint(
                        fields=("room", "sender", "client_id"), name="chat_message_once", nulls_distinct=False
                    ),
                    models.CheckConstraint(condition=models.Q(("seq__gt", 0)), name="chat_message_seq"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("text__length__range", (1, 4000)),
                            models.Q(("deleted_at__isnull", False), ("text", "")),
                            _connector="OR",
                        ),
                        name="chat_message_text",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=apps.common.database.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "role",
                    models.CharField(
                        choices=[("owner", "Owner"), ("moderator", "Moderator"), ("member", "Member")],
                        default="member",
                        max_length=16,
                    ),
                ),
                ("read_seq", models.BigIntegerField(default=0)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="chat.room",
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
                "constraints": [
                    models.UniqueConstraint(fields=("room", "user"), name="chat_membership_once"),
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["owner", "moderator", "member"])),
                        name="chat_membership_role",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("read_seq__gte", 0)), name="chat_membership_read"
                    ),
                ],
            },
        ),
    ]
