"""One word for one thing: the French of the reports keeps to docs/glossaire.md."""

import re
from pathlib import Path

import pytest

from funnel.language import _read_catalogue, _strings

PAGE = (Path(__file__).parents[1] / "docs" / "glossaire.md").read_text(encoding="utf-8")
CATALOGUE = [entry for entry in _read_catalogue("fr") if entry.id]

# Sentences in which French says it without the word, or means another: "a next step", « un pas de plus ».
EXCEPTIONS = {
    "step": [
        "Of those who took a first step, most stand at “{rung}”: {share} have not climbed on from there, and",
        "offer those who sign a next step, sharing with friends for one, and record it",
        "offer those who reach “{last}” a next step, sharing with friends for one, and record it",
        "how many would go further is not known; shown to one half and not to the other, drawn by chance, a next step",
    ],
    "variant": ["Visitors did not fall into the variants as planned {where} ({p}): {arms}."],
    "control": ["Here the notebook has controls, which work in JupyterLab."],
    "signer": ["Hollow: with those that signers brought."],
    "referrer": ["a column channel of the events, which funnel.with_channels reads from tags and referrers"],
    "rung": ["Went on to a higher rung", "How soon people climb to a higher rung"],
}


def rows():
    """Return each term with its French forms and both meanings."""
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("| ")]
    return [row for row in cells if row[0] not in ("English", "---")]


TERMS = {english: [form.strip() for form in french.split(",")] for english, french, *_ in rows()}


def uses(term, sentence):
    """Tell whether an English sentence has the word, in the singular or the plural. Code has none."""
    plural = rf"(?:{re.escape(term[:-1])}ies|{re.escape(term)}s?)" if term.endswith("y") else rf"{re.escape(term)}s?"
    return re.search(rf"\b{plural}\b", re.sub(r"\{\w+\}|“funnel \w+”|funnel\.\w+", "", sentence).casefold()) is not None


def translations(term):
    """Yield the English and the French of every sentence that has the word."""
    for entry in CATALOGUE:
        for english, french in zip(_strings(entry.id), _strings(entry.string), strict=True):
            if uses(term, english):
                yield english, french


def is_excepted(term, english):
    return any(english.startswith(start) for start in EXCEPTIONS.get(term, ()))


def says(term, french):
    """Tell whether a French sentence has one of the forms, or the English word as the name of a column."""
    return any(form in french.casefold() for form in [*TERMS[term], term])


def test_every_row_has_both_languages_and_every_term_one_row():
    assert all(len(row) == 4 and all(row) for row in rows())
    assert len(TERMS) == len(rows()) > 50


def test_the_page_keeps_the_typography_that_it_asks_for():
    for english, french, _, meaning in rows():
        assert not re.search(r"[ ][:;!?%»]|«[ ]|'|\.\.\.", french + meaning), english


@pytest.mark.parametrize("term", TERMS)
def test_where_english_has_the_word_french_has_its_own(term):
    other = [
        (english, french)
        for english, french in translations(term)
        if not is_excepted(term, english) and not says(term, french)
    ]
    assert other == []


def test_every_exception_is_one():
    for term, starts in EXCEPTIONS.items():
        without = [english for english, french in translations(term) if is_excepted(term, english)]
        assert len(without) == len(starts), term
        for english, french in translations(term):
            if is_excepted(term, english):
                assert not says(term, french), english


def test_the_turns_to_avoid_are_avoided():
    turns = r"convertit|converti(s|r|ssent)?\b|tels? qu[e’]|\bceux en |\blaisse\w* place|verdict est retenu|escompt"
    said = [text for entry in CATALOGUE for text in _strings(entry.string)]
    assert [text for text in said if re.search(turns, text)] == []
