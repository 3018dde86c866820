"""The third sentence of a verdict: which correction ran, and what is not known."""

from __future__ import annotations

from funnel.language import Language
from funnel.verdicts.told import Told, quoted


def not_known(told: Told, words: Language) -> str:
    """Return the correction that ran, and what the numbers leave open."""
    if told.decision.code == "split broken":
        return words.text(
            "No correction mends that, and no difference is known: look for the cause first (redirects, caches, robots,"
            " exposures logged late, shares changed midway)."
        )
    return words.text(
        "Correction: {correction}; not known: {unknown}.",
        correction=corrected(told, words),
        unknown=words.listing(_unknown(told, words)),
    )


def corrected(told: Told, words: Language) -> str:
    """Return which correction ran on the primary outcome, for how many comparisons and for which way of looking."""
    comparisons, looks = len(told.compared), told.found.design.looks
    if looks == "fixed":
        if comparisons == 1:
            return words.text("none is needed for one comparison")
        return words.text("Holm over {n} comparisons, with Dunnett’s intervals", n=words.number(comparisons))
    if looks == "anytime":
        looking = words.text("valid however often one looks (confidence sequence)")
    elif told.look.is_planned:
        looking = words.plural(
            "for {n} planned look (O’Brien-Fleming)", "for {n} planned looks (O’Brien-Fleming)", int(looks)
        )
    else:
        looking = words.plural("for {n} look (Bonferroni)", "for {n} looks (Bonferroni)", int(looks))
    if comparisons == 1:
        return looking
    several = words.text("Holm over {n} comparisons, with Bonferroni’s intervals", n=words.number(comparisons))
    return words.text("{several}, {looking}", several=several, looking=looking)


def _unknown(told: Told, words: Language) -> list[str]:
    """Return what the numbers leave open: guardrails, pending visitors, other corners, and always what comes later."""
    found = []
    if told.decision.code == "adopt" and not told.found.design.guardrails:
        found.append(words.text("whether it does harm (no guardrail was declared)"))
    if told.decision.code not in ("adopt", "harmful", "not shown safe", "not enough data"):
        found += _unproven(told, words)
    if _is_at_odds(told):
        found.append(words.text("whether there is a difference at all (the interval for all variants at once holds 0)"))
    if told.pending:
        found.append(
            words.plural("what {n} pending visitor will do", "what {n} pending visitors will do", told.pending)
        )
    if told.found.design.looks == "fixed" and told.found.design.planned is None:
        found.append(words.text("whether the day of this look was fixed beforehand"))
    found.append(words.text("what happens after {window}", window=words.duration(told.primary.window / 1e6)))
    return found


def _is_at_odds(told: Told) -> bool:
    """Tell whether Holm, which steps down, finds a difference that the simultaneous interval does not exclude as 0."""
    if told.decision.code not in ("adopt", "harmful", "not shown safe", "keep control"):
        return False
    row = told.row(str(told.decision.variant))
    return bool(row["simultaneous_low"] <= 0 <= row["simultaneous_high"])


def _unproven(told: Told, words: Language) -> list[str]:
    rows = told.frame[(told.frame["role"] == "guardrail") & told.frame["safety"].isin(["harmful", "not shown safe"])]
    if rows.empty:
        return []
    variants = words.listing([quoted(each, words) for each in dict.fromkeys(rows["variant"])])
    return [words.text("whether {variants} would be safe", variants=variants)]
