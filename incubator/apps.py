from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from park_portal.core.rooms import import_rooms


class IncubatorConfig(AppConfig):
    """The park itself: organisations, research projects, and later tenants, spaces and services."""

    name = "incubator"
    label = "incubator"
    verbose_name = _("Park")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_rooms("incubator")
