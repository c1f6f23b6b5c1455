"""How well a reviewer's own texts fit an application: no Django, no database.

Every text is cut into words, Chinese by jieba, and weighed by its words and pairs of neighbouring words:

    weight(t, text) = (1 + ln n) · (1 + ln((1 + N) / (1 + N_t)))       n times in this text, in N_t of all N texts

(sublinear TF-IDF with smoothed inverse document frequency: Salton & Buckley, “Term-weighting approaches in automatic
text retrieval”, 1988; Manning, Raghavan & Schütze, “Introduction to Information Retrieval”, 2008, § 6.4). Texts are
compared by the cosine of their weights, and a reviewer's affinity is the mean over the five of their documents that
are nearest to the application, fewer where there are fewer:

    affinity = 1/k · Σ over the k nearest documents of  Σ over their common terms of  a_t · d_t

So each affinity is a sum over terms and documents, and ``explain`` lists its summands. The counting and weighing is
scikit-learn's. Terms are summed in the order of their letters: nothing depends on the order in which texts are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Protocol

import numpy as np
import rjieba
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from park_portal.core.search.terms import is_han, pieces

NEAREST: Final = 5  # documents of a reviewer that count
_ANY: Final = "park"
BATCH: Final = 256  # applications that are compared at once: some tens of megabytes

# Words that say nothing of a subject. What every text of a call says ("project", "研究") weighs little by itself.
_STOPPED: Final = """
a about above after again against all also although am among an and any are as at be because been before being below
between both but by can cannot could did do does doing down during each either et etc few for from further had has have
having he her here hers him his how however i if in into is it its itself may me might more most much must my neither no
nor not of off on once only or other our ours out over own per s same shall she should since so some such than that the
their theirs them then there therefore these they this those though through thus to too under until up upon us very via
was we were what when where whether which while who whom whose why will with within without would yet you your yours
的 了 和 与 及 以及 或 或者 在 是 为 为了 对 对于 中 上 下 内 外 等 等等 将 把 被 从 由 由于 于 以 而 而且 并 并且 也 都 就 还
又 再 很 更 最 不 没 没有 有 这 那 这个 那个 这些 那些 这种 该 其 其中 此 之 所 其他 它 他 她 我 你 我们 你们 他们 它们 自己 各
每 每个 某 某些 如 如果 如何 若 则 但 但是 因 因为 因此 所以 从而 即 且 既 虽然 然而 只 只有 仅 能 能够 可 可以 会 要 应 应当
需 需要 已 已经 曾 正在 着 过 地 得 吗 呢 吧 啊 么 什么 怎么 怎样 向 往 至 到 当 时 时候 后 前 之后 之前 同时 通过 根据 按照 关于
有关 进行 一 一个 一种 一些 一样 两 个 种 些 次 多 非常 十分 比较 以上 以下 之间 另 另外 此外 例如 比如 来 去 出 使 让 给 跟 比 用
作 作为 大 小 高 低 新 好 本 已 又 二 三
"""
STOP_WORDS: Final = frozenset(_STOPPED.split())


class Embedder(Protocol):
    """Something that turns texts into vectors by their meaning, across languages, and how much it is to weigh."""

    weight: float  # its part of every similarity, 0 … 1; the words have the rest

    def embed(self, texts: Sequence[str]) -> Any:
        """Return one row of finite numbers for each text, all of one length."""


@dataclass(frozen=True)
class Weights:
    """In how many of ``texts`` texts a term occurs: ``counts`` by term, 2 or more.

    A term that is not listed counts as occurring in one text.
    """

    texts: int
    counts: Mapping[str, int]

    def rarity(self, terms: Sequence[str]) -> NDArray[np.float64]:
        """Return 1 + ln((1 + N) / (1 + N_t)) for each of ``terms``."""
        return _rarity(self.texts, np.array([self.counts.get(term, 1) for term in terms], dtype=float))


def _rarity(texts: int, among: NDArray[Any]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = 1 + np.log((1 + texts) / (1 + among))
    return result


@dataclass(frozen=True)
class TermShare:
    """What one term adds to an affinity, and what of it comes from each document (index, value)."""

    term: str
    value: float
    documents: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Explanation:
    """Why a pair scores as it does: ``score`` is the sum of all ``terms``' values and of ``meaning``.

    ``terms`` are sorted by their value, the greatest first; ``documents`` are those that count, (index, similarity),
    the nearest first, and ``score`` is their mean. ``meaning`` is what the embedder adds, 0 without one.
    """

    score: float
    terms: tuple[TermShare, ...]
    documents: tuple[tuple[int, float], ...]
    meaning: float = 0.0


def words_of(text: str) -> list[str]:
    """Return the words of ``text`` in order: NFKC, case-folded, Chinese by jieba; no stop words, no bare numbers."""
    found: list[str] = []
    for piece in pieces(text):
        if is_han(piece):
            found.extend(rjieba.cut(piece))
        elif not piece.isdecimal():
            found.append(piece.casefold())
    return [word for word in found if word not in STOP_WORDS]


def weigh(texts: Iterable[str]) -> Weights:
    """Count in how many of ``texts`` each term occurs; texts without a word do not count."""
    counted = _Counted(list(texts))
    often = np.flatnonzero(counted.among > 1)
    named = zip(counted.terms[often].tolist(), counted.among[often].tolist(), strict=True)
    return Weights(counted.spoken, dict(named))


def affinity(
    applications: Sequence[str],
    reviewers: Sequence[Sequence[str]],
    *,
    weights: Weights | None = None,
    embedder: Embedder | None = None,
) -> NDArray[np.float64]:
    """Return how well each application fits each reviewer: shape (applications, reviewers), 0 … 1.

    ``reviewers`` holds each one's documents; documents without a word are left out, and a reviewer or an application
    without any has affinity 0. ``weights`` of other texts than those given make the affinities of several calls of
    this function comparable. Raises ``ValueError`` for anything but texts, and for an embedder that gives no vectors.
    """
    _check(applications, "applications")
    if isinstance(reviewers, str) or not isinstance(reviewers, Sequence):
        raise ValueError(f"reviewers must be a list of lists of texts, not {type(reviewers).__name__}")
    for number, documents in enumerate(reviewers):
        _check(documents, f"the documents of reviewer {number}")
    offered = [text for documents in reviewers for text in documents]
    counted = _Counted([*applications, *offered])
    vectors = counted.weighed(weights)
    spoken = counted.lengths > 0
    profiles = np.repeat(np.arange(len(reviewers)), [len(documents) for documents in reviewers])
    kept = spoken[len(applications) :]
    ends = np.cumsum(np.bincount(profiles[kept], minlength=len(reviewers)), dtype=int)
    left, right = vectors[: len(applications)], vectors[len(applications) :][kept].T.tocsr()
    result = np.zeros((len(applications), len(reviewers)))
    meaning = None
    if embedder is not None:
        meaning = _meanings(
            embedder, applications, [text for text, speaks in zip(offered, kept, strict=True) if speaks]
        )
    for start in range(0, len(applications), BATCH):
        rows = slice(start, start + BATCH)
        near = (left[rows] @ right).toarray()
        if meaning is not None and embedder is not None:
            near = (1 - embedder.weight) * near + embedder.weight * _alike(meaning[0][rows], meaning[1])
        for reviewer, (first, end) in enumerate(pairwise([0, *ends])):
            if end > first:
                result[rows, reviewer] = _nearest(near[:, first:end])
    result[~spoken[: len(applications)]] = 0  # whatever an embedder makes of a text without words
    return np.clip(result, 0, 1)


def explain(
    application: str,
    documents: Sequence[str],
    *,
    weights: Weights | None = None,
    embedder: Embedder | None = None,
) -> Explanation:
    """Return what the affinity of this pair is made of: with the same ``weights``, the entry of ``affinity``.

    A pair of words is written with a blank between them, without one between two Chinese words. Raises ``ValueError``
    as ``affinity`` does.
    """
    _check([application], "the application")
    _check(documents, "the documents")
    counted = _Counted([application, *documents])
    kept = np.flatnonzero(counted.lengths[1:]).tolist()
    if not kept or not counted.lengths[0]:
        return Explanation(0.0, (), ())
    vectors = counted.weighed(weights)
    products = vectors[1:][kept].multiply(vectors[:1]).tocsr()  # (documents, terms): a_t · d_t
    near = np.asarray(products.sum(axis=1)).ravel()
    share_of_words, meant = 1.0, np.zeros(len(kept))
    if embedder is not None:
        ours, theirs = _meanings(embedder, [application], [documents[number] for number in kept])
        share_of_words, meant = 1 - embedder.weight, embedder.weight * _alike(ours, theirs)[0]
    near = share_of_words * near + meant
    chosen = sorted(range(len(kept)), key=lambda number: (-near[number], number))[:NEAREST]

    parts: dict[int, list[tuple[int, float]]] = {}
    for number in chosen:
        row = products[[number]]
        for column, value in zip(row.indices, row.data, strict=True):
            share = float(share_of_words * value / len(chosen))
            parts.setdefault(int(column), []).append((kept[number], share))
    shares = [
        TermShare(_readable(counted.terms[column]), sum(share for _document, share in found), tuple(found))
        for column, found in parts.items()
    ]
    shares.sort(key=lambda share: (-share.value, share.term))
    return Explanation(
        score=min(float(np.mean(near[chosen])), 1.0),
        terms=tuple(share for share in shares if share.value > 0),
        documents=tuple((kept[number], float(near[number])) for number in chosen),
        meaning=float(meant[chosen].sum() / len(chosen)),
    )


def terms_of(text: str) -> frozenset[str]:
    """Return the terms of ``text`` as ``explain`` writes them."""
    return frozenset(_readable(term) for term in _VECTORIZER.build_analyzer()(text))


def _readable(term: str) -> str:
    """Return a term as people write it: a blank between two words, but none between two Chinese ones."""
    first, _blank, second = term.partition(" ")
    return first + second if not second or (is_han(first) and is_han(second)) else term


_VECTORIZER: Final = CountVectorizer(
    tokenizer=words_of, token_pattern=None, lowercase=False, ngram_range=(1, 2)
)


class _Counted:
    """Texts as scikit-learn counts them: a row each, a column for each term, in the order of their letters."""

    def __init__(self, texts: Sequence[str]) -> None:
        # The library refuses no texts, and texts without any word: the last row is of one that has a word.
        vectorizer = clone(_VECTORIZER)
        self._counts = vectorizer.fit_transform([*texts, _ANY])
        self._counts.sort_indices()  # They come as texts did, and sums in another order differ in the last digit.
        self.terms: NDArray[Any] = vectorizer.get_feature_names_out()
        counts = self._counts[:-1]
        self.lengths = np.diff(counts.indptr)
        self.spoken = int((self.lengths > 0).sum())
        self.among = np.bincount(counts.indices, minlength=len(self.terms))

    def weighed(self, weights: Weights | None) -> Any:
        """Return the weight of each term in each text, a sparse row of length 1 for each text that has a word."""
        transformer = TfidfTransformer(sublinear_tf=True)
        transformer.idf_ = (
            _rarity(self.spoken, self.among) if weights is None else weights.rarity(self.terms.tolist())
        )
        return transformer.transform(self._counts)[:-1]


def _nearest(near: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of the greatest ``NEAREST`` of each row, added up from the least so that order is nothing."""
    if near.shape[1] > NEAREST:
        near = np.partition(near, -NEAREST, axis=1)[:, -NEAREST:]
    result: NDArray[np.float64] = np.sort(near, axis=1).mean(axis=1)
    return result


def _meanings(
    embedder: Embedder, applications: Sequence[str], documents: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the unit vectors of both; zeros stay zeros."""
    if not 0 <= embedder.weight <= 1:
        raise ValueError(f"the embedder's weight {embedder.weight} is not between 0 and 1")
    vectors = np.asarray(embedder.embed([*applications, *documents]), dtype=float)
    if vectors.ndim != 2 or len(vectors) != len(applications) + len(documents):
        raise ValueError("the embedder must give one vector for each text")
    if not np.isfinite(vectors).all():
        raise ValueError("the embedder gave a number that is not finite")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return vectors[: len(applications)], vectors[len(applications) :]


def _alike(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cosine of each pair of unit vectors; opposite ones have no less in common than unrelated ones."""
    return np.maximum(ours @ theirs.T, 0)


def _check(texts: Any, what: str) -> None:
    if isinstance(texts, str) or not isinstance(texts, Sequence):
        raise ValueError(f"{what} must be a list of texts, not {type(texts).__name__}")
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"{what} must be texts; number {number} is {text!r}")
