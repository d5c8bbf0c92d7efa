"""The audit log, and the triggers that keep it append-only."""

import django.utils.timezone
from django.db import migrations, models

import apps.common.database.ids

# Protects against bugs, ORM calls and injected statements, not against users who can run any SQL. Rows of the last 30 days
# cannot be deleted. Only the settings of the test database allow TRUNCATE.
GUARD = """
CREATE FUNCTION common_auditevent_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('append_only.retention', true) = 'on'
        AND OLD.at < statement_timestamp() - interval '30 days' THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'TRUNCATE' AND current_setting('append_only.truncate', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'The audit log is append-only: % refused.', TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER common_auditevent_rows BEFORE UPDATE OR DELETE ON common_auditevent
    FOR EACH ROW EXECUTE FUNCTION common_auditevent_guard();
CREATE TRIGGER common_auditevent_table BEFORE TRUNCATE ON common_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION common_auditevent_guard();
"""
UNGUARD = """
DROP TRIGGER common_auditevent_table ON common_auditevent;
DROP TRIGGER common_auditevent_rows ON common_auditevent;
DROP FUNCTION common_auditevent_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("common", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=apps.common.database.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("action", models.CharField(max_length=80)),
                ("actor_id", models.UUIDField(blank=True, null=True)),
                ("target", models.CharField(blank=True, default="", max_length=40)),
                ("target_id", models.CharField(blank=True, default="", max_length=64)),
                ("network", models.CharField(blank=True, default="", max_length=64)),
                ("request_id", models.CharField(blank=True, default="", max_length=64)),
                ("details", models.JSONField(default=dict)),
            ],
            options={
                "ordering": ("-at", "-id"),
                "indexes": [
                    models.Index(fields=["-at", "-id"], name="audit_newest"),
                    models.Index(fields=["action", "-at", "-id"], name="audit_by_action"),
                    models.Index(fields=["actor_id", "-at", "-id"], name="audit_by_actor"),
                    models.Index(fields=["target", "target_id", "-at", "-id"], name="audit_by_target"),
                ],
            },
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
