"""The second sentence of a verdict: how sure it is."""

from __future__ import annotations

from funnel.language import Language
from funnel.verdicts.decision import FEWEST, safety_of
from funnel.verdicts.told import Told, amount, between, gap, quoted


def how_sure(told: Told, words: Language) -> str:
    """Return the difference, its interval and p-value, or why there is none."""
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
        return _room(told, words)
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


def _room(told: Told, words: Language) -> str:
    """Return how large the differences may be that the data do not exclude."""
    rows = told.compared
    values = {
        "interval": between(told.primary, rows["simultaneous_low"].min(), rows["simultaneous_high"].max(), words),
        "p": words.chance(rows["p_adjusted"].min()),
    }
    if len(rows) == 1:
        return words.text("The data leave room for a difference of {interval} (95% interval; {p}).", **values)
    return words.text(
        "The data leave room for differences of {interval} (95% for all variants at once; adjusted {p} or more).",
        **values,
    )


def _passed_over(variant: str, told: Told, words: Language) -> str:
    """Return why a variant with a higher rate is not the one to show."""
    values = {"variant": words.name(variant), "rate": amount(told.primary, told.row(variant)["rate"], words)}
    if safety_of(told.frame, variant) == "harmful":
        return words.text("“{variant}” comes to {rate}, but does harm", **values)
    return words.text("“{variant}” comes to {rate}, but is not shown safe", **values)


def _difference(told: Told, words: Language) -> str:
    """Return the difference of the variant spoken of, with the interval that holds for all variants at once."""
    row = told.row(str(told.decision.variant))
    if len(told.compared) == 1:
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
