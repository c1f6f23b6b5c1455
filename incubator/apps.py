from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IncubatorConfig(AppConfig):
    """The park itself: organisations, research projects, and later tenants, spaces and services."""

    name = "incubator"
    label = "incubator"
    verbose_name = _("Park")
    default_auto_field = "django.db.models.BigAutoField"
