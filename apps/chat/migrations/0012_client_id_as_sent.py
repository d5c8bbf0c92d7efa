"""Keep the spelling of a `client_id` that was not sent in the canonical form. `chat_post` stores it."""

from importlib import import_module

from django.db import migrations, models

# As in 0006_post, which explains it, but for `sent_as`.
POST = """
CREATE OR REPLACE FUNCTION chat_post(drafts json, rooms uuid[], moment timestamptz)
RETURNS TABLE ("position" int, state text, id uuid, seq bigint, text text, at timestamptz, sender_name text)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    PERFORM FROM chat_room WHERE id = ANY(rooms) ORDER BY id FOR NO KEY UPDATE;
    RETURN QUERY
    WITH draft AS (
        SELECT * FROM json_to_recordset(drafts)
            AS d (position int, room_id uuid, id uuid, sender_id uuid, client_id uuid, sent_as text, text text,
                  reply_to_id uuid, attachments jsonb, mentions uuid[])
    ), judged AS (
        SELECT draft.*, room.head, room.language, member.name, member.muted_until, known.id AS known_id,
               known.seq AS known_seq, known.text AS known_text, known.created_at AS known_at,
               CASE WHEN room.head IS NULL THEN 'nowhere'
                    WHEN draft.sender_id IS NOT NULL AND member.name IS NULL THEN 'stranger'
                    WHEN known.id IS NOT NULL THEN 'known'
                    WHEN member.muted_until > moment THEN 'muted'
                    ELSE 'fresh' END AS state
        FROM draft
        LEFT JOIN LATERAL (SELECT head, language FROM chat_room WHERE id = draft.room_id LIMIT 1) AS room ON TRUE
        LEFT JOIN LATERAL (
            SELECT users_user.name, muted_until
            FROM chat_membership JOIN users_user ON users_user.id = user_id
            WHERE room_id = draft.room_id AND user_id = draft.sender_id
            LIMIT 1
        ) AS member ON TRUE
        LEFT JOIN LATERAL (
            SELECT id, seq, text, created_at FROM chat_message
            WHERE room_id = draft.room_id AND client_id = draft.client_id
                AND sender_id IS NOT DISTINCT FROM draft.sender_id
            LIMIT 1
        ) AS known ON TRUE
    ), numbered AS (
        SELECT judged.*, head + row_number() OVER (PARTITION BY room_id, state ORDER BY position) AS seq FROM judged
    ), inserted AS (
        INSERT INTO chat_message (id, room_id, seq, sender_id, client_id, sent_as, text, created_at, language,
                                  reply_to_id, attachments, mentions)
        SELECT id, room_id, seq, sender_id, client_id, sent_as, text, moment, language::regconfig, reply_to_id,
               attachments, mentions
        FROM numbered WHERE state = 'fresh'
    ), advanced AS (
        UPDATE chat_room SET head = newest.seq
        FROM (SELECT room_id, max(seq) AS seq FROM numbered WHERE state = 'fresh' GROUP BY room_id) AS newest
        WHERE chat_room.id = newest.room_id
    )
    SELECT position, state,
           CASE state WHEN 'fresh' THEN id ELSE known_id END,
           CASE state WHEN 'fresh' THEN seq ELSE known_seq END,
           CASE state WHEN 'fresh' THEN text ELSE known_text END,
           CASE state WHEN 'fresh' THEN moment WHEN 'muted' THEN muted_until ELSE known_at END,
           name::text
    FROM numbered ORDER BY position;
END
$$;
"""
BEFORE = import_module("apps.chat.migrations.0006_post").POST.replace("CREATE", "CREATE OR REPLACE", 1)


class Migration(migrations.Migration):

    dependencies = [("chat", "0011_one_line_names")]

    operations = [
        migrations.AddField(
            model_name="message",
            name="sent_as",
            field=models.CharField(max_length=36, null=True, blank=True, editable=False),
        ),
        migrations.RunSQL(POST, BEFORE),
    ]
