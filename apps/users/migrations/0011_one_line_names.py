"""Names of accounts and titles of roles are one visible line."""

from __future__ import annotations

from typing import Any, Final

from django.db import migrations, models

from apps.common.text import fit_line, validate_line

_LINE: Final = (
    r"^[^\u0001-\u001f\u007f-\u009f\u2028\u2029]*[^\u0001-\u001f\u007f-\u009f\u2028\u2029\u0020\u00a0"
    r"\u1680\u2000-\u200a\u202f\u205f\u3000\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-"
    r"\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff\u2800\U0001d159\ufffc][^\u0001-\u001f\u007f-\u009f\u2028"
    r"\u2029]*$"
)


def mend(apps: Any, schema_editor: Any) -> None:
    """Bring what was stored before into one visible line."""
    rows = apps.get_model("users", "User").objects.using(schema_editor.connection.alias)
    for pk, name in rows.exclude(name__regex=_LINE).values_list("pk", "name"):
        rows.filter(pk=pk).update(name=fit_line(name, 100) or "Unnamed")


class Migration(migrations.Migration):
    dependencies = [("users", "0010_erasure")]

    operations = [
        migrations.AlterField("role", "title", models.CharField(max_length=60, validators=[validate_line])),
        migrations.AlterField("user", "name", models.CharField(max_length=100, validators=[validate_line])),
        migrations.RunPython(mend, migrations.RunPython.noop, elidable=True),
        migrations.AddConstraint(
            "user",
            models.CheckConstraint(condition=models.Q(name__regex=_LINE), name="users_user_name_line"),
        ),
    ]
