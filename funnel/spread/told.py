"""How a petition spreads, in words: whether it would grow by itself, and what to keep in mind."""

from __future__ import annotations

import math
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from funnel.language import Language, message
from funnel.spread.measures import Spread
from funnel.wording import complete_to

if TYPE_CHECKING:
    import pandas

    from funnel.results import Saying

TITLES = MappingProxyType(
    {
        "generations": message("Who signed by themselves, and who by a friend’s link"),
        "over_time": message("How many signatures one signature brings, day by day"),
        "offspring": message("How many signers brought how many"),
        "cycle": message("From a signature to those it brings"),
        "trees": message("The largest trees"),
    }
)
REMARKS = MappingProxyType(
    {
        "generations": message(
            "Signatures per signer are corrected for signers whose friends have not had time yet; later generations"
            " rest on few signers."
        ),
        "over_time": message(
            "Signatures that came without a friend’s link count as imported: they bring others, and nobody brought"
            " them. The interval allows for the few who bring most."
        ),
        "offspring": message("Expected is what a negative binomial law with this mean and dispersion would give."),
        "cycle": message("Shares are freed of the haste of recent ones, of whom only quick friends have come."),
        "trees": message(
            "Structural virality is the mean distance between two signatures of a tree: near 2 where one person brought"
            " all, more where friends brought friends."
        ),
    }
)
PROBLEMS = MappingProxyType(
    {
        "parent missing": message("their referrer did not sign here"),
        "cycle": message("their referrers lead back to themselves"),
        "parent signed later": message("their referrer signed later"),
        "parent in no tree": message("their referrer is in no tree"),
    }
)


def title(name: str) -> Saying:
    """Return what an answer is called, by the method that gives it."""
    return lambda words: words.text(TITLES[name])


def remark(name: str) -> Saying:
    """Return what to keep in mind with an answer."""
    return lambda words: words.text(REMARKS[name])


def remarks(spread: Spread) -> tuple[Saying, ...]:
    """Return what to keep in mind with the whole: how trees are read, who is in none, what is complete to when."""
    said: list[Saying] = [remark("generations"), _observed]
    if len(spread.cycle.time):
        said.append(partial(_followed, longest=spread.cycle.longest))
    if spread.outside:
        said.append(partial(_outside, spread=spread))
    for problem, told in (("self-referral", _own_link), ("two parents", _two_links)):
        if spread.forest.problems[problem]:
            said.append(partial(told, count=spread.forest.problems[problem]))
    events = spread.forest.events
    if events.cutoff_is_default:
        said.append(partial(complete_to, events))
    return tuple(said)


def _own_link(words: Language, count: int) -> str:
    return words.plural(
        "{n} signer came by their own link; that is no referral.",
        "{n} signers came by their own links; that is no referral.",
        count,
    )


def _two_links(words: Language, count: int) -> str:
    return words.plural(
        "{n} signer came by the links of two others; the first counts.",
        "{n} signers came by the links of two others; the first counts.",
        count,
    )


def _observed(words: Language) -> str:
    return words.text(
        "Who used whose link is seen, and not why: some would have signed without it, and word of mouth leaves no link."
    )


def _followed(words: Language, longest: float) -> str:
    return words.text(
        "Of friends who come later than {time}, the longest that anybody was followed, nothing can be known.",
        time=words.duration(longest),
    )


def _outside(words: Language, spread: Spread) -> str:
    reasons = [
        words.text("{reason} ({n})", reason=words.text(source), n=words.number(spread.forest.problems[problem]))
        for problem, source in PROBLEMS.items()
        if spread.forest.problems[problem]
    ]
    return words.plural(
        "{n} signer is in no tree: {reasons}.",
        "{n} signers are in no tree: {reasons}.",
        spread.outside,
        reasons=words.listing(reasons),
    )


def grown(spread: Spread, numbers: pandas.DataFrame, words: Language) -> str:
    """Return two or three sentences: how many were brought, whether it would grow by itself, what is still to come."""
    told = numbers.set_index("measure")
    referred, k_factor = int(told.loc["referred", "value"]), spread.k_factor
    if not referred:
        return words.plural(
            "The {n} signer came without a friend’s link: nobody has brought anybody yet.",
            "All {n} signers came without a friend’s link: nobody has brought anybody yet.",
            len(spread.lineage),
        )
    k, low, high = (words.number(float(each), 2) for each in (k_factor.value, k_factor.low, k_factor.high))
    said = [
        words.text(
            "{referred} of {signatures} signatures ({share}) came by the links of signers: {k} for each signer once all"
            " have had time (95% interval {low} to {high}).",
            referred=words.number(referred),
            signatures=words.number(len(spread.lineage)),
            share=words.percent(referred / len(spread.lineage)),
            k=k,
            low=low,
            high=high,
        ),
        alone(spread, words),
    ]
    coming = told.loc["signatures still to come"]
    if math.isfinite(coming["high"]):
        said.append(
            words.text(
                "From the links of those who have signed, about {n} signatures are still to come ({low} to {high}).",
                n=words.number(coming["value"], 0),
                low=words.number(coming["low"], 0),
                high=words.number(coming["high"], 0),
            )
        )
    return " ".join(said)


def alone(spread: Spread, words: Language) -> str:
    """Return whether it would grow without the media and the relays."""
    value, low, high = (float(each) for each in (spread.k_factor.value, spread.k_factor.low, spread.k_factor.high))
    if low > 1:
        return words.text("It would grow without the media and the relays: each signer brings more than one other.")
    if not high < 1:
        return words.text("Whether it would grow without the media and the relays cannot be told yet.")
    return words.text(
        "It would not grow without the media and the relays: whoever comes by themselves leads to {total} signatures in"
        " the end, their own included ({low} to {high}), and then it dies out.",
        total=words.number(1 / (1 - value), 2),
        low=words.number(1 / (1 - low), 2),
        high=words.number(1 / (1 - high), 2),
    )
