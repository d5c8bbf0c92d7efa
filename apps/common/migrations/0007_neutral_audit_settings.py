"""Renames the settings that allow changes of the audit log to `append_only.…`; the former names still work."""

from django.db import migrations

from infrastructure.product import PRODUCT


def guard(*, slugs: tuple[str, ...]) -> str:
    retention = ["append_only.retention", *(f"{slug}.audit_retention" for slug in slugs)]
    truncate = ["append_only.truncate", *(f"{slug}.audit_truncate" for slug in slugs)]
    return f"""
CREATE OR REPLACE FUNCTION common_auditevent_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND ({_is_on(retention)})
        AND OLD.at < statement_timestamp() - interval '30 days' THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'TRUNCATE' AND ({_is_on(truncate)}) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'The audit log is append-only: % refused.', TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
"""


def _is_on(names: list[str]) -> str:
    return " OR ".join(f"current_setting('{name}', true) = 'on'" for name in names)


class Migration(migrations.Migration):
    dependencies = [("common", "0006_longer_request_ids")]

    operations = [migrations.RunSQL(guard(slugs=PRODUCT.formerly), migrations.RunSQL.noop)]
