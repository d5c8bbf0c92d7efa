"""Inboxes and notifications."""

import apps.common.database.ids
import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('users', '0005_roles'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Inbox',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('head', models.BigIntegerField(default=0, editable=False)),
                ('digest', models.CharField(choices=[('never', 'Never'), ('daily', 'Once a day'), ('weekly', 'Once a week')], default='daily', max_length=8)),
                ('muted_kinds', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, default=list, size=None)),
                ('digested_for', models.CharField(blank=True, default='', editable=False, max_length=10)),
                ('digested_seq', models.BigIntegerField(default=0, editable=False)),
            ],
            options={
                'verbose_name_plural': 'inboxes',
                'constraints': [models.CheckConstraint(condition=models.Q(('digest__in', ['never', 'daily', 'weekly'])), name='notifications_inbox_digest')],
            },
        ),
        migrations.CreateModel(
            name='Notification',
            fields=[
                ('id', models.UUIDField(default=apps.common.database.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('seq', models.BigIntegerField()),
                ('kind', models.CharField(max_length=64)),
                ('title', models.CharField(max_length=200)),
                ('body', models.CharField(blank=True, default='', max_length=500)),
                ('link', models.CharField(blank=True, default='', max_length=300)),
                ('data', models.JSONField(blank=True, default=dict)),
                ('key', models.CharField(blank=True, max_length=120, null=True)),
                ('read_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('user', '-seq'),
                'indexes': [models.Index(condition=models.Q(('read_at__isnull', True)), fields=['user', 'seq'], name='notifications_unread'), models.Index(fields=['created_at'], name='notifications_age')],
                'constraints': [models.UniqueConstraint(fields=('user', 'seq'), name='notifications_number'), models.UniqueConstraint(fields=('user', 'key'), name='notifications_once')],
            },
        ),
    ]
