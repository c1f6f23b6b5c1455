import subprocess
import sys
from collections import Counter
from itertools import pairwise
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funding.reviews.affinity import affinity, explain, weigh, words_of

WORDS = ["gene", "protein", "design", "cell", "图像", "蛋白质", "设计", "药物", "深度", "of", "的", "2025"]
texts = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
pools = st.lists(st.lists(texts, max_size=8), max_size=5)
any_text = st.text(max_size=40)


def pairs_and_words(text):
    words = words_of(text)
    return [(word,) for word in words] + list(pairwise(words))


def oracle(applications, reviewers):
    """The formula of the module's first lines, text by text and term by term, with no library."""
    everything = [*applications, *(text for documents in reviewers for text in documents)]
    corpus = [Counter(pairs_and_words(text)) for text in everything if words_of(text)]

    def vector(text):
        weights = {
            term: (1 + log(times)) * (1 + log((1 + len(corpus)) / (1 + sum(term in one for one in corpus))))
            for term, times in Counter(pairs_and_words(text)).items()
        }
        length = sqrt(sum(weight**2 for weight in weights.values()))
        return {term: weight / length for term, weight in weights.items()}

    def cosine(one, other):
        return sum(weight * other.get(term, 0) for term, weight in one.items())

    result = np.zeros((len(applications), len(reviewers)))
    for row, application in enumerate(applications):
        ours = vector(application)
        for column, documents in enumerate(reviewers):
            near = sorted(cosine(ours, vector(text)) for text in documents if words_of(text))[-5:]
            result[row, column] = sum(near) / len(near) if near else 0
    return result


# --- words -----------------------------------------------------------------------------------------------------------


def test_words_are_narrowed_folded_and_cut():
    assert words_of("Ｇｅｎｅ Straße，基因编辑与蛋白质设计") == [
        "gene",
        "strasse",
        "基因",
        "编辑",
        "蛋白质",
        "设计",
    ]


def test_stop_words_and_bare_numbers_are_no_words_but_names_with_numbers_are():
    assert words_of("The role of Cas9 in 2025 和 我们 的 研究") == ["role", "cas9", "研究"]


# --- exact values ----------------------------------------------------------------------------------------------------


def test_affinity_of_a_toy_worked_out_by_hand():
    found = affinity(["gene editing"], [["gene editing"], ["gene therapy"], ["soil"]])
    # Four texts: “gene” is in three of them, “editing” and “gene editing” in two, the others in one.
    gene, editing, therapy = 1 + log(5 / 4), 1 + log(5 / 3), 1 + log(5 / 2)
    ours, theirs = sqrt(gene**2 + 2 * editing**2), sqrt(gene**2 + 2 * therapy**2)
    assert found.shape == (1, 3)
    assert found[0] == pytest.approx([1, gene**2 / (ours * theirs), 0], abs=1e-12)


def test_a_word_said_twice_weighs_one_and_its_logarithm():
    found = affinity(["gene"], [["gene gene"]])
    # “gene gene” is the word twice and the pair once: two texts, the pair in one of them.
    word, pair = 1 + log(2), 1 + log(3 / 2)
    assert found[0, 0] == pytest.approx(word / sqrt(word**2 + pair**2), abs=1e-12)


def test_the_order_of_a_pair_is_told():
    assert affinity(["gene drug"], [["drug gene"]])[0, 0] < affinity(["gene drug"], [["gene drug"]])[0, 0]


def test_only_the_five_nearest_documents_count():
    near, far = ["gene"] * 5, ["soil"] * 3
    assert affinity(["gene"], [near + far])[0, 0] == pytest.approx(1)
    assert affinity(["gene"], [["gene"] * 4 + far])[0, 0] == pytest.approx(0.8)
    assert affinity(["gene"], [["gene", "soil"]])[0, 0] == pytest.approx(0.5)


@settings(max_examples=150, deadline=None)
@given(st.lists(texts, max_size=5), pools)
def test_affinity_is_what_the_formula_makes_of_the_same_words(applications, reviewers):
    assert affinity(applications, reviewers) == pytest.approx(oracle(applications, reviewers), abs=1e-12)


# --- two languages ---------------------------------------------------------------------------------------------------


def test_chinese_and_english_texts_find_their_reviewers():
    applications = [
        "基于深度学习的蛋白质结构预测与药物设计",
        "Single-cell sequencing of tumour immune microenvironment",
        "面向三维视觉的 Transformer 模型压缩",
    ]
    reviewers = [
        ["蛋白质结构、药物设计", "用深度学习预测蛋白质与小分子的结合"],
        ["tumour immunology; single-cell RNA sequencing", "肿瘤免疫微环境"],
        ["computer vision", "Vision transformer compression: 模型压缩与量化"],
    ]
    assert affinity(applications, reviewers).argmax(axis=1).tolist() == [0, 1, 2]


def test_full_width_and_capital_letters_are_the_same_words():
    assert affinity(["ＣＲＩＳＰＲ screening"], [["crispr Screening"]])[0, 0] == pytest.approx(1)


# --- nothing, and little ---------------------------------------------------------------------------------------------


def test_without_words_there_is_no_affinity():
    found = affinity(["", "的 和 of the 2025", "gene"], [[], [""], ["的", "!?"], ["gene"]])
    assert found[:2].tolist() == [[0, 0, 0, 0]] * 2
    assert found[2] == pytest.approx([0, 0, 0, 1])


def test_documents_without_words_change_nothing():
    applications, documents = ["gene cell", "drug"], ["gene", "drug design"]
    plain = affinity(applications, [documents])
    assert affinity([*applications, ""], [["", *documents, "的"], []])[:2, 0].tolist() == plain[:, 0].tolist()


def test_a_profile_of_one_word_is_compared_as_it_is():
    found = affinity(["gene editing in cells"], [["gene"], ["soil"]])
    assert 0 < found[0, 0] < 1
    assert found[0, 1] == 0


@pytest.mark.parametrize(
    ("applications", "reviewers", "shape"),
    [([], [], (0, 0)), ([], [["gene"]], (0, 1)), (["gene"], [], (1, 0)), (["gene"], [[]], (1, 1))],
)
def test_shape_when_something_is_empty(applications, reviewers, shape):
    found = affinity(applications, reviewers)
    assert found.shape == shape
    assert not found.any()


# --- laws ------------------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.lists(any_text, max_size=5), st.lists(st.lists(any_text, max_size=7), max_size=4))
def test_any_text_gives_shares_between_0_and_1(applications, reviewers):
    found = affinity(applications, reviewers)
    assert found.shape == (len(applications), len(reviewers))
    assert found.dtype == np.float64
    assert ((found >= 0) & (found <= 1)).all()
    assert (found == affinity(applications, reviewers)).all()


@settings(max_examples=100, deadline=None)
@given(st.data(), st.lists(texts, max_size=6), pools)
def test_another_order_gives_the_same_numbers_in_that_order(data, applications, reviewers):
    rows = data.draw(st.permutations(range(len(applications))))
    columns = data.draw(st.permutations(range(len(reviewers))))
    shuffled = [data.draw(st.permutations(reviewers[column])) for column in columns]
    found = affinity(applications, reviewers)[np.ix_(rows, columns)]
    assert affinity([applications[row] for row in rows], shuffled).tolist() == found.tolist()


def test_more_applications_than_are_compared_at_once_are_all_compared():
    applications = [f"gene{number} cell" for number in range(600)]
    found = affinity(applications, [[f"gene{number}"] for number in (0, 255, 256, 599)])
    assert [column.argmax() for column in found.T] == [0, 255, 256, 599]


def test_another_process_gives_the_same_numbers():
    code = (
        "from funding.reviews.affinity import affinity;"
        "print(affinity(['基因 gene editing'], [['gene 编辑', '基因'], ['cell']]).tolist())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
    assert runs.pop().startswith("[[0.")


# --- weights of other texts ------------------------------------------------------------------------------------------


def test_weights_of_the_same_texts_change_nothing():
    applications, reviewers = ["gene cell", "drug"], [["gene", "cell drug"], ["drug design"]]
    weights = weigh([*applications, *(text for documents in reviewers for text in documents), "", "的"])
    assert weights.texts == 5
    assert affinity(applications, reviewers, weights=weights).tolist() == (
        affinity(applications, reviewers).tolist()
    )


def test_with_weights_a_pair_scores_the_same_whoever_stands_beside_it():
    applications, reviewers = ["gene cell", "drug"], [["gene", "cell drug"], ["drug design"]]
    weights = weigh([*applications, *reviewers[0], *reviewers[1]])
    alone = affinity(applications[:1], reviewers[:1], weights=weights)
    assert alone[0, 0] == affinity(applications, reviewers)[0, 0]


def test_what_every_text_says_weighs_little():
    weights = weigh(["project gene", "project cell", "project drug", "gene"])
    found = affinity(["project gene"], [["project"], ["gene"]], weights=weights)
    assert found[0, 0] < found[0, 1]


# --- why ---------------------------------------------------------------------------------------------------------------


def test_explanation_of_a_toy_worked_out_by_hand():
    told = explain("gene editing", ["soil", "gene therapy"])
    gene, editing, therapy = 1 + log(4 / 3), 1 + log(2), 1 + log(2)
    value = gene**2 / sqrt(gene**2 + 2 * editing**2) / sqrt(gene**2 + 2 * therapy**2)
    assert told.score == pytest.approx(value / 2)
    assert told.documents == ((1, pytest.approx(value)), (0, 0.0))
    assert [(share.term, share.value) for share in told.terms] == [("gene", pytest.approx(value / 2))]
    assert told.terms[0].documents == ((1, pytest.approx(value / 2)),)


def test_terms_are_written_as_they_are_read():
    told = explain("基因编辑 gene editing cas9", ["基因编辑", "gene editing cas9"])
    assert {share.term for share in told.terms} == {
        *("基因", "编辑", "基因编辑", "gene", "editing", "cas9", "gene editing", "editing cas9"),
    }


@settings(max_examples=150, deadline=None)
@given(st.lists(texts, min_size=1, max_size=4), pools.filter(len))
def test_an_explanation_adds_up_to_the_affinity_it_explains(applications, reviewers):
    weights = weigh([*applications, *(text for documents in reviewers for text in documents)])
    found = affinity(applications, reviewers)
    for row, application in enumerate(applications):
        for column, documents in enumerate(reviewers):
            told = explain(application, documents, weights=weights)
            assert told.score == pytest.approx(found[row, column], abs=1e-12)
            assert sum(share.value for share in told.terms) == pytest.approx(told.score, abs=1e-12)
            assert len(told.documents) <= 5
            for share in told.terms:
                assert sum(value for _document, value in share.documents) == pytest.approx(share.value)
            assert [share.value for share in told.terms] == sorted(
                (share.value for share in told.terms), reverse=True
            )


def test_nothing_explains_nothing():
    assert (
        explain("", ["gene"]).score == explain("gene", ["的", ""]).score == explain("gene", []).score == 0.0
    )
    assert explain("gene", [""]).documents == ()


# --- an embedder -----------------------------------------------------------------------------------------------------


class Meanings:
    """An embedder that knows a few words of both languages by what they mean."""

    axes = {"gene": (1.0, 0.0), "基因": (2.0, 0.0), "soil": (0.0, 1.0), "against gene": (-1.0, 0.0)}

    def __init__(self, weight=0.25):
        self.weight = weight
        self.asked = []

    def embed(self, texts):
        self.asked.append(list(texts))
        return [self.axes.get(text, (0.0, 0.0)) for text in texts]


def test_an_embedder_has_its_part_of_every_similarity():
    plain = affinity(["gene"], [["基因"], ["gene"], ["soil"]])
    found = affinity(["gene"], [["基因"], ["gene"], ["soil"]], embedder=Meanings())
    assert plain[0] == pytest.approx([0, 1, 0])
    assert found[0] == pytest.approx([0.25, 1, 0])


def test_an_opposite_meaning_is_no_less_than_none():
    assert affinity(["基因"], [["against gene"]], embedder=Meanings())[0, 0] == 0


def test_the_nearest_are_chosen_by_both():
    documents = ["soil"] * 4 + ["基因"] * 2
    assert affinity(["gene"], [documents], embedder=Meanings())[0, 0] == pytest.approx(2 * 0.25 / 5)


def test_an_explanation_says_what_the_meaning_adds():
    documents = ["基因", "gene", "soil", ""]
    weights = weigh(["gene", *documents])
    told = explain("gene", documents, weights=weights, embedder=Meanings())
    found = affinity(["gene"], [documents], weights=weights, embedder=Meanings())
    assert told.score == pytest.approx(found[0, 0])
    assert told.meaning == pytest.approx(0.5 / 3)
    assert sum(share.value for share in told.terms) + told.meaning == pytest.approx(told.score)
    assert [document for document, _near in told.documents] == [1, 0, 2]


def test_texts_without_words_are_not_embedded():
    embedder = Meanings()
    embedder.axes = {"": (1.0, 0.0), "gene": (1.0, 0.0)}
    assert affinity(["", "gene"], [["", "gene"]], embedder=embedder)[:, 0].tolist() == [0.0, 1.0]
    assert embedder.asked == [["", "gene", "gene"]]


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
def test_an_embedder_with_an_impossible_weight_is_refused(weight):
    with pytest.raises(ValueError, match="not between 0 and 1"):
        affinity(["gene"], [["gene"]], embedder=Meanings(weight))


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        ([[1.0]], "one vector for each text"),
        ([1.0, 2.0], "one vector for each text"),
        ([[1.0], [float("nan")]], "not finite"),
    ],
)
def test_an_embedder_that_gives_no_vectors_is_refused(vectors, message):
    embedder = Meanings()
    embedder.embed = lambda texts: vectors
    with pytest.raises(ValueError, match=message):
        affinity(["gene"], [["gene"]], embedder=embedder)


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("applications", "reviewers", "message"),
    [
        ("gene", [["gene"]], "applications must be a list of texts, not str"),
        (None, [["gene"]], "applications must be a list of texts, not NoneType"),
        (["gene", None], [["gene"]], "applications must be texts; number 1 is None"),
        (["gene"], "gene", "reviewers must be a list of lists of texts, not str"),
        (["gene"], ["gene"], "the documents of reviewer 0 must be a list of texts, not str"),
        (["gene"], [[], [3]], "the documents of reviewer 1 must be texts; number 0 is 3"),
    ],
)
def test_anything_but_texts_is_refused(applications, reviewers, message):
    with pytest.raises(ValueError, match=message):
        affinity(applications, reviewers)


@pytest.mark.parametrize(("application", "documents"), [(None, ["gene"]), ("gene", "gene"), ("gene", [1])])
def test_anything_but_texts_is_not_explained(application, documents):
    with pytest.raises(ValueError):
        explain(application, documents)
