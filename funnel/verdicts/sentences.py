"""The verdict in three sentences: what to do; how sure that is; which correction ran, and what is not known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnel.comparisons.looking import Look
from funnel.comparisons.table import Whole
from funnel.design import Measure
from funnel.exposures import Exposures
from funnel.language import Language
from funnel.verdicts.decision import FEWEST, Decision, safety_of

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Told:
    """What the sentences are made of."""

    found: Exposures
    cells: Whole
    frame: pandas.DataFrame
    split: pandas.DataFrame
    look: Look
    decision: Decision

    @property
    def primary(self) -> Measure:
        """The primary outcome."""
        return self.found.design.measures[0]

    @property
    def control(self) -> str:
        """The control."""
        return self.found.variants[0]

    def row(self, variant: str, label: str | None = None) -> Any:
        """Return the row of a variant on an outcome; on the primary one unless named."""
        frame = self.frame
        return frame[(frame["outcome"] == (label or self.primary.label)) & (frame["variant"] == variant)].iloc[0]


def verdict(told: Told, words: Language) -> tuple[str, str, str]:
    """Return the three sentences."""
    return _to_do(told, words), _how_sure(told, words), _not_known(told, words)


def _to_do(told: Told, words: Language) -> str:
    decision, values = told.decision, _names(told, words)
    match decision.code:
        case "split broken":
            return words.text("This experiment cannot be read: the split is broken.")
        case "not enough data":
            return words.plural(
                "Not enough data: “{variant}” has {n} visitor whose {window} are over, and “{outcome}” came"
                " {total} times in all.",
                "Not enough data: “{variant}” has {n} visitors whose {window} are over, and “{outcome}” came"
                " {total} times in all.",
                int(told.row(str(decision.variant))["visitors"]),
                total=words.number(float(told.frame.loc[told.frame["outcome"] == told.primary.label, "total"].sum())),
                **values,
            )
        case "wait":
            return _wait(told, words)
        case "adopt":
            return words.text(
                "Show “{variant}”: “{outcome}” comes to {rate} within {window}, against {base} with “{control}”.",
                **values,
            )
        case "harmful":
            return words.text(
                "Keep “{control}”: “{variant}” brings more “{outcome}” ({rate} against {base}), but does harm"
                " ({harms}).",
                harms=words.listing(_guarded(told, words, "harmful")),
                **values,
            )
        case "not shown safe":
            return words.text(
                "Do not show “{variant}” to everyone yet: it brings more “{outcome}” ({rate} against {base}), but is"
                " not shown safe ({guardrails}).",
                guardrails=words.listing(_guarded(told, words, "not shown safe")),
                **values,
            )
        case "keep control":
            return words.text(
                "Keep “{control}”: every other variant brings less “{outcome}” within {window}.", **values
            )
    return words.text(
        "No variant is shown to bring more “{outcome}” within {window} than “{control}”: keep it, or choose on other"
        " grounds.",
        **values,
    )


def _wait(told: Told, words: Language) -> str:
    planned = told.found.design.planned or 0
    return words.text(
        "Do not decide yet: {visitors} of the {planned} planned visitors have had their {window}.",
        visitors=words.number(told.look.visitors),
        planned=words.number(planned),
        window=words.duration(told.primary.window / 1e6),
    )


def _names(told: Told, words: Language) -> dict[str, str]:
    values = {
        "outcome": words.name(told.primary.label),
        "control": words.name(told.control),
        "window": words.duration(told.primary.window / 1e6),
        "base": amount(told.primary, told.row(told.control)["rate"], words),
    }
    if told.decision.variant is not None:
        values["variant"] = words.name(told.decision.variant)
        values["rate"] = amount(told.primary, told.row(told.decision.variant)["rate"], words)
    return values


def _how_sure(told: Told, words: Language) -> str:
    code = told.decision.code
    if code == "split broken":
        return _broken(told, words)
    if code == "not enough data":
        return words.plural(
            "A comparison needs {n} visitor or more in each arm, and at least one “{outcome}”.",
            "A comparison needs {n} visitors or more in each arm, and at least one “{outcome}”.",
            FEWEST,
            outcome=words.name(told.primary.label),
        )
    if code == "wait" and told.found.design.looks == "fixed":
        now, daily = told.look.error_when_peeking()
        return words.text(
            "So far {difference}, but a fixed test read now and again at the end errs in {now} of cases instead of 5%,"
            " and one read daily in {daily}.",
            difference=_difference(told, words),
            now=words.percent(now, 0),
            daily=words.percent(daily, 0),
        )
    if code == "no difference":
        rows = told.frame[(told.frame["outcome"] == told.primary.label) & told.frame["difference"].notna()]
        low, high = rows["simultaneous_low"].min(), rows["simultaneous_high"].max()
        return words.text(
            "The data leave room for differences of {interval} (95% for all variants at once; adjusted {p} or more).",
            interval=between(told.primary, low, high, words),
            p=words.chance(rows["p_adjusted"].min()),
        )
    if code == "wait":
        return words.text("So far {difference}.", difference=_difference(told, words))
    said = [_difference(told, words)]
    if told.decision.rivals:
        said.append(
            words.text(
                "it cannot be told apart from {rivals}",
                rivals=words.listing([quoted(each, words) for each in told.decision.rivals]),
            )
        )
    said += [_passed_over(variant, told, words) for variant in told.decision.passed_over]
    return words.text("The data show this: {clauses}.", clauses=words.text("; ").join(said))


def _passed_over(variant: str, told: Told, words: Language) -> str:
    """Return why a variant with a higher rate is not the one to show."""
    values = {"variant": words.name(variant), "rate": amount(told.primary, told.row(variant)["rate"], words)}
    if safety_of(told.frame, variant) == "harmful":
        return words.text("“{variant}” comes to {rate}, but does harm", **values)
    return words.text("“{variant}” comes to {rate}, but is not shown safe", **values)


def _difference(told: Told, words: Language) -> str:
    """Return the difference of the variant spoken of, with the interval that holds for all variants at once."""
    row = told.row(str(told.decision.variant))
    if len(told.found.variants) == 2:
        return words.text(
            "“{variant}” differs from “{control}” by {difference} (95% interval {interval}; {p})",
            variant=words.name(str(told.decision.variant)),
            control=words.name(told.control),
            difference=gap(told.primary, row["difference"], words),
            interval=between(told.primary, row["difference_low"], row["difference_high"], words),
            p=words.chance(row["p_adjusted"]),
        )
    return words.text(
        "“{variant}” differs from “{control}” by {difference} (95% interval {interval}, all variants at once; adjusted"
        " {p})",
        variant=words.name(str(told.decision.variant)),
        control=words.name(told.control),
        difference=gap(told.primary, row["difference"], words),
        interval=between(told.primary, row["simultaneous_low"], row["simultaneous_high"], words),
        p=words.chance(row["p_adjusted"]),
    )


def _broken(told: Told, words: Language) -> str:
    """Name the check that speaks against the split most."""
    failed = told.split[told.split["is_mismatch"]]
    worst = failed.loc[failed["p_adjusted"].idxmin()]
    where = {
        "overall": words.text("over the whole experiment"),
        "sequential": words.text("at one of the daily looks"),
        "day": words.text("on some days"),
        "segment": words.text("in some groups of visitors"),
    }[worst["check"]]
    found = told.found
    arms = [
        words.text(
            "“{variant}” {visitors} ({share} planned)",
            variant=words.name(variant),
            visitors=words.number(cell.visitors + cell.pending),
            share=words.percent(found.shares[variant], 0),
        )
        for variant, cell in told.cells[told.primary.label].items()
    ]
    return words.text(
        "Visitors did not fall into the variants as planned {where} ({p}): {arms}.",
        where=where,
        p=words.chance(worst["p_adjusted"]),
        arms=words.listing(arms),
    )


def _not_known(told: Told, words: Language) -> str:
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
    comparisons, looks = len(told.found.variants) - 1, told.found.design.looks
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
    pending = int(told.frame.loc[told.frame["outcome"] == told.primary.label, "pending"].sum())
    if pending:
        found.append(words.plural("what {n} pending visitor will do", "what {n} pending visitors will do", pending))
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


def _guarded(told: Told, words: Language, answer: str) -> list[str]:
    """Return the guardrails of the variant spoken of that got an answer, each with its difference and margin."""
    rows = told.frame[
        (told.frame["role"] == "guardrail")
        & (told.frame["variant"] == told.decision.variant)
        & (told.frame["safety"] == answer)
    ]
    return [
        words.text(
            "“{outcome}” {difference}, at most {high} by the interval, margin {margin}",
            outcome=words.name(row["outcome"]),
            difference=words.points(row["difference"], 2),
            high=words.points(row["difference_high"], 2),
            margin=words.points(row["margin"], 2),
        )
        for _, row in rows.iterrows()
    ]


def amount(measure: Measure, value: float, words: Language) -> str:
    """Return a rate as a percentage, or a number per visitor."""
    return words.percent(value) if measure.kind == "share" else words.number(value, 3)


def gap(measure: Measure, value: float, words: Language) -> str:
    """Return a difference in percentage points, or in numbers per visitor."""
    return words.points(value) if measure.kind == "share" else words.signed(value)


def between(measure: Measure, low: float, high: float, words: Language) -> str:
    """Return the ends of an interval of differences in one phrase, open where it is unbounded."""
    if math.isinf(low) and math.isinf(high):
        return words.text("any size, up or down")
    if math.isinf(low) or math.isinf(high):
        end = gap(measure, high if math.isinf(low) else low, words)
        return words.text("{end} or less", end=end) if math.isinf(low) else words.text("{end} or more", end=end)
    if measure.kind == "share":
        return words.text("{low} to {high} points", low=words.signed(low * 100, 1), high=words.signed(high * 100, 1))
    return words.text("{low} to {high}", low=words.signed(low), high=words.signed(high))


def quoted(name: str, words: Language) -> str:
    """Return a name in quotation marks."""
    return words.text("“{name}”", name=words.name(name))
