"""Finding what one may see: rooms register what a record is found by; one function searches them all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection, models, transaction
from django.db.models import BooleanField, Case, F, FloatField, Func, Q, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.signals import post_delete, post_save
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from psycopg2.extras import execute_values

from park_portal.core.errors import Text
from park_portal.core.search import terms
from park_portal.core.search.models import SearchEntry

BATCH: Final = 500
TITLE_MAX: Final = 500


@dataclass(frozen=True)
class SearchText:
    """What one record is found by.

    ``title`` is shown (by language: ``{"zh-hans": …, "en": …}``; one text serves both); ``names``
    (people, organisations; the title, when there are none) are found by pinyin too; ``codes`` are numbers
    that are matched whole and first; ``body`` is found by its words. Only the title and the first code
    are ever shown.
    """

    title: Mapping[str, str] | str
    names: Iterable[str] = ()
    codes: Iterable[str] = ()
    body: Iterable[str] = ()


Texts = Callable[[Any], SearchText | None]


@dataclass(frozen=True)
class SearchKind:
    """One kind of record that can be found."""

    name: str
    model: type[models.Model]
    label: Text
    text: Texts
    related: tuple[str, ...] = field(default=())


KINDS: dict[str, SearchKind] = {}


def searchable(
    model: type[models.Model], *, label: Text, related: Iterable[str] = ()
) -> Callable[[Texts], Texts]:
    """Register the function that says what a row of ``model`` is found by; ``None`` leaves the row out.

    The model's manager must have ``visible_to(user)``: it alone decides who finds the row. Rows are
    indexed when they are saved; after a bulk write, or when a related record changed, call
    ``index_object`` or ``reindex``. ``related`` is fetched along when the whole table is indexed.
    """

    def register(text: Texts) -> Texts:
        name = model._meta.label_lower
        if name in KINDS and KINDS[name].text.__qualname__ != text.__qualname__:
            raise ValueError(f"{name} is made searchable twice")
        KINDS[name] = SearchKind(name=name, model=model, label=label, text=text, related=tuple(related))
        post_save.connect(_saved, sender=model, dispatch_uid=f"search:{name}")
        post_delete.connect(_deleted, sender=model, dispatch_uid=f"search:{name}")
        return text

    return register


def _saved(sender: type[models.Model], instance: models.Model, raw: bool = False, **kwargs: Any) -> None:
    if not raw and sender._meta.label_lower in KINDS:
        index_object(instance)


def _deleted(sender: type[models.Model], instance: models.Model, **kwargs: Any) -> None:
    SearchEntry.objects.filter(kind=sender._meta.label_lower, object_id=instance.pk).delete()


# --- the index
# ----------------------------------------------------------------------------------------------------


def index_object(obj: models.Model) -> None:
    """Bring the entry of ``obj`` up to date, in the caller's transaction."""
    _index(KINDS[obj._meta.label_lower], [obj])


def reindex(kinds: Iterable[str] | None = None) -> dict[str, int]:
    """Write the entries of all rows of ``kinds`` (all of them when omitted) anew; return how many, by
    kind.
    """
    counts = {}
    for name in KINDS if kinds is None else kinds:
        kind, count, batch = KINDS[name], 0, []
        rows = (
            kind.model._base_manager.select_related(*kind.related)
            if kind.related
            else kind.model._base_manager
        )
        with transaction.atomic():
            SearchEntry.objects.filter(kind=name).delete()
            for obj in rows.order_by("pk").iterator(chunk_size=BATCH):
                batch.append(obj)
                if len(batch) == BATCH:
                    count += _index(kind, batch)
                    batch = []
            count += _index(kind, batch)
        counts[name] = count
    return counts


def _index(kind: SearchKind, objects: list[Any]) -> int:
    rows, gone = [], []
    for obj in objects:
        text = kind.text(obj)
        if text is None:
            gone.append(obj.pk)
        else:
            rows.append(_row(kind, obj.pk, text))
    if gone:
        SearchEntry.objects.filter(kind=kind.name, object_id__in=gone).delete()
    if rows:
        with connection.cursor() as cursor:
            execute_values(
                cursor.cursor if hasattr(cursor, "cursor") else cursor,
                "INSERT INTO core_searchentry "
                "(kind, object_id, title_zh, title_en, codes, vector, updated_at) VALUES %s "
                "ON CONFLICT (kind, object_id) DO UPDATE SET title_zh = excluded.title_zh, "
                "title_en = excluded.title_en, codes = excluded.codes, vector = excluded.vector, "
                "updated_at = excluded.updated_at",
                rows,
                # PostgreSQL's own English stemmer, for whole words: "antibodies" finds "antibody".
                template="(%s, %s, %s, %s, %s::varchar[], "
                "%s::tsvector || setweight(to_tsvector('english', %s), 'D'), now())",
                page_size=BATCH,
            )
    return len(rows)


def _row(kind: SearchKind, object_id: int, text: SearchText) -> tuple[Any, ...]:
    titles = text.title if isinstance(text.title, Mapping) else {"zh-hans": text.title}
    chinese, english = (_clean(titles.get(language)) for language in ("zh-hans", "en"))
    shown = [title for title in dict.fromkeys((chinese, english)) if title]
    body = [_clean(part, terms.BODY_MAX) for part in text.body if part]
    codes = [value for value in (terms.code(str(code)) for code in text.codes if code) if value]
    lexemes = terms.index(
        titles=shown,
        names=[_clean(name) for name in text.names if name] or shown,
        codes=codes,
        body=body,
    )
    latin = " ".join(
        piece
        for part in [*shown, *body]
        for piece in terms.pieces(part)
        if piece.isascii() and piece.isalpha()
    )
    return (kind.name, object_id, chinese, english, codes, lexemes.literal(), latin)


def _clean(text: str | None, most: int = TITLE_MAX) -> str:
    return (text or "").replace("\x00", "")[:most]


# --- searching
# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hit:
    """One record that was found: the record, what kind it is, and its title with what was typed marked."""

    kind: SearchKind
    obj: Any
    title: str
    parts: list[tuple[str, bool]]
    code: str
    exact: bool
    rank: float

    @property
    def label(self) -> Text:
        """What kind of record it is, in words."""
        return self.kind.label

    @property
    def url(self) -> str:
        """The page of the record, for the person who searched."""
        return str(self.obj.get_absolute_url())

    @property
    def title_html(self) -> SafeString:
        """The title with ``<mark>`` around what was typed."""
        return format_html_join(
            "", "{}", ((format_html("<mark>{}</mark>", part) if hit else part,) for part, hit in self.parts)
        )


def search(user: Any, text: str, kinds: Iterable[str] | None = None, limit: int = 20) -> list[Hit]:
    """Return what ``user`` may see that matches all of ``text``: whole numbers first, then the best matches.

    At most ``limit`` of each kind; two queries a kind, whatever is found. Nothing typed finds nothing.
    """
    wanted = terms.terms(text)
    number = terms.code(text[: terms.QUERY_MAX])
    if not wanted:
        return []
    hits = []
    for name in KINDS if kinds is None else kinds:
        hits.extend(_search_kind(KINDS[name], user, text, wanted, number, limit))
    return sorted(hits, key=lambda hit: (not hit.exact, -hit.rank))


def _search_kind(
    kind: SearchKind, user: Any, text: str, wanted: list[terms.Term], number: str, limit: int
) -> list[Hit]:
    query = _query(wanted)
    visible = kind.model._default_manager.visible_to(user)  # type: ignore[attr-defined] # every kind that is found has it
    matches = Func(
        F("vector"), query, template="(%(expressions)s)", arg_joiner=" @@ ", output_field=BooleanField()
    )
    entries = list(
        SearchEntry.objects.filter(Q(matches) | Q(codes__contains=[number]), kind=kind.name)
        .filter(object_id__in=visible.order_by().values("pk"))
        .annotate(
            exact=Case(When(codes__contains=[number], then=Value(True)), default=Value(False)),
            rank=Func(F("vector"), query, function="ts_rank", output_field=FloatField()),
        )
        .order_by("-exact", "-rank", "-updated_at", "-object_id")
        .defer("vector")[:limit]
    )
    objects = visible.in_bulk([entry.object_id for entry in entries]) if entries else {}
    english = (get_language() or "").startswith("en")
    hits = []
    for entry in entries:
        obj = objects.get(entry.object_id)
        if obj is None:
            continue
        titles = (entry.title_en, entry.title_zh) if english else (entry.title_zh, entry.title_en)
        title = titles[0] or titles[1]
        hits.append(
            Hit(
                kind=kind,
                obj=obj,
                title=title,
                parts=terms.highlight(title, text),
                code=entry.codes[0] if entry.codes else "",
                exact=entry.exact,
                rank=entry.rank,
            )
        )
    return hits


def _query(wanted: list[terms.Term]) -> RawSQL:
    parts: list[str] = []
    params: list[str] = []
    for term in wanted:
        if term.english:
            parts.append("(%s::tsquery || plainto_tsquery('english', %s))")
            params += [term.literal, term.english]
        else:
            parts.append("%s::tsquery")
            params.append(term.literal)
    return RawSQL(" && ".join(parts), params)
