"""Finding what one may see, in Chinese, pinyin and English, through the service and the addresses."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db.models.signals import post_delete, post_save
from django.utils import translation

from park_portal.core.accounts.models import User
from park_portal.core.jobs.models import Job
from park_portal.core.search import services
from park_portal.core.search.models import SearchEntry
from park_portal.core.search.services import SearchText, index_object, reindex, search, searchable

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _jobs_are_searchable(monkeypatch):
    """Jobs stand in for any record: each is visible to its owner alone."""
    monkeypatch.setattr(services, "KINDS", {})

    @searchable(Job, label="Records")
    def text(job):
        if job.params.get("hidden"):
            return None
        return SearchText(
            title={"zh-hans": job.params.get("zh", ""), "en": job.params.get("en", "")},
            codes=job.params.get("codes", []),
            body=[job.params.get("body", "")],
        )

    yield
    post_save.disconnect(sender=Job, dispatch_uid="search:core.job")
    post_delete.disconnect(sender=Job, dispatch_uid="search:core.job")


@pytest.fixture
def alice():
    return User.objects.create_user("alice@example.org", "Harbour-7-lantern", name="Alice")


@pytest.fixture
def charlie():
    return User.objects.create_user("charlie@example.org", "Harbour-7-lantern", name="Charlie")


def record(owner, zh="", en="", codes=(), body="", **more):
    return Job.objects.create(
        kind="x", owner=owner, params={"zh": zh, "en": en, "codes": list(codes), "body": body, **more}
    )


@pytest.fixture
def records(alice):
    return {
        "qingxin": record(
            alice, "上海青芯生物科技有限公司", "Shanghai Qingxin Biotech Co., Ltd.", ["91310118MA1JL0XX5R"]
        ),
        "antibody": record(
            alice,
            "基于大语言模型的抗体亲和力成熟平台",
            "Antibody affinity maturation with large language models",
            ["AIBT-2026-0001"],
            body="我们训练蛋白质语言模型,预测突变效应。Deep mutational scanning of antibodies.",
        ),
        "second": record(alice, "复旦大学抗体药物研究", "Antibody drugs at Fudan", ["AIBT-2026-0002"]),
        "fudan": record(
            alice, "复旦大学国家大学科技园(青浦创新中心)", "Fudan University National Science Park"
        ),
        "person": record(alice, "陈思远", "Chen Siyuan"),
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("青芯", ["qingxin"]),
        ("芯生", ["qingxin"]),  # across what any segmenter takes for words
        ("青芯 科技", ["qingxin"]),
        ("科技", ["fudan", "qingxin"]),
        ("科技 复旦", ["fudan"]),
        ("复旦大学", ["fudan", "second"]),
        ("抗体", ["antibody", "second"]),
        ("蛋白质", ["antibody"]),  # only in the body
        ("突变效应", ["antibody"]),
        ("qingxin", ["qingxin"]),
        ("shqx", ["qingxin"]),
        ("shanghaiqing", ["qingxin"]),
        ("csy", ["person"]),
        ("siyuan", ["person"]),
        ("fudandaxue", ["fudan", "second"]),
        ("antibody", ["antibody", "second"]),
        ("antibodies", ["antibody", "second"]),  # the stemmer's work
        ("ANTIB", ["antibody", "second"]),
        ("affinity language", ["antibody"]),
        ("language affinity nothing", []),
        ("AIBT-2026-0001", ["antibody"]),
        ("aibt-2026", ["antibody", "second"]),
        ("0002", ["second"]),
        ("91310118MA1JL0XX5R", ["qingxin"]),
        ("9131 0118 ma1j l0xx 5r", ["qingxin"]),
        ("9131", ["qingxin"]),
        ("Ｆｕｄａｎ", ["fudan", "second"]),
        ("", []),
        ("   ", []),
        ("%_'\\", []),
        ("' OR 1=1 --", []),
        ("<-> & | ! :*", []),
        ("\x00青芯\x00", ["qingxin"]),
        ("😀", []),
        ("x" * 1_000_000, []),
    ],
)
def test_finding(alice, records, text, found):
    names = {record.pk: name for name, record in records.items()}
    assert sorted(names[hit.obj.pk] for hit in search(alice, text)) == found


def test_a_whole_number_comes_first(alice, records):
    record(alice, "AIBT-2026-0001 的补充材料 AIBT-2026-0001 AIBT-2026-0001")
    hits = search(alice, "aibt-2026-0001")
    assert [(hit.obj.pk == records["antibody"].pk, hit.exact) for hit in hits] == [
        (True, True),
        (False, False),
    ]
    assert hits[0].code == "AIBT-2026-0001"


def test_a_match_in_the_title_goes_before_one_in_the_body(alice):
    body = record(alice, "平台", body="量子 " * 50)
    title = record(alice, "量子平台")
    assert [hit.obj for hit in search(alice, "量子")] == [title, body]


def test_a_stranger_finds_nothing(alice, charlie, records):
    assert search(charlie, "青芯") == []
    assert search(charlie, "91310118MA1JL0XX5R") == []
    own = record(charlie, "青芯的副本")
    assert [hit.obj for hit in search(charlie, "青芯")] == [own]


def test_the_title_is_shown_in_the_language_being_read(alice, records):
    with translation.override("en"):
        (hit,) = search(alice, "qingxin")
        assert hit.title_html == "Shanghai <mark>Qingxin</mark> Biotech Co., Ltd."
    with translation.override("zh-hans"):
        (hit,) = search(alice, "青芯")
        assert hit.title_html == "上海<mark>青芯</mark>生物科技有限公司"


def test_titles_are_escaped(alice):
    record(alice, "<script>alert(1)</script> 青芯")
    (hit,) = search(alice, "青芯")
    assert hit.title_html == "&lt;script&gt;alert(1)&lt;/script&gt; <mark>青芯</mark>"


def test_two_queries_a_kind_whatever_is_found(alice, django_assert_num_queries):
    record(alice, "青芯 0")
    with django_assert_num_queries(2):
        assert len(search(alice, "青芯")) == 1
    for number in range(1, 30):
        record(alice, f"青芯 {number}")
    with django_assert_num_queries(2):
        assert len(search(alice, "青芯", limit=30)) == 30
    with django_assert_num_queries(1):
        assert search(alice, "无此") == []


def test_saving_deleting_and_hiding_keep_the_index_true(alice):
    job = record(alice, "旧名称")
    job.params["zh"] = "新名称"
    job.save()
    assert (search(alice, "旧"), [hit.obj for hit in search(alice, "新名称")]) == ([], [job])
    job.params["hidden"] = True
    job.save(update_fields=["params"])
    assert search(alice, "新名称") == []
    job.params.pop("hidden")
    job.save()
    assert SearchEntry.objects.count() == 1
    job.delete()
    assert SearchEntry.objects.count() == 0


def test_reindexing_finds_bulk_writes_and_forgets_what_is_gone(alice, capsys):
    Job.objects.bulk_create([Job(kind="x", owner=alice, params={"zh": f"青芯 {n}"}) for n in range(3)])
    SearchEntry.objects.create(kind="core.job", object_id=999_999, title_zh="青芯")
    assert search(alice, "青芯") == []
    call_command("reindex_search", "core.job")
    assert capsys.readouterr().out == "core.job: 3\n"
    assert len(search(alice, "青芯")) == 3
    assert reindex() == {"core.job": 3}
    assert SearchEntry.objects.count() == 3
    with pytest.raises(CommandError, match="not searchable"):
        call_command("reindex_search", "core.nothing")


def test_hostile_and_endless_texts_are_indexed(alice):
    job = record(alice, "a'b\\c:1A,2 & | ! \x01 " + "长" * 600, body="词 " * 50_000 + "x" * 30_000)
    index_object(job)
    assert [hit.obj for hit in search(alice, "长")] == [job]


def test_a_kind_is_declared_once():
    with pytest.raises(ValueError, match="twice"):

        @searchable(Job, label="Again")
        def other(job):
            return None


def test_suggestions(client, alice, charlie, records):
    assert client.get("/search/suggest/?q=青芯")["Location"].startswith("/accounts/login/")
    client.force_login(charlie)
    assert client.get("/search/suggest/?q=青芯").json() == {"results": []}
    client.force_login(alice)
    client.cookies["django_language"] = "zh-hans"
    assert client.get("/search/suggest/?q=青芯").json() == {
        "results": [
            {
                "title": "上海青芯生物科技有限公司",
                "html": "上海<mark>青芯</mark>生物科技有限公司",
                "kind": "Records",
                "code": "91310118MA1JL0XX5R",
                "url": f"/jobs/{records['qingxin'].public_id}/",
            }
        ]
    }
    assert client.get("/search/suggest/").json() == {"results": []}
    assert client.post("/search/suggest/").status_code == 405
    assert len(client.get("/search/suggest/?q=" + "a" * 5000).json()["results"]) == 0
