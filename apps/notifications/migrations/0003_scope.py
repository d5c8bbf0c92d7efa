"""Add the scope that a user must be able to read, and indexes by scope and key to retract many at once."""

from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('notifications', '0002_about'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='notification',
            name='scope',
            field=models.CharField(blank=True, editable=False, max_length=120, null=True),
        ),
        AddIndexConcurrently(
            model_name='notification',
            index=models.Index(condition=models.Q(('key__isnull', False)), fields=['key'], name='notifications_key'),
        ),
        AddIndexConcurrently(
            model_name='notification',
            index=models.Index(condition=models.Q(('scope__isnull', False)), fields=['scope', 'user'], name='notifications_scope'),
        ),
    ]
