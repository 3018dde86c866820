"""What relays bring, in words: who brings most, with what certainty, and what to keep in mind."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from funnel.events import from_epoch_us
from funnel.language import Language, message
from funnel.relayed.counting import Counted, Tally
from funnel.relayed.measures import DAY_US, FEWEST_RELAYS, compared
from funnel.wording import complete_to

if TYPE_CHECKING:
    import pandas

    from funnel.results import Saying

TITLES = MappingProxyType(
    {
        "relays": message("What each relay brought, directly and through friends"),
        "generations": message("What each relay brought, by generation"),
        "waves": message("Relays who agreed before launch, and after"),
        "first_day": message("What the first 24 hours led to"),
    }
)


@dataclass(frozen=True)
class Told:
    """What the sentences need: who was counted, what a generation counts of the one before, the window in seconds."""

    counted: Counted
    discount: float
    window_seconds: float


def title(name: str) -> Saying:
    """Return what an answer is called, by the method that gives it."""
    return lambda words: words.text(TITLES[name])


def remarks(told: Told) -> tuple[Saying, ...]:
    """Return what to keep in mind with the whole."""
    counted = told.counted
    said: list[Saying] = [_observed, partial(_rate, told=told), partial(_downstream, told=told)]
    if told.discount:
        said.append(_rough)
    said += _dates(counted)
    declared = int(counted.is_declared.sum())
    if declared:
        said.append(partial(_declared, count=declared))
    if counted.both:
        said.append(partial(_both, count=counted.both))
    if counted.spread.outside:
        said.append(partial(_outside, count=counted.spread.outside))
    if counted.events.cutoff_is_default:
        said.append(partial(complete_to, counted.events))
    return tuple(said)


def remarks_on_generations(told: Told) -> tuple[Saying, ...]:
    """Return what to keep in mind with the generations."""
    return (partial(_downstream, told=told),)


def remarks_on_waves(told: Told, frame: pandas.DataFrame) -> tuple[Saying, ...]:
    """Return what to keep in mind with relays before and after launch."""
    said: list[Saying] = [_chosen, _less_time]
    if frame["p"].isna().any():
        said.append(_too_few)
    sides = compared(told.counted)
    late = sum(told.counted.wave(each) is not None for each in told.counted.relays) - sum(map(len, sides.values()))
    if late:
        said.append(partial(_late, count=late))
    return (*said, *_dates(told.counted))


def remarks_on_first_day(told: Told) -> tuple[Saying, ...]:
    """Return what to keep in mind with the first 24 hours."""
    said: list[Saying] = [_begun, _one_campaign]
    if told.counted.spread.cutoff_us < told.counted.launched_us + DAY_US:
        said.append(_not_over)
    return (*said, *_dates(told.counted))


def _dates(counted: Counted) -> list[Saying]:
    """Return what is not known of relays, and of the launch."""
    said: list[Saying] = []
    if counted.launch_is_default:
        said.append(partial(_launched, counted=counted))
    if not counted.has_table:
        return [*said, _no_table]
    named = [each for each in counted.relays if each.name is not None]
    unlisted = [each for each in named if not each.is_listed]
    undated = [each for each in named if each.is_listed and each.agreed_us is None]
    if unlisted:
        said.append(partial(_unlisted, relays=unlisted))
    if undated:
        said.append(partial(_undated, relays=undated))
    return said


def _observed(words: Language) -> str:
    return words.text(
        "Which relay somebody came by first is seen, and not why: some would have signed without it, and who heard of"
        " the petition from a relay and came another way counts for no relay."
    )


def _rate(words: Language, told: Told) -> str:
    return words.text(
        "The rate is of visitors who came {window} or longer before the data ends: the share who signed within that"
        " time.",
        window=words.duration(told.window_seconds),
    )


def _downstream(words: Language, told: Told) -> str:
    if told.discount == 1:
        return words.text("Signatures that friends brought, and their friends in turn, count in full.")
    if told.discount == 0:
        return words.text("Signatures that friends brought do not count, as was asked.")
    return words.text(
        "A signature that a friend brought counts {discount}, and each further generation {discount} times the one"
        " before.",
        discount=words.number(told.discount),
    )


def _rough(words: Language) -> str:
    return words.text(
        "Intervals of sums are for what would come on average, trees of such sizes coming by chance; where one tree"
        " holds much of the sum, they are wide."
    )


def _launched(words: Language, counted: Counted) -> str:
    return words.text(
        "The launch is taken to be the first visit, {moment}.",
        moment=words.moment(from_epoch_us(counted.launched_us), counted.events.timezone),
    )


def _no_table(words: Language) -> str:
    return words.text("There is no table of relays, so nothing is known of when they agreed, nor of their audience.")


def _unlisted(words: Language, relays: list[Tally]) -> str:
    return words.plural(
        "{n} relay that events name is not in the table of relays: {names}.",
        "{n} relays that events name are not in the table of relays: {names}.",
        len(relays),
        names=_names(relays, words),
    )


def _undated(words: Language, relays: list[Tally]) -> str:
    return words.plural(
        "When {n} relay agreed is not known: {names}.",
        "When {n} relays agreed is not known: {names}.",
        len(relays),
        names=_names(relays, words),
    )


def _names(relays: list[Tally], words: Language, most: int = 5) -> str:
    names = [words.name(str(each.name)) for each in relays[:most]]
    if len(relays) > most:
        names.append(words.plural("{n} other", "{n} others", len(relays) - most))
    return words.listing(names)


def _declared(words: Language, count: int) -> str:
    return words.plural(
        "{n} signer named a relay by signing alone (a code, an answer): counted among its signatures, in no rate.",
        "{n} signers named a relay by signing alone (a code, an answer): counted among its signatures, in no rate.",
        count,
    )


def _both(words: Language, count: int) -> str:
    return words.plural(
        "{n} visitor came by a relay and by a signer’s link as well, and counts for the tree of that signer.",
        "{n} visitors came by a relay and by a signer’s link as well, and count for the tree of that signer.",
        count,
    )


def _outside(words: Language, count: int) -> str:
    return words.plural(
        "{n} signer who names a referrer is in no tree, and in no row.",
        "{n} signers who name a referrer are in no tree, and in no row.",
        count,
    )


def _chosen(words: Language) -> str:
    return words.text(
        "Relays are the units, each weighing alike. Nobody drew by lot who was asked before launch: those relays may"
        " have brought more whenever they agreed."
    )


def _less_time(words: Language) -> str:
    return words.text("Relays who agreed later also had less time to bring signatures, and their friends to follow.")


def _too_few(words: Language) -> str:
    return words.plural(
        "Where fewer than {n} relay is on a side, nothing is compared.",
        "Where fewer than {n} relays are on a side, nothing is compared.",
        FEWEST_RELAYS,
    )


def _late(words: Language, count: int) -> str:
    return words.plural(
        "{n} relay agreed after the data ends, and is left out.",
        "{n} relays agreed after the data ends, and are left out.",
        count,
    )


def _begun(words: Language) -> str:
    return words.text(
        "Downstream are signatures that friends brought in these 24 hours, later those that the same trees brought"
        " afterwards; all count in full."
    )


def _one_campaign(words: Language) -> str:
    return words.text("That a strong first day makes a petition grow cannot be told from one petition.")


def _not_over(words: Language) -> str:
    return words.text("The first 24 hours are not over in these data.")


def brought(told: Told, relays: pandas.DataFrame, waves: pandas.DataFrame, words: Language) -> str:
    """Return two or three sentences: what relays brought, which of them most, and whether early ones brought more."""
    named = relays[relays["relay"].notna()]
    if not named["signatures"].sum():
        return words.text("No signature came by a relay yet.")
    told_so = [_in_all(told, named, words), _most(told, named.iloc[0], words)]
    signatures = waves.set_index("measure").loc["signatures"]
    if math.isfinite(signatures["difference_low"]):
        told_so.append(_by_wave(signatures, words))
    return " ".join(told_so)


def _in_all(told: Told, named: pandas.DataFrame, words: Language) -> str:
    everyone = told.counted.signatures
    direct, total = float(named["signatures"].sum()), float(named["total"].sum())
    values = {
        "direct": words.number(direct, 0),
        "all": words.number(everyone),
        "share": words.percent(direct / everyone),
        "total": words.number(total, 0),
    }
    if not told.discount:
        return words.text("Of {all} signatures, {direct} ({share}) came directly by relays.", **values)
    if told.discount < 1:
        return words.text(
            "Of {all} signatures, {direct} ({share}) came directly by relays; with those that friends brought in turn,"
            " discounted, they count for {total}.",
            **values,
        )
    return words.text(
        "Of {all} signatures, {direct} ({share}) came directly by relays; with those that friends brought in turn it is"
        " {total} ({total_share}).",
        **values,
        total_share=words.percent(total / everyone),
    )


def _most(told: Told, first: pandas.Series, words: Language) -> str:
    values = {
        "relay": words.name(str(first["relay"])),
        "direct": words.number(int(first["signatures"])),
        "total": words.number(first["total"], 0),
        "low": words.number(first["total_low"], 0),
        "high": words.number(first["total_high"], 0),
        "k": words.number(first["k_factor"], 2),
    }
    if not told.discount:
        return words.text("“{relay}” brought most so far: {direct} (95% interval {low} to {high}).", **values)
    if math.isnan(first["k_factor"]):
        return words.text(
            "“{relay}” brought most so far: {direct} directly and {total} in all (95% interval {low} to {high}).",
            **values,
        )
    return words.text(
        "“{relay}” brought most so far: {direct} directly and {total} in all (95% interval {low} to {high}), each of"
        " its direct signers bringing {k} others once all have had time.",
        **values,
    )


def _by_wave(signatures: pandas.Series, words: Language) -> str:
    values = {
        "before": words.number(signatures["before"], 0),
        "after": words.number(signatures["after"], 0),
    }
    if signatures["difference_low"] > 0:
        return words.text(
            "Relays who agreed before launch brought more: {before} direct signatures each, against {after}; they also"
            " had more time.",
            **values,
        )
    if signatures["difference_high"] < 0:
        return words.text(
            "Relays who agreed before launch brought fewer, though they had more time: {before} direct signatures each,"
            " against {after}.",
            **values,
        )
    return words.text(
        "Whether relays who agreed before launch bring more than later ones cannot be told: {before} direct signatures"
        " each, against {after}, with too few relays or too uneven ones.",
        **values,
    )
