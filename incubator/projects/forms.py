from __future__ import annotations

import re
from typing import Any

from crispy_forms.layout import Fieldset, Layout
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Prefetch
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from incubator.organisations.models import Faculty, Organisation
from incubator.organisations.states import OrganisationKind
from incubator.projects.models import ResearchProject
from incubator.projects.states import ProjectRole, ReadinessLevel
from park_portal.core.accounts.states import Language
from park_portal.core.forms import MoneyInput, PortalForm, PortalModelForm, TextField

PLACES = (OrganisationKind.UNIVERSITY, OrganisationKind.INSTITUTE, OrganisationKind.HOSPITAL)
_BETWEEN = re.compile(r"\s*[,，;；、\n]\s*")
MOST_WORDS = 20


class WordsField(forms.CharField):
    """A list of words, separated by commas or semicolons of either width."""

    def __init__(self, *args: Any, max_length_of_word: int = 60, **kwargs: Any) -> None:
        self.max_length_of_word = max_length_of_word
        super().__init__(*args, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "; ".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override] # a list of words where Django has one
        text = super().to_python(value)
        return list(dict.fromkeys(word for word in _BETWEEN.split(text or "") if word))

    def validate(self, value: Any) -> None:
        if self.required and not value:
            raise ValidationError(self.error_messages["required"], code="required")
        if len(value) > MOST_WORDS:
            raise ValidationError(_("At most %(most)d words."), code="too_many", params={"most": MOST_WORDS})
        for word in value:
            if len(word) > self.max_length_of_word:
                raise ValidationError(
                    _("“%(word)s” is too long: at most %(most)d characters a word."),
                    code="too_long",
                    params={"word": word[:20], "most": self.max_length_of_word},
                )

    def run_validators(self, value: Any) -> None:
        """The words are checked one by one in `validate`."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != self.to_python(data)


class FacultyField(forms.ModelChoiceField):
    """Faculties, grouped by their university."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj)


class ResearchProjectForm(PortalModelForm):
    """The record of a research project."""

    keywords_zh = WordsField(
        label=_("Keywords in Chinese"),
        required=False,
        max_length=1000,
        help_text=_("Separated by semicolons."),
    )
    keywords_en = WordsField(
        label=_("Keywords in English"),
        required=False,
        max_length=1000,
        help_text=_("Separated by semicolons."),
    )
    subject_codes = WordsField(
        label=_("Subject codes"),
        required=False,
        max_length=400,
        max_length_of_word=20,
        help_text=_("From the widest to the narrowest, for example C05; C0501; C050101."),
    )
    amount_fen = MoneyInput(
        label=_("Amount in yuan"), required=False, help_text=_("For example 500000, or 50 万元.")
    )
    trl = forms.TypedChoiceField(
        label=_("Technology readiness level"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[
            ("", _("not judged yet")),
            *(
                (level, format_lazy(_("TRL {level}: {name}"), level=level, name=name))
                for level, name in ReadinessLevel.choices
            ),
        ],
    )

    class Meta:
        model = ResearchProject
        fields = [
            "title_zh_hans",
            "title_en",
            "summary_zh_hans",
            "summary_en",
            "keywords_zh",
            "keywords_en",
            "trl",
            "university",
            "faculty",
            "principal_investigator",
            "source",
            "programme",
            "grant_number",
            "approval_year",
            "amount_fen",
            "starts_on",
            "ends_on",
            "discipline",
            "subject_codes",
        ]
        labels = {
            "title_zh_hans": _("Title in Chinese"),
            "title_en": _("Title in English"),
            "summary_zh_hans": _("Summary in Chinese"),
            "summary_en": _("Summary in English"),
        }
        help_texts = {"title_zh_hans": _("One title is required, in Chinese or in English.")}
        widgets = {
            "summary_zh_hans": forms.Textarea(attrs={"rows": 5}),
            "summary_en": forms.Textarea(attrs={"rows": 5}),
            "starts_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "ends_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }

    sections: tuple[tuple[Any, tuple[str, ...]], ...] = (
        (
            _("The project"),
            (
                "title_zh_hans",
                "title_en",
                "summary_zh_hans",
                "summary_en",
                "keywords_zh",
                "keywords_en",
                "trl",
            ),
        ),
        (_("People and place"), ("principal_investigator", "university", "faculty")),
        (
            _("Grant"),
            ("source", "programme", "grant_number", "approval_year", "amount_fen", "starts_on", "ends_on"),
        ),
        (pgettext_lazy("research project", "Subject"), ("discipline", "subject_codes")),
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper.layout = Layout(
            *(Fieldset(legend, *names, css_class="form-section") for legend, names in self.sections)
        )
        # The editor of a project may not see its institute otherwise; it must stay in the list all the same.
        places = Organisation.objects.visible_to(user).in_use().filter(kind__in=PLACES)
        if self.instance.university_id:
            places = places | Organisation.objects.filter(pk=self.instance.university_id)
        faculties = Faculty.objects.order_by("code", "id")
        university: Any = self.fields["university"]
        faculty: Any = self.fields["faculty"]
        university.queryset = places.distinct()
        faculty.queryset = Faculty.objects.filter(organisation__in=places.values("pk"))
        groups = [
            (str(place), [(one.pk, str(one)) for one in place.faculties.all()])
            for place in places.order_by("name_zh_hans").prefetch_related(
                Prefetch("faculties", queryset=faculties)
            )
        ]
        university.choices = [
            ("", "—"),
            *((place.pk, str(place)) for place in places.order_by("name_zh_hans")),
        ]
        faculty.choices = [("", "—"), *((name, rows) for name, rows in groups if rows)]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        university, faculty = cleaned.get("university"), cleaned.get("faculty")
        if faculty is not None and university is None and "university" not in self.errors:
            cleaned["university"] = faculty.organisation
        if not cleaned.get("title_zh_hans") and not cleaned.get("title_en") and not self.errors:
            self.add_error("title_zh_hans", _("Give the title in Chinese or in English."))
        return cleaned


class NewProjectForm(ResearchProjectForm):
    """A new project: its record, and who leads it."""

    who = forms.ChoiceField(
        label=_("Who leads the project?"),
        choices=[("me", _("I do")), ("other", _("Someone else"))],
        widget=forms.RadioSelect,
        initial="me",
    )
    principal_investigator = TextField(
        label=_("Name of the principal investigator"),
        required=False,
        max_length=100,
        help_text=_("Only where someone else leads the project."),
    )
    pi_email = forms.EmailField(
        label=_("E-mail of the principal investigator"),
        required=False,
        max_length=254,
        help_text=_("Gets an invitation to the portal. Leave it empty to register the project without one."),
    )

    sections = (
        ResearchProjectForm.sections[0],
        (
            _("People and place"),
            ("who", "principal_investigator", "pi_email", "university", "faculty"),
        ),
        *ResearchProjectForm.sections[2:],
    )

    class Meta(ResearchProjectForm.Meta):
        fields = [name for name in ResearchProjectForm.Meta.fields if name != "principal_investigator"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("who") == "other" and not cleaned.get("principal_investigator"):
            self.add_error("principal_investigator", _("Give the name of the principal investigator."))
        return cleaned


class TeamMemberForm(PortalForm):
    """A new person on the team."""

    name = TextField(label=_("Name"), max_length=100)
    email = forms.EmailField(
        label=_("E-mail"),
        required=False,
        max_length=254,
        help_text=_("Gets an invitation to the portal; without it the person is only listed."),
    )
    role = forms.ChoiceField(
        label=_("Role"),
        choices=[choice for choice in ProjectRole.choices if choice[0] != ProjectRole.PI],
        initial=ProjectRole.MEMBER,
    )
    can_edit = forms.BooleanField(label=_("May edit the project"), required=False)
    language = forms.ChoiceField(
        label=_("Language of the mail"), choices=Language.choices, initial=Language.ZH_HANS
    )


class TeamRoleForm(PortalForm):
    """The role of a team member."""

    role = forms.ChoiceField(
        label=_("Role"), choices=[choice for choice in ProjectRole.choices if choice[0] != ProjectRole.PI]
    )
    can_edit = forms.BooleanField(label=_("May edit the project"), required=False)
