from __future__ import annotations

from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.core.cache import caches
from django.db.models.signals import post_migrate
from django.utils.connection import ConnectionProxy
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    name = "park_portal.core"
    label = "core"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Portal")

    def ready(self) -> None:
        # Imports wait until the models are loaded.
        from park_portal.core.rights import rights_after_migrate
        from park_portal.core.rooms import import_rooms

        import_rooms("park_portal.core")
        import_module("park_portal.core.accounts.receivers")
        import_module("park_portal.core.bells")
        # allauth counts attempts and used codes in the default cache and lets nobody choose another.
        limits = ConnectionProxy(caches, "limits")
        for name in ("allauth.core.internal.ratelimit", "allauth.mfa.totp.internal.auth"):
            vars(import_module(name))["cache"] = limits
        post_migrate.connect(_sync_roles, dispatch_uid="core.sync_roles")
        post_migrate.connect(rights_after_migrate, dispatch_uid="core.rights")
        post_migrate.connect(_sync_policies, sender=self, dispatch_uid="core.sync_policies")


def _sync_roles(sender: AppConfig, **kwargs: Any) -> None:
    """Bring the staff groups up to date once the last app has its permissions."""
    from django.apps import apps

    from park_portal.core.accounts.services import sync_roles

    if sender is list(apps.get_app_configs())[-1]:
        sync_roles()


def _sync_policies(sender: AppConfig, **kwargs: Any) -> None:
    """Bring in the figures of law and policy that the release ships."""
    from park_portal.core.policies.services import load_shipped

    load_shipped(sender, **kwargs)
