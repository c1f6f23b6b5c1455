import pytest

from funding.reviews.publications import Found, doi_of, read_list

BIBTEX = r"""
@article{liang2021, title={Deep {L}earning for prote{\'i}n design}, author={Liang, Suxin and M{\"u}ller, J{\"o}rg and 王伟},
  year=2021, journal={Nature \& Co}, doi={https://doi.org/10.1000/XYZ.1}, abstract={Line one
  and line two.}}
@inproceedings{b, TITLE="类器官药筛大模型", author="张三 and 李四", date="2020-05", booktitle="人工智能会议"}
"""
RIS = """TY  - JOUR
TI  - Organoids on chips
AU  - Liang, Suxin
AU  - 王伟
PY  - 2020/01/03
JO  - Organoid Research
DO  - 10.1000/abc
AB  - We grow organoids.
ER  -
TY  - BOOK
TI  - A book
PB  - Park Press
ER  -
"""


def test_bibtex_is_read_with_its_accents_and_names():
    assert read_list(BIBTEX) == (
        [
            Found(
                title="Deep Learning for proteín design",
                authors=("Suxin Liang", "Jörg Müller", "王伟"),
                year=2021,
                source="Nature & Co",
                doi="10.1000/XYZ.1",
                abstract="Line one and line two.",
            ),
            Found(title="类器官药筛大模型", authors=("张三", "李四"), year=2020, source="人工智能会议"),
        ],
        0,
    )


def test_ris_is_read_with_names_as_they_are_printed():
    assert read_list(RIS) == (
        [
            Found(
                title="Organoids on chips",
                authors=("Suxin Liang", "王伟"),
                year=2020,
                source="Organoid Research",
                doi="10.1000/abc",
                abstract="We grow organoids.",
            ),
            Found(title="A book", source="Park Press"),
        ],
        0,
    )


def test_two_entries_under_one_key_are_both_read():
    found, unread = read_list("@article{a, title={One}}\n@article{a, title={Two}}")
    assert ([one.title for one in found], unread) == (["One", "Two"], 0)


def test_what_cannot_be_read_is_counted_and_the_rest_is_read():
    found, unread = read_list("@article{a, title={One}}\n@article{b, year=2020}\n@article{c, title={Three")
    assert ([one.title for one in found], unread) == (["One"], 2)


@pytest.mark.parametrize("text", ["", "nothing of the kind", "TY  - \nER  - \n", "@", "{{{{", "@article{"])
def test_a_text_without_publications_has_none(text):
    assert read_list(text)[0] == []


@pytest.mark.parametrize(
    ("typed", "doi"),
    [
        ("10.1/x", "10.1/x"),
        (" https://doi.org/10.1/x ", "10.1/x"),
        ("http://dx.doi.org/10.1/x", "10.1/x"),
        ("DOI: 10.1/x", "10.1/x"),
    ],
)
def test_a_doi_loses_the_address_before_it(typed, doi):
    assert doi_of(typed) == doi
