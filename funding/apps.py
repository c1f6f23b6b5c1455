from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from park_portal.core.rooms import import_rooms


class FundingConfig(AppConfig):
    name = "funding"
    label = "funding"
    verbose_name = _("Funding")

    def ready(self) -> None:
        import_rooms("funding")
