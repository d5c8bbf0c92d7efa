"""The database function that posts: locks rooms, checks, numbers and stores drafts in one round trip and transaction."""

from django.db import migrations

# The lock is a separate statement: the next one gets its snapshot after the wait, and sees messages, removals and mutes
# committed meanwhile.
#
# The settings apply to the function only. Planning takes longer than posting and would be repeated each time; and a plan
# made for small tables must not use sequential scans when they have grown.
#
# Every draft is returned with its state: `fresh` or `known` (posted before) with its message, `muted` with the end of the
# mute, `stranger` (the sender is not a member), or `nowhere` (the room does not exist).
POST = """
CREATE FUNCTION chat_post(drafts json, rooms uuid[], moment timestamptz)
RETURNS TABLE ("position" int, state text, id uuid, seq bigint, text text, at timestamptz, sender_name text)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    PERFORM FROM chat_room WHERE id = ANY(rooms) ORDER BY id FOR NO KEY UPDATE;
    RETURN QUERY
    WITH draft AS (
        SELECT * FROM json_to_recordset(drafts)
            AS d (position int, room_id uuid, id uuid, sender_id uuid, client_id uuid, text text, reply_to_id uuid,
                  attachments jsonb, mentions uuid[])
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
        INSERT INTO chat_message (id, room_id, seq, sender_id, client_id, text, created_at, language, reply_to_id,
                                  attachments, mentions)
        SELECT id, room_id, seq, sender_id, client_id, text, moment, language::regconfig, reply_to_id, attachments,
               mentions
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


class Migration(migrations.Migration):
    dependencies = [("chat", "0005_found_at_once")]

    operations = [
        migrations.RunSQL(POST, "DROP FUNCTION chat_post(json, uuid[], timestamptz)"),
    ]
