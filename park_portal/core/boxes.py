"""Secrets that the portal itself must read again: kept in a box that a copy of the database alone does not open."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

# Says how a box was closed, so that another way can follow one day. Without it: by Fernet, as the first ones were.
MARK: Final = b"1."
NONCE: Final = 12


class Box:
    """Encrypts with AES-256-GCM by the first of ``keys``, and opens what any of them closed."""

    def __init__(self, purpose: str, keys: list[str]) -> None:
        self._purpose = purpose.encode()
        self._keys = [hashlib.sha256(f"{purpose}:{key}".encode()).digest() for key in keys]

    def encrypt(self, content: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        closed = AESGCM(self._keys[0]).encrypt(nonce, content, self._purpose)
        return MARK + base64.urlsafe_b64encode(nonce + closed)

    def decrypt(self, closed: bytes) -> bytes:
        """Return what is inside; raise ``InvalidToken`` where no key opens it or somebody touched it."""
        if not closed.startswith(MARK):
            return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in self._keys]).decrypt(closed)
        try:
            raw = base64.urlsafe_b64decode(closed.removeprefix(MARK))
        except ValueError as error:
            raise InvalidToken from error
        for key in self._keys:
            try:
                return AESGCM(key).decrypt(raw[:NONCE], raw[NONCE:], self._purpose)
            except (InvalidTag, ValueError):
                continue  # Another key closed it, or it was cut.
        raise InvalidToken


def box(purpose: str) -> Box:
    """Return what encrypts with the portal's key for ``purpose``, and still opens what an earlier key closed."""
    return Box(purpose, [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])
