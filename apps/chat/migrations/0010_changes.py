"""Number edits and deletions in their room, so that they can be replayed. Earlier changes have no number."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [("chat", "0009_scope_of_notifications")]

    operations = [
        migrations.AddField(
            model_name="room",
            name="changes",
            field=models.BigIntegerField(default=0, db_default=0, editable=False),
        ),
        migrations.AddField(
            model_name="message",
            name="change",
            field=models.BigIntegerField(null=True, editable=False),
        ),
        migrations.AddField(
            model_name="message",
            name="changed_at_head",
            field=models.BigIntegerField(null=True, editable=False),
        ),
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                fields=["room", "change"],
                name="chat_message_change",
                condition=models.Q(change__isnull=False),
            ),
        ),
    ]
