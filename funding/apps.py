from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from park_portal.core.rooms import import_rooms


class FundingConfig(AppConfig):
    name = "funding"
    label = "funding"
    verbose_name = _("Funding")

    def ready(self) -> None:
        import_rooms("funding")
        # Imported once the models are loaded.
        from funding.reviews.pledge import load_pledge

        post_migrate.connect(load_pledge, sender=self, dispatch_uid="funding.load_pledge")
