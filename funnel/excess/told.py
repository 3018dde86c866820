"""What mentions brought, in words: which most, with what certainty, and what to keep in mind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from funnel.events import from_epoch_us
from funnel.excess.daily import Daily
from funnel.excess.measures import Looked
from funnel.excess.windows import CLEAR, LEVEL_MINUTES, Window
from funnel.language import Language, message
from funnel.wording import complete_to

if TYPE_CHECKING:
    import pandas

    from funnel.results import Saying

TITLES = MappingProxyType(
    {
        "mentions": message("What each mention brought above what is usual"),
        "lives": message("What each mention brought in all"),
        "channels": message("How those whom mentions brought arrived"),
        "minutes": message("Minute by minute around a mention"),
        "days": message("Day by day, with and without the mention"),
        "placebo": message("Mentions beside windows in which nothing aired"),
    }
)
REMARKS = MappingProxyType(
    {
        "lives": message(
            "The first life is the excess of the window; what friends of signers of the window brought is added in"
            " proportion. The second life is counted, not estimated: whoever came by the re-shared link."
        ),
        "channels": message("Each channel has its own baseline, so channels need not add up to the whole exactly."),
        "minutes": message("The band is where 95% of counts lie when nothing has aired."),
        "placebo": message(
            "The score is the excess over its standard error. Windows that overlap share events, so they tell less than"
            " their number says."
        ),
    }
)
# The same in a sentence.
WHY = MappingProxyType(
    {
        "outside the data": message("“{name}” aired outside the data, which have nothing to say of it."),
        "first day of the data": message(
            "“{name}” has no baseline: it aired on the first day of the data, and nothing tells what was usual then."
        ),
        "no hours before it": message("“{name}” has no baseline: the hours before it are not in the data."),
        "window not over": message("“{name}” is not measured: its window is not over in these data."),
        "tracker down": message(
            "“{name}” is not measured: in its window or the hours before, the tracker seems to have been down."
        ),
        "no comparable day": message(
            "“{name}” has no baseline: on every other day within reach, these hours are another mention’s, in an outage"
            " or outside the data."
        ),
        "no count on comparable days": message(
            "On days comparable with “{name}” nothing was counted in these hours, so the ratio has a lower end only."
        ),
        "same start as others": message(
            "“{name}” and {others} began at the same minute: what they brought is counted together."
        ),
        "not told apart from others": message(
            "“{name}” and {others} overlap too closely to be told apart: what they brought is counted together."
        ),
        "too few minutes to tell apart": message(
            "“{name}” and {others} overlap, with too few counts to tell them apart: what they brought is counted"
            " together."
        ),
        "not told apart from the baseline": message(
            "What “{name}” brought fades too slowly to be told from what is usual."
        ),
        "told apart from others": message(
            "The window of “{name}” overlaps others: a regression in which the excess of each fades by halves tells"
            " them apart."
        ),
    }
)


def title(name: str) -> Saying:
    """Return what an answer is called, by the method that gives it."""
    return lambda words: words.text(TITLES[name])


def title_of(name: str, mention: str) -> Saying:
    """Return what an answer about one mention is called."""
    return lambda words: words.text("{title}: “{mention}”", title=words.text(TITLES[name]), mention=words.name(mention))


def remark(name: str) -> Saying:
    """Return what to keep in mind with an answer."""
    return lambda words: words.text(REMARKS[name])


def remarks(looked: Looked, frame: pandas.DataFrame) -> tuple[Saying, ...]:
    """Return what to keep in mind with the whole."""
    tallied = looked.tally
    said: list[Saying] = [_observed, _unlinked, partial(_baseline, looked=looked)]
    over = frame.loc[frame["dispersion"].gt(1) & frame["p"].notna(), "mention"].drop_duplicates()
    wide = [name for name in over if _is_over(looked, str(name))]
    if wide:
        said.append(partial(_spread, names=wide))
    said += reasons(frame)
    if tallied.is_out.any():
        said.append(partial(_outage, minutes=int(tallied.is_out.sum())))
    changed = [window for stretch, window in looked.windows if not stretch.reason and _clocks_change(window)]
    said += [partial(_changed, window=window) for window in changed]
    if tallied.events.cutoff_is_default:
        said.append(partial(complete_to, tallied.events))
    return tuple(said)


def reasons(frame: pandas.DataFrame) -> list[Saying]:
    """Return a sentence for each mention that has no numbers, or numbers of a kind of their own."""
    told: dict[tuple[str, str], str | None] = {}
    for name, note, others in zip(frame["mention"], frame["note"], frame["together_with"], strict=True):
        if note in WHY:
            told.setdefault((str(note), str(name)), others)
    return [partial(_why, note=note, name=name, others=others) for (note, name), others in told.items()]


def _why(words: Language, note: str, name: str, others: str | None) -> str:
    rest = words.listing([_quoted(each, words) for each in (others or "").split(", ") if each])
    return words.text(WHY[note], name=words.name(name), others=rest)


def _quoted(name: str, words: Language) -> str:
    return words.text("“{name}”", name=words.name(name))


def _is_over(looked: Looked, name: str) -> bool:
    return any(
        found is not None and found.found.method == "quasi-poisson"
        for outcome in looked.tally.outcomes
        for found in looked.measured[outcome]
        if found is not None and name in [each.mention.name for each in found.stretch.members]
    )


def _observed(words: Language) -> str:
    return words.text(
        "Nobody drew by lot when a piece aired: whatever else happened in the same hours is in the excess too."
    )


def _unlinked(words: Language) -> str:
    return words.text(
        "Counted are visits and first signatures that no link of a signer, a relay or a mention explains. Who came in"
        " the window and signed after it is not in the excess of signatures."
    )


def _baseline(words: Language, looked: Looked) -> str:
    return words.text(
        "Usual is what the same clock hours had on comparable days within {reach} days, at the level of the {before}"
        " before the mention; windows of other mentions are left out, and whoever came in them when they come again.",
        reach=words.number(looked.reach_days),
        before=words.duration(60 * max(looked.effect_minutes, LEVEL_MINUTES)),
    )


def _spread(words: Language, names: list[str]) -> str:
    return words.text(
        "Comparable days vary more than chance alone would have it ({names}): those intervals are widened by as much"
        " (quasi-Poisson).",
        names=words.listing([_quoted(each, words) for each in names]),
    )


def _outage(words: Language, minutes: int) -> str:
    return words.plural(
        "{n} hour without any event, in which the tracker may have been down, is left out.",
        "{n} hours without any event, in which the tracker may have been down, are left out.",
        round(minutes / 60),
    )


def _changed(words: Language, window: Window) -> str:
    return words.text(
        "Clocks change around “{name}”: its window is elapsed time, and those of other days begin at the same clock"
        " time.",
        name=words.name(window.mention.name),
    )


def _clocks_change(window: Window) -> bool:
    zone, began = ZoneInfo(window.mention.zone), from_epoch_us(window.mention.from_us)
    ends = [began - timedelta(minutes=LEVEL_MINUTES), began + timedelta(minutes=window.end - window.start)]
    return len({each.astimezone(zone).utcoffset() for each in ends}) > 1


def brought(looked: Looked, frame: pandas.DataFrame, lives: pandas.DataFrame, words: Language) -> str:
    """Return two to four sentences: which mention brought most, its echo, and how many rose above what is usual."""
    signing = frame[(frame["outcome"] == looked.tally.outcomes[1]) & frame["excess"].notna()]
    visits = frame[(frame["outcome"] == looked.tally.outcomes[0]) & frame["excess"].notna()].set_index("mention")
    if signing.empty:
        return words.text("No mention has a baseline, so what they brought cannot be told.")
    first = signing.loc[signing["excess"].idxmax()]
    said = [_most(looked, first, visits.loc[first["mention"]], words)]
    life = lives[lives["mention"] == first["mention"]].iloc[0]
    said += _in_all(life, words)
    clear = visits[(visits["p"] < CLEAR) & (visits["excess"] > 0)]
    if len(visits) == len(clear) > 1:
        said.append(words.text("All {n} mentions with a baseline clearly brought visits.", n=words.number(len(clear))))
    elif len(visits) > 1 and visits["p"].notna().all():
        said.append(
            words.plural(
                "Of {n} mention with a baseline, {clear} clearly brought visits.",
                "Of {n} mentions with a baseline, {clear} clearly brought visits.",
                len(visits),
                clear=words.number(len(clear)),
            )
        )
    return " ".join(said)


def _most(looked: Looked, first: pandas.Series, visits: pandas.Series, words: Language) -> str:
    values = {
        "mention": words.name(str(first["mention"])),
        "signatures": words.number(first["excess"], 0),
        "low": words.number(first["excess_low"], 0),
        "high": words.number(first["excess_high"], 0),
        "visits": words.number(visits["excess"], 0),
        "visits_low": words.number(visits["excess_low"], 0),
        "visits_high": words.number(visits["excess_high"], 0),
        "window": words.duration(60 * looked.effect_minutes),
        "half": words.duration(60 * visits["half_life_minutes"]),
    }
    if not (first["excess_low"] > 0 or first["p"] < CLEAR):
        return words.text(
            "Of no mention is it clear that it brought signatures; “{mention}” comes nearest, {signatures} more than"
            " usual in {window} (95% interval {low} to {high}).",
            **values,
        )
    if math.isfinite(visits["half_life_minutes"]):
        return words.text(
            "“{mention}” brought most: in the {window} from its beginning, {visits} visits more than usual (95%"
            " interval {visits_low} to {visits_high}) and {signatures} signatures ({low} to {high}), fading by half"
            " every {half}.",
            **values,
        )
    return words.text(
        "“{mention}” brought most: in the {window} from its beginning, {visits} visits more than usual (95% interval"
        " {visits_low} to {visits_high}) and {signatures} signatures ({low} to {high}).",
        **values,
    )


def _in_all(life: pandas.Series, words: Language) -> Iterable[str]:
    values = {
        "second": words.number(int(life["second_life"])),
        "total": words.number(life["total"], 0),
        "low": words.number(life["total_low"], 0),
        "high": words.number(life["total_high"], 0),
        "thousand": words.number(life["per_thousand"], 1),
    }
    if not math.isfinite(life["total"]):
        return
    if life["second_life"]:
        yield words.text(
            "Re-shared as a link, it brought {second} signatures more; with what friends added it comes to about"
            " {total} ({low} to {high}).",
            **values,
        )
    else:
        yield words.text("With what friends added it comes to about {total} signatures ({low} to {high}).", **values)
    if math.isfinite(life["per_thousand"]):
        yield words.text("That is {thousand} for every thousand of its audience.", **values)


def remarks_on_days(found: Daily) -> tuple[Saying, ...]:
    """Return what to keep in mind with the days."""
    said: list[Saying] = [partial(_fitted_with, found=found)]
    left = int(found.left_out.sum())
    if left:
        said.append(partial(_left_out, count=left))
    if found.level is None:
        said.append(_no_level)
    if found.shared:
        said.append(partial(_shared, names=found.shared))
    if found.control is not None:
        said.append(_controlled)
    said.append(_observed)
    return tuple(said)


SHAPES = MappingProxyType(
    {
        "trend": message("a trend"),
        "weekends": message("weekends and holidays of Quebec"),
        "weekdays": message("days of the week"),
        "holidays": message("holidays of Quebec"),
        "control": message("the control"),
    }
)


def _fitted_with(words: Language, found: Daily) -> str:
    if not found.shape:
        return words.text("The series has too few days for more than a level.")
    return words.text(
        "The interrupted series is fitted with {shape}, on the days beside the mention’s.",
        shape=words.listing([words.text(SHAPES[each]) for each in found.shape]),
    )


def _left_out(words: Language, count: int) -> str:
    return words.plural(
        "{n} day is left out: seen in part, or another mention’s.",
        "{n} days are left out: seen in part, or another mention’s.",
        count,
    )


def _no_level(words: Language) -> str:
    return words.text("Too few days precede the mention for the local level model.")


def _controlled(words: Language) -> str:
    return words.text(
        "Events of the control are not counted: they tell what would have happened, as long as the mention did not"
        " touch them. People it brought who come back by a way that is in the control make the excess too small."
    )


def _shared(words: Language, names: Sequence[str]) -> str:
    return words.text(
        "The excess of these days holds what {names} brought too.",
        names=words.listing([words.text("“{name}”", name=words.name(name)) for name in names]),
    )


def over_days(found: Daily, window: Window, words: Language) -> str:
    """Return the summary of the days: what was counted, what was to be expected, and how sure the difference is."""
    total = found.series.cumulative
    seen = [
        float(each)
        for each, out in zip(
            found.counts[found.first : found.last + 1], found.left_out[found.first : found.last + 1], strict=True
        )
        if not out
    ]
    observed, excess = sum(seen), float(total.value)
    usual = observed - excess
    values = {
        "mention": words.name(window.mention.name),
        "outcome": words.name(found.outcome),
        "observed": words.number(observed, 0),
        "expected": words.number(usual, 0),
        "expected_low": words.number(observed - float(total.high), 0),
        "expected_high": words.number(observed - float(total.low), 0),
        "excess": words.signed(excess, 0),
        "low": words.signed(float(total.low), 0),
        "high": words.signed(float(total.high), 0),
        "relative": words.signed(100 * excess / usual, 0) if usual else words.signed(math.nan),
        "chance": words.chance(found.series.p),
    }
    counted = words.plural(
        "In {n} day from “{mention}” on there were {observed} ({outcome}), where {expected} were to be expected"
        " without it (95% interval {expected_low} to {expected_high}).",
        "In {n} days from “{mention}” on there were {observed} ({outcome}), where {expected} were to be expected"
        " without it (95% interval {expected_low} to {expected_high}).",
        len(seen),
        **values,
    )
    if float(total.low) > 0:
        told = words.text(
            "That is {excess} ({low} to {high}), or {relative}%: too much for chance alone ({chance}).", **values
        )
    elif float(total.high) < 0:
        told = words.text(
            "That is {excess} ({low} to {high}), or {relative}%: too little for chance alone ({chance}).", **values
        )
    else:
        told = words.text(
            "That is {excess} ({low} to {high}), or {relative}%, which may well be chance ({chance}).", **values
        )
    return f"{counted} {told}{_by_level(found, words)}"


def _by_level(found: Daily, words: Language) -> str:
    if found.level is None:
        return ""
    total = found.level.total
    return " " + words.text(
        "The local level model says {excess} ({low} to {high}).",
        excess=words.signed(float(total.value), 0),
        low=words.signed(float(total.low), 0),
        high=words.signed(float(total.high), 0),
    )
