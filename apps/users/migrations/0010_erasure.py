"""When an account is erased, and whether what it posted goes as well."""


from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('users', '0009_searched_names'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='erase_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='user',
            name='erase_content',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(condition=models.Q(('erase_at__isnull', False)), fields=['erase_at'], name='users_user_erase_at'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('erase_at', None), ('is_active', False), _connector='OR'), name='users_user_erase_at_inactive'),
        ),
    ]
