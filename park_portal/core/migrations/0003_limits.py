from django.db import migrations


class Migration(migrations.Migration):
    """The table of Django's database cache in which attempts to sign in are counted."""

    dependencies = [("core", "0002_api")]

    operations = [
        migrations.RunSQL(
            sql="""
                CREATE TABLE core_limit (
                    cache_key varchar(255) NOT NULL PRIMARY KEY,
                    value text NOT NULL,
                    expires timestamp with time zone NOT NULL
                );
                CREATE INDEX core_limit_expires ON core_limit (expires);
            """,
            reverse_sql="DROP TABLE core_limit;",
        )
    ]
