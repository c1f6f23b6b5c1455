"""Which texts are compared, and what people read of it: nothing that is hidden, before or after they accept."""

import numpy as np
import pytest
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from redis.exceptions import RedisError

from funding.models import Reviewer, StageRun
from funding.reviews import services
from funding.reviews.services import matching
from tests.factories.core import make_staff
from tests.factories.reviews import (
    accept,
    expert_run,
    make_application,
    make_expert,
    make_review,
    make_review_call,
    run_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def client_of(client_of):
    """Clients that read English."""

    def login(who):
        client = client_of(who)
        client.cookies["django_language"] = "en"
        return client

    return login


def expert(*titles, **fields):
    reviewer = make_expert(**fields).reviewer
    for title in titles:
        services.add_publication(reviewer, actor=reviewer.user, title=title)
    return reviewer


def the_pair(*, accepted=False, blind=False):
    """A review of an application about organoids, by somebody who knows more words of it than its title has."""
    call = make_review_call(
        "expert", "decision", changes={"expert": {"blindness": "double" if blind else "single"}}
    )
    run = run_of(
        make_application(
            call,
            title="Organoid screening",
            abstract="Microfluidic drug response",
            secret_note="Zebrafish",
            unsuitable="Professor Quarrel",
        )
    )
    reviewer = expert(
        "Organoid screening by microfluidic chips", "Zebrafish and Professor Quarrel", keywords=["drug"]
    )
    return make_review(run, reviewer.user, accepted=accepted), reviewer


# --- which texts


def test_only_what_every_reviewer_may_read_is_compared():
    review, _reviewer = the_pair()
    (text,) = matching.texts_of([review.application])
    assert "Organoid screening" in text
    assert "Microfluidic drug response" in text
    assert "Zebrafish" not in text
    assert "Quarrel" not in text


def test_the_profile_is_keywords_own_words_and_publications():
    reviewer = expert("One", "Two", keywords=["AI", "类器官"], statement="Chips.")
    empty = expert(institution="Nowhere")
    documents, none = matching.documents_of([reviewer, empty])
    assert [(str(one.label), one.text) for one in documents] == [
        ("关键词", "AI，类器官"),
        ("研究自述", "Chips."),
        ("One", "One\n"),
        ("Two", "Two\n"),
    ]
    assert none == []


def test_affinities_stand_in_the_order_asked_for():
    call = make_review_call("expert", "decision")
    gene, soil = (
        make_application(call, title=title, abstract=title) for title in ("gene editing", "soil carbon")
    )
    knows_gene, knows_soil = expert("gene editing"), expert("soil carbon")
    found = services.affinities([gene, soil], [knows_soil, knows_gene])
    assert found.shape == (2, 2)
    assert found[0, 1] > found[0, 0] == 0
    assert found[1, 0] > found[1, 1] == 0
    turned = services.affinities([soil, gene], [knows_gene, knows_soil])
    assert turned.tolist() == found[::-1, ::-1].tolist()


def test_an_application_never_submitted_and_an_empty_profile_match_nothing():
    run = expert_run()
    found = services.affinities([run.application], [expert()])
    assert found.tolist() == [[0.0]]
    assert services.affinities([], []).shape == (0, 0)


def test_affinities_cost_the_same_for_many():
    call = make_review_call("expert", "decision")
    applications = [make_application(call, title=f"gene {n}") for n in range(6)]
    reviewers = [expert("gene", f"cell {n}") for n in range(6)]
    services.affinities(applications, reviewers)
    with CaptureQueriesContext(connection) as few:
        services.affinities(applications[:1], reviewers[:1])
    with CaptureQueriesContext(connection) as many:
        services.affinities(applications, reviewers)
    assert len(many) == len(few) == 5


def test_a_pair_scores_the_same_whoever_else_is_asked_for():
    call = make_review_call("expert", "decision")
    applications = [
        make_application(call, title=title) for title in ("gene editing", "gene cell", "drug cell")
    ]
    reviewers = [expert("gene editing", "cell"), expert("drug")]
    together = services.affinities(applications, reviewers)
    alone = services.affinities(applications[1:2], reviewers[:1])
    assert alone[0, 0] == together[1, 0] > 0
    told = services.explain_match(applications[1], reviewers[0])
    assert told.score == pytest.approx(together[1, 0])


def test_the_weights_follow_a_changed_profile_at_once():
    run, reviewer = expert_run(), expert("gene")
    before = matching.weights_of([run.application.call_id])
    services.update_reviewer(reviewer, actor=reviewer.user, statement="gene cell")
    assert matching.weights_of([run.application.call_id]).texts == before.texts + 1
    added = services.add_publication(reviewer, actor=reviewer.user, title="cell")
    assert matching.weights_of([run.application.call_id]).texts == before.texts + 2
    services.remove_publication(added, actor=reviewer.user)
    assert matching.weights_of([run.application.call_id]).texts == before.texts + 1
    Reviewer.objects.filter(pk=reviewer.pk).update(active=False)
    assert matching.weights_of([run.application.call_id]).texts == before.texts - 1


def test_the_weights_are_counted_while_the_cache_is_away(monkeypatch):
    def away(*args, **kwargs):
        raise RedisError("away")

    run = expert_run()
    expected = matching.weights_of([run.application.call_id])
    monkeypatch.setattr(cache, "get", away)
    monkeypatch.setattr(cache, "set", away)
    found = matching.weights_of([run.application.call_id])
    assert found == expected


# --- why


def test_an_explanation_adds_up_to_a_hundred():
    review, reviewer = the_pair()
    told = services.explain_match(review.application, reviewer)
    assert sum(one.percent for one in told.terms) + told.rest + told.hidden + told.meaning == pytest.approx(
        100
    )
    assert (told.hidden, told.meaning) == (0, 0)
    assert {
        "organoid",
        "screening",
        "organoid screening",
        "screening microfluidic",
        "microfluidic",
        "drug",
    } == {one.term for one in told.terms}
    by_term = {one.term: [str(label) for label in one.documents] for one in told.terms}
    assert by_term["microfluidic"] == ["Organoid screening by microfluidic chips"]
    assert by_term["drug"] == ["关键词"]


def test_of_an_invitation_only_the_words_of_the_title_are_told():
    review, reviewer = the_pair()
    told = services.explain_match(review.application, reviewer, only_title=True)
    assert {one.term for one in told.terms} == {"organoid", "screening", "organoid screening"}
    assert told.hidden > 0
    assert sum(one.percent for one in told.terms) + told.rest + told.hidden == pytest.approx(100)


@pytest.mark.parametrize("blind", [False, True])
def test_a_reviewer_reads_why_they_were_asked(client_of, blind):
    review, reviewer = the_pair(blind=blind)
    address = reverse("reviews:match", args=[review.pk])
    client = client_of(reviewer.user)
    page = client.get(address).content.decode()
    terms = page[page.index("The words that weigh most") : page.index("The documents that count")]
    assert "organoid" in terms
    assert '<th scope="row">microfluidic</th>' not in page
    assert '<th scope="row">drug</th>' not in page
    assert "Only words of the title are shown until you accept" in page
    accept(review)
    page = client.get(address).content.decode()
    assert '<th scope="row">microfluidic</th>' in page
    assert '<th scope="row">zebrafish</th>' not in page
    assert "Only words of the title" not in page


def test_who_stepped_back_reads_no_more(client_of):
    review, reviewer = the_pair()
    services.decline_review(review, actor=reviewer.user, reason="No time")
    assert client_of(reviewer.user).get(reverse("reviews:match", args=[review.pk])).status_code == 404
    assert client_of(reviewer.user).get(f"/api/v1/reviews/{review.pk}/match/").status_code == 404


def test_nobody_else_reads_why_somebody_was_asked(client_of, people):
    review, _reviewer = the_pair()
    for who in ("other_reviewer", "stranger", make_staff("officer")):
        assert client_of(who).get(reverse("reviews:match", args=[review.pk])).status_code == 404
        assert client_of(who).get(f"/api/v1/reviews/{review.pk}/match/").status_code == 404


def test_the_api_tells_what_the_page_tells(client_of):
    review, reviewer = the_pair()
    client = client_of(reviewer.user)
    told = client.get(f"/api/v1/reviews/{review.pk}/match/").json()
    assert {one["term"] for one in told["terms"]} == {"organoid", "screening", "organoid screening"}
    assert told["hidden"] > 0
    accept(review)
    told = client.get(f"/api/v1/reviews/{review.pk}/match/").json()
    assert told["hidden"] == 0
    assert "microfluidic" in {one["term"] for one in told["terms"]}
    assert told["score"] == pytest.approx(services.affinities([review.application], [reviewer])[0, 0])


def test_a_profile_without_a_word_says_so(client_of):
    run = expert_run()
    review = make_review(run, make_expert())
    page = client_of(review.reviewer).get(reverse("reviews:match", args=[review.pk])).content.decode()
    assert "The profile says nothing yet" in page


def test_a_profile_in_another_language_says_so(client_of):
    review = make_review(expert_run(), expert("organoid screening").user)
    page = client_of(review.reviewer).get(reverse("reviews:match", args=[review.pk])).content.decode()
    assert "share no word" in page


# --- staff


def test_staff_read_why_a_review_matches(client_of):
    review, _reviewer = the_pair()
    address = reverse("admin:funding_review_match", args=[review.pk])
    page = client_of(make_staff("officer")).get(address).content.decode()
    assert '<th scope="row">microfluidic</th>' in page
    assert "zebrafish" not in page.lower().replace("zebrafish and professor quarrel", "")
    assert client_of("stranger").get(address).status_code in (302, 403, 404)
    shown = client_of(make_staff("officer")).get(reverse("admin:funding_review_change", args=[review.pk]))
    assert address in shown.content.decode()


def test_staff_compare_any_reviewer_with_any_application(client_of):
    review, _reviewer = the_pair()
    other = expert("Drug response")
    client, address = (
        client_of(make_staff("officer")),
        reverse("admin:funding_reviewer_match", args=[other.pk]),
    )
    assert client.get(address).status_code == 200
    page = client.get(address, {"application": review.application.number.lower()}).content.decode()
    assert '<th scope="row">drug response</th>' in page
    assert (
        "There is no application with this number."
        in client.get(address, {"application": "X"}).content.decode()
    )
    address = f"/api/v1/reviewers/{other.pk}/match/"
    told = client.get(f"{address}{review.application.number}/").json()
    assert "drug response" in {one["term"] for one in told["terms"]}
    assert client.get(f"{address}X/").status_code == 404
    assert client_of(other.user).get(f"{address}{review.application.number}/").status_code == 404
    finance = client_of(make_staff("finance"))
    assert finance.get(reverse("admin:funding_reviewer_match", args=[other.pk])).status_code == 403


def test_an_opinion_from_a_queue_has_no_match(client_of):
    run = run_of(make_application(make_review_call("screening", "decision")))
    officer = make_staff("officer")
    checks = {criterion.pk: "met" for criterion in run.stage.criteria.all()}
    services.act_in_stage(run, actor=officer, opinion="pass", checks=checks)
    review = StageRun.objects.get(pk=run.pk).reviews.get()
    assert client_of(officer).get(reverse("admin:funding_review_match", args=[review.pk])).status_code == 404


# --- an embedder


class Everything:
    """An embedder that finds all texts alike."""

    weight = 0.5

    def embed(self, texts):
        return np.ones((len(texts), 2))


def test_an_embedder_is_blended_in_where_one_is_named(settings):
    review, reviewer = the_pair()
    plain = services.explain_match(review.application, reviewer)
    settings.AFFINITY_EMBEDDER = f"{__name__}.Everything"
    found = services.affinities([review.application], [reviewer])[0, 0]
    told = services.explain_match(review.application, reviewer)
    assert found == pytest.approx(0.5 * plain.score + 0.5)
    assert told.score == pytest.approx(found)
    assert told.meaning == pytest.approx(100 * 0.5 / found)


def test_an_embedder_that_is_not_there_is_told_of(settings):
    settings.AFFINITY_EMBEDDER = "nowhere.Embedder"
    with pytest.raises(ImproperlyConfigured, match="AFFINITY_EMBEDDER"):
        matching.embedder()
