"""Names of services are one visible line (a rule of forms; nothing changes in the database)."""

from __future__ import annotations

from django.db import migrations, models

from apps.common.text import validate_line


class Migration(migrations.Migration):
    dependencies = [("api", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="servicekey",
            name="name",
            field=models.CharField(
                help_text="the service that uses it; rates count by this name",
                max_length=64,
                validators=[validate_line],
            ),
        ),
    ]
