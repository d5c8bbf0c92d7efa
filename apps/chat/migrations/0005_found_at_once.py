"""Find at once whether a message was posted before, and what a person has said, however much a room has seen.

Built beside the traffic, without holding up anyone who posts.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.conf import settings
from django.db import migrations, models

_BUILD = (
    # What an interrupted run has left behind is of no use.
    "DROP INDEX CONCURRENTLY IF EXISTS chat_message_once_new",
    "CREATE UNIQUE INDEX CONCURRENTLY chat_message_once_new ON chat_message ({columns}) NULLS NOT DISTINCT",
    "ALTER TABLE chat_message DROP CONSTRAINT chat_message_once,"
    " ADD CONSTRAINT chat_message_once UNIQUE USING INDEX chat_message_once_new",
)


def _build(*columns: str) -> tuple[str, ...]:
    return tuple(statement.format(columns=", ".join(columns)) for statement in _BUILD)


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('chat', '0004_search_in_small_portions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='message',
            index=models.Index(fields=['sender'], name='chat_message_sender'),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    _build("room_id", "client_id", "sender_id"), _build("room_id", "sender_id", "client_id")
                ),
            ],
            state_operations=[
                migrations.RemoveConstraint(model_name='message', name='chat_message_once'),
                migrations.AddConstraint(
                    model_name='message',
                    constraint=models.UniqueConstraint(
                        fields=('room', 'client_id', 'sender'), name='chat_message_once', nulls_distinct=False
                    ),
                ),
            ],
        ),
    ]
