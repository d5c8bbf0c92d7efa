"""Let the planner know how names and addresses are spread as they are searched, in capitals.

Without it any search is taken to find a handful, and one that finds half of all people looked at each of them first.
"""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [('users', '0008_phone_index')]

    operations = [
        migrations.RunSQL(
            f"CREATE STATISTICS users_user_{column}_searched ON (upper({column}::text)) FROM users_user",
            f"DROP STATISTICS users_user_{column}_searched",
        )
        for column in ("name", "email")
    ]
