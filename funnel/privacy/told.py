"""What a page says of what it does not show."""

from __future__ import annotations

from collections.abc import Sequence

from funnel.language import Language
from funnel.privacy.frames import Published


def told(published: Sequence[Published], words: Language) -> str:
    """Return what is hidden in these frames, in a sentence or two."""
    if not published:
        return ""
    k = words.number(published[0].k)
    hidden = sum(each.hidden for each in published)
    if not hidden:
        return words.text("No number here is of fewer than {k} people, so nothing is hidden.", k=k)
    return words.plural(
        "{n} number is hidden here, so that nothing can be learned of a group of fewer than {k} people: {small}"
        " counts of so few, {covering} counts that would reveal one of them, {derived} numbers made of such counts.",
        "{n} numbers are hidden here, so that nothing can be learned of a group of fewer than {k} people: {small}"
        " counts of so few, {covering} counts that would reveal one of them, {derived} numbers made of such counts.",
        hidden,
        k=k,
        small=words.number(sum(each.small for each in published)),
        covering=words.number(sum(each.covering for each in published)),
        derived=words.number(sum(each.derived for each in published)),
    )
