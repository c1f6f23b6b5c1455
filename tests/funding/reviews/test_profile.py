"""What reviewers say of themselves: profile, publications, by page, API and admin."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from funding.models import Publication, Reviewer
from funding.reviews import services
from funding.reviews.services.publications import LONGEST_LIST, MAX_PUBLICATIONS
from incubator.models import Faculty
from park_portal.core.audit.models import Entry
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.privacy.erasing import erase_person
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import make_faculty
from tests.factories.reviews import make_expert

pytestmark = pytest.mark.django_db
ORCID = "0000-0002-1825-0097"


@pytest.fixture
def client_of(client_of):
    """Clients that read English."""

    def login(who):
        client = client_of(who)
        client.cookies["django_language"] = "en"
        return client

    return login


@pytest.fixture
def entry(people):
    return people("reviewer").reviewer


def added(entry, title="Gene editing in organoids", **values):
    return services.add_publication(entry, actor=entry.user, title=title, **values)


# --- the profile


@pytest.mark.parametrize("typed", [ORCID, "0000000218250097", f"https://orcid.org/{ORCID}", f" {ORCID}/ "])
def test_an_orcid_is_stored_in_one_form(entry, typed):
    services.update_reviewer(entry, actor=entry.user, orcid=typed)
    entry.refresh_from_db()
    assert entry.orcid == ORCID


def test_an_orcid_with_x_at_its_end_is_one(entry):
    services.update_reviewer(entry, actor=entry.user, orcid="0000-0002-1694-233x")
    entry.refresh_from_db()
    assert entry.orcid == "0000-0002-1694-233X"


@pytest.mark.parametrize(
    "typed", ["0000-0002-1825-0098", "0000-0002-1825", "someone", "٠٠٠٠-0002-1825-0097", "X" * 16]
)
def test_a_mistyped_orcid_is_refused(entry, typed):
    with pytest.raises(DomainError) as refused:
        services.update_reviewer(entry, actor=entry.user, orcid=typed)
    assert refused.value.field == "orcid"


def test_an_orcid_is_one_persons(entry):
    services.update_reviewer(entry, actor=entry.user, orcid=ORCID)
    other = make_expert().reviewer
    with pytest.raises(DomainError, match="ORCID"):
        services.update_reviewer(other, actor=other.user, orcid=ORCID)
    services.update_reviewer(other, actor=other.user, orcid="")


def test_employer_and_faculty_on_file_are_the_parks_to_say(entry):
    faculty = make_faculty()
    with pytest.raises(Forbidden):
        services.update_reviewer(entry, actor=entry.user, faculty=faculty)
    services.update_reviewer(entry, actor=make_staff("officer"), faculty=faculty)
    entry.refresh_from_db()
    assert entry.faculty == faculty
    Faculty.objects.filter(pk=faculty.pk).delete()
    entry.refresh_from_db()
    assert entry.faculty is None


def test_a_change_of_the_profile_is_dated_and_on_record(entry):
    before = entry.updated_at
    services.update_reviewer(entry, actor=entry.user, statement="类器官", kind="industry")
    entry.refresh_from_db()
    assert (entry.statement, entry.kind) == ("类器官", "industry")
    assert entry.updated_at > before
    last = Entry.objects.filter(action="reviewer.update").latest("pk")
    assert last.after == {"statement": "类器官", "kind": "industry"}


def test_the_profile_page_takes_the_new_fields(client_of, people):
    client, address = client_of("reviewer"), reverse("reviews:profile")
    data = {"capacity": "4", "statement": "Organoids.", "kind": "investment", "orcid": ORCID, "active": "on"}
    assert client.post(address, data).status_code == 302
    entry = Reviewer.objects.get(user=people("reviewer"))
    assert (entry.statement, entry.kind, entry.orcid) == ("Organoids.", "investment", ORCID)
    page = client.get(address).content.decode()
    assert ORCID in page
    assert "Organoids." in page
    refused = client.post(address, {**data, "orcid": "0000-0002-1825-0098", "statement": "Kept."})
    assert refused.status_code == 422
    assert "This is not an ORCID iD" in refused.content.decode()
    assert "Kept." in refused.content.decode()
    assert client.post(address, {**data, "kind": "astrology"}).status_code == 422


# --- publications, by service


def test_a_publication_is_kept_as_it_is_printed(entry):
    made = added(
        entry,
        " Gene editing ",
        authors=[" Suxin Liang ", "", "王伟"],
        doi="https://doi.org/10.1/x",
        year=2024,
        source="Cell",
        abstract=" We edit. ",
    )
    made.refresh_from_db()
    assert (made.title, made.authors, made.doi, made.abstract) == (
        "Gene editing",
        ["Suxin Liang", "王伟"],
        "10.1/x",
        "We edit.",
    )
    assert Entry.objects.filter(action="publication.add", object_id=str(made.pk)).count() == 1


@pytest.mark.parametrize(
    "values",
    [
        {"title": "GENE EDITING"},
        {"title": "Another", "doi": "10.1/X"},
    ],
)
def test_one_publication_stands_once_on_a_list(entry, values):
    added(entry, "Gene editing", doi="10.1/x")
    with pytest.raises(DomainError):
        services.add_publication(entry, actor=entry.user, **values)
    assert entry.publications.count() == 1
    other = make_expert().reviewer
    services.add_publication(other, actor=other.user, **values)


@pytest.mark.parametrize(
    "values",
    [
        {"title": ""},
        {"title": "  "},
        {"title": "x" * 501},
        {"year": 1899},
        {"year": 2101},
        {"authors": ["x" * 121]},
    ],
)
def test_a_publication_that_cannot_be_is_refused(entry, values):
    with pytest.raises(DomainError):
        services.add_publication(entry, actor=entry.user, **{"title": "Fine", **values})
    assert not Publication.objects.exists()


def test_a_list_has_an_end(entry):
    Publication.objects.bulk_create(
        Publication(reviewer=entry, title=f"Paper {n}") for n in range(MAX_PUBLICATIONS)
    )
    with pytest.raises(DomainError, match="200"):
        added(entry)
    with pytest.raises(DomainError, match="200"):
        services.paste_publications(entry, actor=entry.user, text="@article{a, title={One more}}")
    assert entry.publications.count() == MAX_PUBLICATIONS


def test_a_publication_is_changed_and_taken_off(entry):
    made = added(entry, year=2020)
    services.update_publication(made, actor=entry.user, year=2021, title="Base editing")
    made.refresh_from_db()
    assert (made.title, made.year) == ("Base editing", 2021)
    assert Entry.objects.get(action="publication.update").before == {
        "year": 2020,
        "title": "Gene editing in organoids",
    }
    services.remove_publication(made, actor=entry.user)
    services.remove_publication(made, actor=entry.user)
    assert not entry.publications.exists()
    assert Entry.objects.filter(action="publication.remove").count() == 1


def test_nobody_else_touches_a_list(entry, people):
    made = added(entry)
    for stranger in (people("other_reviewer"), make_user(), make_staff("auditor")):
        with pytest.raises(Forbidden):
            services.add_publication(entry, actor=stranger, title="Foreign")
        with pytest.raises(Forbidden):
            services.paste_publications(entry, actor=stranger, text="@article{a, title={Foreign}}")
        with pytest.raises(Forbidden):
            services.update_publication(made, actor=stranger, title="Foreign")
        with pytest.raises(Forbidden):
            services.remove_publication(made, actor=stranger)
    assert [one.title for one in entry.publications.all()] == ["Gene editing in organoids"]


def test_a_pasted_list_adds_what_is_not_there(entry):
    added(entry, "One", doi="10.1/one")
    text = (
        "@article{a, title={ONE}}\n@article{b, title={Again}, doi={10.1/ONE}}\n@article{c, title={Two}}\n"
        "@article{d, title={Two}}\n@article{e, year={2020}}\n@article{f, title={" + "x" * 501 + "}}"
    )
    done = services.paste_publications(entry, actor=entry.user, text=text)
    assert ([one.title for one in done.added], done.known, done.unread) == (["Two"], 3, 2)
    assert set(entry.publications.values_list("title", flat=True)) == {"One", "Two"}


def test_a_text_without_publications_is_refused(entry):
    for text in ("nothing", "x" * (LONGEST_LIST + 1)):
        with pytest.raises(DomainError) as refused:
            services.paste_publications(entry, actor=entry.user, text=text)
        assert refused.value.field == "text"


# --- publications, by page


def test_a_reviewer_keeps_their_list_on_the_portal(client_of, entry):
    client = client_of("reviewer")
    data = {
        "title": "Base editing",
        "authors": "Suxin Liang；王伟\nAnna Berg",
        "year": "2024",
        "doi": "10.1/x",
    }
    assert client.get(reverse("reviews:publication-add")).status_code == 200
    assert client.post(reverse("reviews:publication-add"), data).status_code == 302
    made = entry.publications.get()
    assert (made.authors, made.year) == (["Suxin Liang", "王伟", "Anna Berg"], 2024)
    again = client.post(reverse("reviews:publication-add"), {**data, "abstract": "Kept as typed."})
    assert again.status_code == 422
    assert "already on the list" in again.content.decode()
    assert "Kept as typed." in again.content.decode()
    change = reverse("reviews:publication-change", args=[made.pk])
    assert "Suxin Liang\n王伟\nAnna Berg" in client.get(change).content.decode()
    assert client.post(change, {**data, "title": "Prime editing"}).status_code == 302
    assert "Prime editing" in client.get(reverse("reviews:profile")).content.decode()
    remove = reverse("reviews:publication-remove", args=[made.pk])
    assert "Prime editing" in client.get(remove).content.decode()
    assert client.post(remove).status_code == 302
    assert client.post(remove).status_code == 404
    assert not entry.publications.exists()


def test_a_list_is_pasted_on_the_portal(client_of, entry):
    client, address = client_of("reviewer"), reverse("reviews:publication-paste")
    response = client.post(
        address,
        {"text": "@article{a, title={One}}\n@article{b, title={Two}}\n@article{c, year=1}"},
        follow=True,
    )
    said = "2 publications were added. 1 entry could not be read; please add it by hand."
    assert said in response.content.decode()
    refused = client.post(address, {"text": "Liang S. Gene editing. Cell 2020."})
    assert refused.status_code == 422
    assert "Liang S. Gene editing. Cell 2020." in refused.content.decode()
    assert entry.publications.count() == 2


def test_other_peoples_lists_are_not_there(client_of, entry):
    made = added(entry)
    for who in ("other_reviewer", "stranger", make_staff("officer")):
        client = client_of(who)
        for name in ("reviews:publication-change", "reviews:publication-remove"):
            assert client.get(reverse(name, args=[made.pk])).status_code == 404
            assert client.post(reverse(name, args=[made.pk]), {"title": "Mine"}).status_code == 404
    for name in ("reviews:publication-add", "reviews:publication-paste"):
        assert client_of("stranger").post(reverse(name), {"title": "x", "text": "x"}).status_code == 404
    assert Publication.objects.get().title == "Gene editing in organoids"


def test_the_profile_costs_the_same_with_many_publications(client_of, entry):
    client, address = client_of("reviewer"), reverse("reviews:profile")
    added(entry)
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for number in range(30):
        added(entry, f"Paper {number}")
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) == len(few)


# --- publications, by API and admin


def test_the_api_keeps_a_list(client_of, entry):
    client = client_of("reviewer")
    body = {"reviewer": entry.pk, "title": "Base editing", "authors": ["王伟"], "year": 2024}
    made = client.post("/api/v1/publications/", body, content_type="application/json")
    assert made.status_code == 201
    address, tag = f"/api/v1/publications/{made.json()['id']}/", made.headers["ETag"]
    assert made.json()["authors"] == ["王伟"]
    again = client.post("/api/v1/publications/", body, content_type="application/json")
    assert again.status_code in (400, 409, 422)
    changed = client.patch(
        address, {"year": 2025}, content_type="application/json", headers={"If-Match": tag}
    )
    assert (changed.status_code, changed.json()["year"]) == (200, 2025)
    moved = client.patch(
        address,
        {"reviewer": make_expert().reviewer.pk},
        content_type="application/json",
        headers={"If-Match": changed.headers["ETag"]},
    )
    assert moved.status_code in (200, 400, 422)
    assert Publication.objects.get().reviewer == entry
    pasted = client.post(
        f"/api/v1/reviewers/{entry.pk}/publications/",
        {"text": "@article{a, title={Base Editing}}\n@article{b, title={New}}"},
        content_type="application/json",
    )
    assert pasted.json() == {"added": 1, "known": 1, "unread": 0}
    assert client_of("other_reviewer").get(address).status_code == 404
    foreign = client_of("other_reviewer").post("/api/v1/publications/", body, content_type="application/json")
    assert foreign.status_code == 404
    tag = client.get(address).headers["ETag"]
    assert client.delete(address, headers={"If-Match": tag}).status_code == 204
    assert [one.title for one in entry.publications.all()] == ["New"]


def test_staff_enter_and_take_off_publications_in_the_admin(client_of, entry):
    client = client_of(make_staff("officer"))
    add = reverse("admin:funding_publication_add")
    data = {"reviewer": entry.pk, "title": "Base editing", "authors": "Suxin Liang,王伟", "year": "2024"}
    assert client.post(add, data).status_code == 302
    made = entry.publications.get()
    assert made.authors == ["Suxin Liang", "王伟"]
    assert client.post(add, data).status_code == 200  # the form again, with what is wrong
    assert entry.publications.count() == 1
    change = reverse("admin:funding_publication_change", args=[made.pk])
    other = make_expert().reviewer
    assert client.post(change, {**data, "reviewer": other.pk, "title": "Prime editing"}).status_code == 302
    made.refresh_from_db()
    assert (made.title, made.reviewer) == ("Prime editing", entry)
    act = reverse("admin:funding_publication_act", args=[made.pk, "remove"])
    assert client.get(act).status_code == 200
    token = client.get(act).context["token"] if "token" in (client.get(act).context or {}) else None
    assert client.post(act, {"_token": token} if token else {}).status_code == 302
    assert not Publication.objects.exists()


def test_officers_fill_in_where_a_reviewer_stands(client_of, entry):
    faculty = make_faculty()
    client = client_of(make_staff("officer"))
    data = {
        "institution": "Institute",
        "organisation": faculty.organisation_id,
        "faculty": faculty.pk,
        "kind": "industry",
        "orcid": ORCID,
        "keywords": "AI,BT",
        "statement": "Organoids.",
        "capacity": "5",
        "active": "on",
    }
    assert client.post(reverse("admin:funding_reviewer_change", args=[entry.pk]), data).status_code == 302
    entry.refresh_from_db()
    assert (entry.faculty, entry.kind, entry.orcid, entry.keywords) == (
        faculty,
        "industry",
        ORCID,
        ["AI", "BT"],
    )


# --- what is forgotten


def test_an_erased_reviewer_leaves_neither_profile_nor_publications(entry):
    person = entry.user
    services.update_reviewer(entry, actor=person, orcid=ORCID, statement="Quarrelsome organoids")
    made = added(entry, "Quarrelsome organoids", doi="10.1/quarrel")
    services.update_publication(made, actor=person, title="Quarrelsome chips", abstract="Quarrel.")
    erase_person(person, actor=make_staff("lead"))
    assert not Reviewer.objects.filter(pk=entry.pk).exists()
    assert not Publication.objects.exists()
    told = [f"{one.before} {one.after} {one.facts} {one.object_label}" for one in Entry.objects.all()]
    assert [text for text in told if "uarrel" in text or ORCID in text] == []
