"""Attempts on the rules of the park."""

from __future__ import annotations

from datetime import timedelta

from incubator.models import Organisation
from tests.factories.incubator import ALPHABET, make_code
from tests.laws.violations import Breach, breaks, changed, repeated
from tests.laws.violations.rows import delete, row, update

ORGANISATION, PROJECT, MEMBER = (
    "incubator.Organisation",
    "incubator.ResearchProject",
    "incubator.ProjectMember",
)


def day_before_start(obj):
    return obj.starts_on - timedelta(days=1)


# --- organisations

breaks("organisation_uscc_once")(repeated(ORGANISATION, "uscc"))
breaks("organisation_uscc_characters")(changed(ORGANISATION, uscc="I" * 18))
breaks("organisation_chinese_name")(changed(ORGANISATION, name_zh_hans=""))
breaks("organisation_not_merged_into_itself")(
    changed(ORGANISATION, state="merged", uscc=None, merged_into=lambda organisation: organisation)
)


@breaks("organisation_merged_into_another")
def merged_by_half() -> dict[str, Breach]:
    one, other = row(ORGANISATION), row(ORGANISATION)
    return {
        "update: merged into none": lambda: update(one, state="merged", uscc=None),
        "update: into another and not merged": lambda: update(one, merged_into=other),
    }


def merge(one: Organisation, into: Organisation) -> Organisation:
    update(one, state="merged", merged_into=into, uscc=None)
    return one


@breaks("organisation_merged_into_one_that_stands")
def merged_in_a_circle() -> dict[str, Breach]:
    one, other, third = row(ORGANISATION), row(ORGANISATION), row(ORGANISATION)
    merge(one, other)
    return {
        "update: back to where it began": lambda: merge(other, one),
        "update: behind another": lambda: merge(third, one),
    }


@breaks("organisation_merged_has_no_code")
def merged_with_its_code() -> dict[str, Breach]:
    one, other, gone = row(ORGANISATION), row(ORGANISATION), row(ORGANISATION)
    merge(gone, other)
    return {
        "update: kept": lambda: update(one, state="merged", merged_into=other),
        "update: given another": lambda: update(gone, uscc=make_code()),
    }


@breaks("uscc_check_character")
def code_with_a_slip() -> dict[str, Breach]:
    code = make_code()
    wrong = code[:-1] + next(char for char in ALPHABET if char != code[-1])
    organisation = row(ORGANISATION)
    return {
        "insert": lambda: row(ORGANISATION, uscc=wrong),
        "update": lambda: update(organisation, uscc=wrong),
    }


@breaks("membership_moves_only_by_merge")
def member_of_another() -> dict[str, Breach]:
    membership, other = row("incubator.Membership", role="viewer"), row(ORGANISATION)
    return {"update": lambda: update(membership, organisation=other)}


@breaks("faculty_moves_only_by_merge")
def faculty_of_another() -> dict[str, Breach]:
    faculty, other = row("incubator.Faculty"), row(ORGANISATION, kind="university")
    return {"update": lambda: update(faculty, organisation=other)}


def _faculty_elsewhere(name: str, label: str, university: str = "organisation") -> None:
    @breaks(name)
    def prepare() -> dict[str, Breach]:
        faculty, other = row("incubator.Faculty"), row(ORGANISATION, kind="university")
        obj = row(label, **{university: faculty.organisation, "faculty": faculty})
        return {
            "insert": lambda: row(label, **{university: other, "faculty": faculty}),
            "update: university": lambda: update(obj, **{university: other}),
            "update: faculty": lambda: update(obj, faculty=row("incubator.Faculty")),
        }


_faculty_elsewhere("liaison_faculty_of_its_university", "incubator.Liaison")
_faculty_elsewhere("liaison_claim_faculty_of_its_university", "incubator.LiaisonClaim")
_faculty_elsewhere("project_faculty_of_its_university", PROJECT, "university")

breaks("membership_once")(repeated("incubator.Membership", "organisation", "user"))
breaks("membership_role")(changed("incubator.Membership", {"role": "viewer"}, role="guest"))


@breaks("keeps_an_owner")
def without_an_owner() -> dict[str, Breach]:
    owner = row("incubator.Membership", role="owner")
    row("incubator.Membership", organisation=owner.organisation, role="editor")
    return {"update": lambda: update(owner, role="editor"), "delete": lambda: delete(owner)}


@breaks("faculty_name_once")
def two_faculties_of_one_name() -> dict[str, Breach]:
    first = row("incubator.Faculty")
    return {
        "insert": lambda: row("incubator.Faculty", university=first.organisation, name=first.name_zh_hans)
    }


@breaks("faculty_code_once")
def two_faculties_of_one_code() -> dict[str, Breach]:
    first = row("incubator.Faculty", code="SLS")
    return {"insert": lambda: row("incubator.Faculty", university=first.organisation, code="SLS")}


breaks("liaison_claim_once")(repeated("incubator.LiaisonClaim", "value", "organisation", "faculty"))
breaks("liaison_claim_dates_in_order")(changed("incubator.LiaisonClaim", ends_on=day_before_start))
breaks("liaison_dates_in_order")(changed("incubator.Liaison", ends_on=day_before_start))


@breaks("liaison_once")
def appointed_twice() -> dict[str, Breach]:
    first = row("incubator.Liaison")
    again = row("incubator.Liaison", user=first.user, active=False)
    return {"update": lambda: update(again, organisation=first.organisation, active=True)}


# --- research projects

breaks("project_grant_number_or_null")(changed(PROJECT, grant_number=""))
breaks("project_has_a_title")(changed(PROJECT, title_zh_hans="", title_en=None))
breaks("project_amount_not_negative")(changed(PROJECT, amount_fen=-1))
breaks("project_grant_once")(
    repeated(PROJECT, "source", "grant_number", source="NSFC", grant_number="32100001")
)
breaks("incubator_researchproject_trl_check", behind=("project_trl_from_1_to_9",))(changed(PROJECT, trl=-1))


@breaks("project_trl_from_1_to_9")
def readiness_off_the_scale() -> dict[str, Breach]:
    project = row(PROJECT)
    return {f"update: {level}": lambda level=level: update(project, trl=level) for level in (0, 10)}


@breaks("project_dates_in_order")
def over_before_it_began() -> dict[str, Breach]:
    project = row(PROJECT)
    today = project.created_at.date()
    return {"update": lambda: update(project, starts_on=today, ends_on=today - timedelta(days=1))}


breaks("incubator_researchproject_code_key")(changed(PROJECT, code=lambda project: row(PROJECT).code))
breaks("project_member_once")(repeated(MEMBER, "project", "user", user=lambda: row("core.User")))


@breaks("project_has_one_pi")
def led_by_two() -> dict[str, Breach]:
    project = row(PROJECT)  # With the one who leads it.
    return {"insert": lambda: row(MEMBER, project=project, role="pi")}


@breaks("project_member_email_once")
def same_address_in_capitals() -> dict[str, Breach]:
    member = row(MEMBER, email="chen@example.com", role="member")
    return {"insert": lambda: row(MEMBER, project=member.project, email="CHEN@example.com", role="member")}
