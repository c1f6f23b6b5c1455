"""The texts of calls and funds that staff write once per language."""

from modeltranslation.translator import TranslationOptions, register

from funding.models import (
    AgreementTemplate,
    Call,
    CallQuestion,
    CallText,
    Criterion,
    Fund,
    LetterTemplate,
    Meeting,
    Pledge,
    Question,
    Section,
    Stage,
)


@register(Fund)
class FundTranslation(TranslationOptions):
    fields = ("name", "summary")


@register(Call)
class CallTranslation(TranslationOptions):
    fields = ("title", "summary", "body")


@register(Section)
class SectionTranslation(TranslationOptions):
    fields = ("title",)


@register(Question)
class QuestionTranslation(TranslationOptions):
    fields = ("label", "help")


@register(CallQuestion)
class CallQuestionTranslation(TranslationOptions):
    fields = ("own_label", "help")


@register(Stage)
class StageTranslation(TranslationOptions):
    fields = ("name", "instructions")


@register(Criterion)
class CriterionTranslation(TranslationOptions):
    fields = ("label", "help")


@register(CallText)
class CallTextTranslation(TranslationOptions):
    fields = ("subject", "body")


@register(Pledge)
class PledgeTranslation(TranslationOptions):
    fields = ("text",)


@register(LetterTemplate)
class LetterTemplateTranslation(TranslationOptions):
    fields = ("subject", "body")


@register(Meeting)
class MeetingTranslation(TranslationOptions):
    fields = ("title",)


@register(AgreementTemplate)
class AgreementTemplateTranslation(TranslationOptions):
    fields = ("body",)
