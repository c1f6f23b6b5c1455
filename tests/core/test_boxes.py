"""What is kept encrypted opens with the portal's key, an earlier one, and nothing else."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.fernet import Fernet, InvalidToken

from park_portal.core.boxes import box


def test_opened_by_the_key_an_earlier_one_and_for_its_purpose_alone(settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a" * 50, []
    closed = box("webhooks").encrypt("密钥".encode())
    assert closed != box("webhooks").encrypt("密钥".encode())
    assert box("webhooks").decrypt(closed).decode() == "密钥"
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "b" * 50, ["a" * 50]
    assert box("webhooks").decrypt(closed).decode() == "密钥"
    with pytest.raises(InvalidToken):
        box("second factor").decrypt(closed)
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(InvalidToken):
        box("webhooks").decrypt(closed)


def test_one_that_was_touched_or_cut_does_not_open():
    closed = box("x").encrypt(b"secret")
    raw = bytearray(base64.urlsafe_b64decode(closed[2:]))
    raw[-1] ^= 1
    for wrong in (b"1." + base64.urlsafe_b64encode(raw), closed[:10], b"1.", b"", b"1.\xff", closed[2:]):
        with pytest.raises(InvalidToken):
            box("x").decrypt(wrong)


def test_what_was_closed_before_still_opens(settings):
    settings.SECRET_KEY = "k" * 50
    key = base64.urlsafe_b64encode(hashlib.sha256(b"second factor:" + b"k" * 50).digest())
    assert box("second factor").decrypt(Fernet(key).encrypt(b"seed")) == b"seed"
