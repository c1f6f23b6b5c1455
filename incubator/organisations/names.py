"""Names of organisations reduced to what tells them apart: a pure algorithm, without Django."""

import re
import unicodedata

PLACES = ("中国", "上海市", "上海", "青浦区", "青浦")
LEGAL_FORMS = (
    "股份有限公司",
    "有限责任公司",
    "集团有限公司",
    "科技有限公司",
    "有限合伙企业",
    "有限公司",
    "有限合伙",
    "合伙企业",
    "分公司",
    "集团",
    "公司",
)
ENGLISH_FORMS = re.compile(
    r"\b(?:co|company|ltd|limited|inc|incorporated|corp|corporation|llc|llp|lp|plc|gmbh|group|the|shanghai|china|prc)\b"
)
BRACKETED_PLACE = re.compile(
    r"\((?:" + "|".join((*PLACES, "北京", "深圳", "集团", "shanghai", "china")) + r")\)"
)
NOT_WORD = re.compile(r"[\W_]+")


def normalise_name(name: str | None) -> str:
    """Returns the name in half-width lower case without place, legal form, spaces and punctuation.

    Two records of one organisation usually agree on this even where they were typed apart. A name made of nothing
    but place and legal form keeps its characters, so the result is empty only for an empty name.
    """
    text = unicodedata.normalize("NFKC", name or "").strip().lower()
    plain = NOT_WORD.sub("", text)
    text = BRACKETED_PLACE.sub("", text)
    text = ENGLISH_FORMS.sub(" ", text) if text.isascii() else text
    text = NOT_WORD.sub("", text)
    text = _without_prefix(text)
    text = _without_suffix(text)
    return text or plain


def _without_prefix(text: str) -> str:
    while place := next((place for place in PLACES if text.startswith(place)), None):
        # 上海大学 is the university's name, not a place before it: at least three characters must remain.
        if len(text) - len(place) < 3:
            break
        text = text[len(place) :]
    return text


def _without_suffix(text: str) -> str:
    for form in LEGAL_FORMS:
        if text.endswith(form) and len(text) - len(form) >= 2 and text not in LEGAL_FORMS:
            return text[: -len(form)]
    return text


def normalise_code(code: str | None) -> str | None:
    """Returns a typed Unified Social Credit Code in half-width upper case without spaces, or None if empty."""
    text = re.sub(r"[\s\-]+", "", unicodedata.normalize("NFKC", code or "")).upper()
    return text or None
