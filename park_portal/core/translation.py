"""Contents page: which fields of the ground floor are kept in two languages."""

from modeltranslation.translator import TranslationOptions, register

from park_portal.core.models import Book, PolicyValue, SpecialDay


@register(SpecialDay)
class SpecialDayTranslation(TranslationOptions):
    fields = ("name",)
    required_languages = ("zh-hans",)


@register(PolicyValue)
class PolicyValueTranslation(TranslationOptions):
    fields = ("label",)
    required_languages = ("zh-hans",)


@register(Book)
class BookTranslation(TranslationOptions):
    fields = ("name",)
    required_languages = ("zh-hans",)
