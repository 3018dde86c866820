"""Sentences that tell nothing of few people: what a table hides, the words beside it must not say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from funnel.language import UNKNOWN

if TYPE_CHECKING:
    import pandas

    from funnel.language import Language

# People, and what each of them does once, as sentences of both languages count them.
_PEOPLE = (
    r"visitors?|people|persons?|signatures?|signers?|friends?|of them|visiteur\w*|visiteuse\w*|personnes?|gens"
    r"|signataires?|ami\w*|d’entre"
)
_COUNTED = re.compile(rf"(?<![\d.,\u202f\u00a0–-])(\d{{1,2}})[ \u00a0\u202f](?:{_PEOPLE})\b")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-ZÀÂÉÈÊÎÔÇ“«\d])")
FEWEST = 10
_NUMERAL = r"(?<![\w.,\u202f\u00a0]){}(?![\w\u202f]|[.,]\d)"


def hidden_words(full: pandas.DataFrame, hidden: pandas.DataFrame, words: Language) -> frozenset[str]:
    """Return how the numbers that a frame hides are written: counts of two digits and more, rates, differences."""
    found: set[str] = set()
    for column in map(str, full.columns[hidden.any().to_numpy()]):
        values = full[column][hidden[column]]
        if values.dtype.kind in "iuf":
            found.update(*(_written(value, column, words) for value in values.dropna()))
    return frozenset(found) - {UNKNOWN}


def _written(value: float, column: str, words: Language) -> tuple[str, ...]:
    """Return the ways in which a number of a column stands in sentences; counts under ten have a rule of their own."""
    if column.startswith(("difference", "simultaneous", "shrunk")):
        return (*(words.signed(value * 100, digits) for digits in (1, 2)), words.signed(value))
    if abs(value) <= 1:
        return (words.percent(value),)
    return (words.number(value), words.number(value, 0)) if value >= FEWEST else ()


def discreet(text: str, secret: frozenset[str], *, k: int, words: Language) -> str:
    """Return the text without the sentences that count fewer than `k` people or give a number in `secret`.

    What was left out is told in a sentence at the end; empty where nothing is left of a text.
    """
    sentences = _SENTENCE.split(text)
    kept = [each for each in sentences if not _tells(each, secret, k)]
    if len(kept) == len(sentences):
        return text
    if not kept:
        return ""
    return " ".join(
        [*kept, words.text("What would tell of fewer than {k} people is left out here.", k=words.number(k))]
    )


def _tells(sentence: str, secret: frozenset[str], k: int) -> bool:
    if any(0 < int(found[1]) < k for found in _COUNTED.finditer(sentence)):
        return True
    return any(re.search(_NUMERAL.format(re.escape(each)) + _follows(each), sentence) for each in secret)


def _follows(number: str) -> str:
    """Return what must come after a hidden number: one of two digits is a count of people, or else a day or a rank."""
    return rf"[ \u00a0\u202f](?:{_PEOPLE})\b" if re.fullmatch(r"\d\d", number) else ""
