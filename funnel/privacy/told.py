"""What a page says of what it does not show."""

from __future__ import annotations

from collections.abc import Sequence

from funnel.language import Language
from funnel.privacy.frames import Published


def told(published: Sequence[Published], words: Language) -> str:
    """Return what is hidden in these frames, in a sentence or two: numbers, and points left out of curves."""
    if not published:
        return ""
    k = words.number(published[0].k)
    numbers = [each for each in published if not _is_curve(each)]
    points = sum(int(each.mask.any(axis=1).sum()) for each in published if _is_curve(each))
    hidden = sum(each.hidden for each in numbers)
    if not hidden and not points:
        return words.text("No number here is of fewer than {k} people, so nothing is hidden.", k=k)
    said = []
    if hidden:
        small, covering, derived = (
            sum(getattr(each, name) for each in numbers) for name in ("small", "covering", "derived")
        )
        parts = [
            words.plural("{n} count of so few", "{n} counts of so few", small) if small else "",
            words.plural(
                "{n} count that would reveal one of them", "{n} counts that would reveal one of them", covering
            )
            if covering
            else "",
            words.plural("{n} number made of such counts", "{n} numbers made of such counts", derived)
            if derived
            else "",
        ]
        said.append(
            words.plural(
                "{n} number is hidden here, so that nothing can be learned of a group of fewer than {k} people:"
                " {parts}.",
                "{n} numbers are hidden here, so that nothing can be learned of a group of fewer than {k} people:"
                " {parts}.",
                hidden,
                k=k,
                parts=words.listing([part for part in parts if part]),
            )
        )
    if points:
        said.append(
            words.text(
                "Curves are drawn through fewer points than there are, so that {k} people or more lie between two.", k=k
            )
        )
    return " ".join(said)


def _is_curve(published: Published) -> bool:
    return {"elapsed_seconds", "at_risk"} <= set(published.frame.columns)
