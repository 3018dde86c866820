"""A ladder in words: how far people climbed, what their next step was, and what to keep in mind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from funnel.climbing.measures import NONE_YET
from funnel.events import Events
from funnel.language import Language, message
from funnel.wording import complete_to

if TYPE_CHECKING:
    import pandas

    from funnel.results import Saying

TITLES = MappingProxyType(
    {
        "rungs": message("How far people climb"),
        "transitions": message("From one rung to the next"),
        "times": message("How soon people climb to a higher rung"),
        "fatigue": message("What the first ask brings, and the next ones"),
        "value": message("What a signer brings, by the highest rung"),
    }
)
REMARKS = MappingProxyType(
    {
        "rungs": message(
            "Rungs are in order of how much they ask, not of time: the highest that somebody ever reached counts,"
            " and who reached it without a lower one has skipped that one."
        ),
        "so_far": message("All of it is so far: who came lately has had little time, so that rates can only grow."),
        "transitions": message(
            "Next is the first rung above all those reached before it. Who has not climbed yet may still do so; how"
            " soon people do is a question for the times."
        ),
        "times": message(
            "Whoever has not climbed by the end of the data counts for as long as they were followed. At the far end"
            " few are, and the intervals are wide."
        ),
        "fatigue": message(
            "This is observed and not tried: who is asked again is not like who is asked once, so that a lower rate is"
            " not what asking again does. Only an experiment tells that."
        ),
        "value": message(
            "Signers are grouped by what they have done, which is no effect of the rung: who goes further also brings"
            " more for reasons of their own."
        ),
        "value_without_friend": message(
            "The rung of bringing a friend is left out: it would group signers by what they bring."
        ),
        "value_in_all": message(
            "What a signer brings in all supposes that whoever they bring goes on to bring as many as signers do on"
            " average. Signatures downstream count for everyone above them, so those of several rungs do not add up."
        ),
        "variant": message(
            "Groups by what was shown: who was shown nothing is a group of its own, and what came before it was shown"
            " is no effect of it."
        ),
    }
)


def title(name: str) -> Saying:
    """Return what an answer is called."""
    return lambda words: words.text(TITLES[name])


def heading(words: Language, by: tuple[str, ...]) -> str:
    """Return what the whole is called, with what it is broken down by."""
    if not by:
        return title("rungs")(words)
    columns = words.listing([words.name(name) for name in by])
    return words.text("How far people climb, by {columns}", columns=columns)


def remark(name: str) -> Saying:
    """Return a sentence to keep in mind."""
    return lambda words: words.text(REMARKS[name])


def remarks(events: Events, frame: pandas.DataFrame, *, is_shown: bool) -> tuple[Saying, ...]:
    """Return what to keep in mind with the whole."""
    said = [remark("rungs"), remark("so_far")]
    if is_shown:
        said.append(remark("variant"))
    if events.cutoff_is_default and len(frame):
        said.append(partial(complete_to, events))
    return tuple(said)


def times_remarks(doubtful: Sequence[tuple[str, float]]) -> tuple[Saying, ...]:
    """Return what to keep in mind with times, and where groups differ."""
    return (remark("times"), *(partial(_differ, label=label, p=p) for label, p in doubtful))


def _differ(words: Language, label: str, p: float) -> str:
    return words.text(
        "From “{rung}”, the groups climb on at different rates, more than chance allows (log-rank, {chance}).",
        rung=words.name(label),
        chance=words.chance(p),
    )


def climbed_by(frame: pandas.DataFrame, words: Language) -> str:
    """Return, for each rung, how many had climbed on by the longest time that all groups were followed: a sentence."""
    told = []
    for after, rows in frame.groupby("after", sort=False):
        until = float(rows.groupby("outcome")["elapsed_seconds"].max().min())
        rates = rows[rows["elapsed_seconds"] <= until].groupby("outcome", sort=False)["rate"].last()
        place = {"time": words.duration(until), "rung": words.name(str(after))}
        if len(rates) == 1:
            rate = words.percent(float(rates.iloc[0]))
            told.append(words.text("By {time} after “{rung}”, {rate} had climbed on.", rate=rate, **place))
            continue
        told.append(
            words.text(
                "By {time} after “{rung}”, from {low} ({worst}) to {high} ({best}) had climbed on.",
                low=words.percent(float(rates.min())),
                worst=words.name(str(rates.idxmin())),
                high=words.percent(float(rates.max())),
                best=words.name(str(rates.idxmax())),
                **place,
            )
        )
    return " ".join(told) or words.text("Nobody is on the ladder yet.")


def fatigue_remarks(within_seconds: float) -> tuple[Saying, ...]:
    """Return what to keep in mind with asks: that it is observed, and how they are counted."""
    return (remark("fatigue"), partial(_counted, seconds=within_seconds))


def _counted(words: Language, seconds: float) -> str:
    return words.text(
        "An answer counts within {time} of the ask and before the next one; from the third ask on they are not told"
        " apart. Rates are of those whose time is over.",
        time=words.duration(seconds),
    )


def climbed(frame: pandas.DataFrame, moves: pandas.DataFrame, words: Language) -> str:
    """Return how many came how far, and where most of those who climb on go next, in two or three sentences.

    `frame` has a row a rung and no groups.
    """
    entered = int(frame["visitors"].iloc[0])
    if not entered:
        return words.text("Nobody is on the ladder yet.")
    said = [
        words.plural(
            "{n} person came to the ladder: {rungs}.",
            "{n} people came to the ladder: {rungs}.",
            entered,
            rungs=words.listing([_reached(row, words) for _, row in frame.iterrows()]),
        )
    ]
    last = frame[frame["reached"] > 0].iloc[-1]
    said.append(_top(last, is_top=last["rung"] == frame["rung"].iloc[-1], words=words))
    going = _going(moves, words)
    return " ".join([*said, going] if going else said)


def _reached(row: pandas.Series, words: Language) -> str:
    return words.text(
        "{rate} reached “{rung}”", rate=words.percent(float(row["rate"])), rung=words.name(str(row["rung"]))
    )


def _top(row: pandas.Series, *, is_top: bool, words: Language) -> str:
    name = words.name(str(row["rung"]))
    if not is_top:
        return words.text("Nobody has gone further than “{rung}” yet.", rung=name)
    return words.plural(
        "{n} person stands at the top, “{rung}”.",
        "{n} people stand at the top, “{rung}”.",
        int(row["highest"]),
        rung=name,
    )


def _going(moves: pandas.DataFrame, words: Language) -> str:
    """Say on which rung above the lowest most people stand who could climb further, if anybody climbed from there."""
    waiting = moves[(moves["to"] == NONE_YET) & (moves["rung"] != moves["rung"].iloc[-1]) & moves["share"].notna()]
    climbing = waiting[(waiting["share"] < 1) & (waiting["rung"] != moves["rung"].iloc[0])]
    if climbing.empty:
        return ""
    worst = climbing.loc[climbing["visitors"].idxmax()]
    onward = moves[(moves["rung"] == worst["rung"]) & (moves["to"] != NONE_YET)]
    best = onward.loc[onward["visitors"].idxmax()]
    return words.text(
        "Of those who took a first step, most stand at “{rung}”: {share} have not climbed on from there, and those who"
        " have went most often to “{to}”.",
        rung=words.name(str(worst["rung"])),
        share=words.rate(float(worst["share"]), float(worst["share_low"]), float(worst["share_high"])),
        to=words.name(str(best["to"])),
    )


def value_remarks(frame: pandas.DataFrame, *, has_friend: bool) -> tuple[Saying, ...]:
    """Return whose signers bring most, and what to keep in mind with it."""
    said: list[Saying] = [partial(_brought, frame=frame), remark("value")]
    if has_friend:
        said.append(remark("value_without_friend"))
    return (*said, remark("value_in_all"))


def _brought(words: Language, frame: pandas.DataFrame) -> str:
    known = frame[frame["k_factor"].map(math.isfinite) & frame["rung"].notna()]
    if known.empty or not known["brought"].sum():
        return words.text("Nobody on the ladder has brought anybody yet.")
    best = known.loc[known["k_factor"].idxmax()]
    return words.text(
        "Signers whose highest rung is “{rung}” bring most: {estimate} each once all have had time.",
        rung=words.name(str(best["rung"])),
        estimate=words.estimate(float(best["k_factor"]), float(best["k_factor_low"]), float(best["k_factor_high"])),
    )
