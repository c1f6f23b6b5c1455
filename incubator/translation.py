"""Contents page: which fields of the park are kept in two languages."""

from modeltranslation.translator import TranslationOptions, register

from incubator.models import Faculty, Organisation, ResearchProject


@register(Organisation)
class OrganisationTranslation(TranslationOptions):
    fields = ("name", "summary")
    required_languages = ("zh-hans",)
    fallback_undefined = {"name": "", "summary": ""}


@register(Faculty)
class FacultyTranslation(TranslationOptions):
    fields = ("name",)
    required_languages = ("zh-hans",)


@register(ResearchProject)
class ResearchProjectTranslation(TranslationOptions):
    # A title in either language is enough: foreign investigators hold grants whose only title is English.
    fields = ("title", "summary")
    fallback_undefined = {"title": "", "summary": ""}
