"""Set the room as the scope of notifications that quote it, so that they are deleted with the right to read it."""

from django.db import migrations

FILL = """
UPDATE notifications_notification SET scope = 'chat.room:' || room.id
FROM chat_room room
WHERE scope IS NULL AND kind IN ('chat.mention', 'chat.reply', 'chat.added') AND data ->> 'room' = room.slug
"""


class Migration(migrations.Migration):

    dependencies = [("chat", "0008_search_and_unread"), ("notifications", "0003_scope")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
