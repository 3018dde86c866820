"""One sentence beside each chart, read from its numbers and never saying more than they do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from funnel.language import Language
from funnel.sections.tables import span
from funnel.stats import same_share
from funnel.stats.significance import DOUBTFUL

if TYPE_CHECKING:
    import pandas

ENOUGH_VISITORS = 100


def of_steps(frame: "pandas.DataFrame", steps: Sequence[str], words: Language) -> str:
    """Where most people are lost between two steps; follow-ups are no steps that anyone owes us."""
    later = frame[frame["step"].isin(steps) & frame["after"].notna()]
    if later["dropped"].isna().any():
        return ""  # the largest of them may be one that is hidden
    if later.empty or not later["dropped"].sum():
        return words.text("Nobody whose time is over has been lost so far.")
    worst = later.loc[later["dropped"].idxmax()]
    return words.text(
        "The largest loss is between “{after}” and “{step}”: {dropped} people stop there.",
        after=words.name(worst["after"]),
        step=words.name(worst["step"]),
        dropped=words.number(int(worst["dropped"])),
    )


def of_follow_ups(frame: "pandas.DataFrame", last_step: str, words: Language) -> str:
    """What those who finished did next, and how many did nothing more."""
    closed = frame["visitors"].sum() - frame["pending"].sum()
    nothing = frame[frame["combination"] == "none"]
    if closed < ENOUGH_VISITORS or nothing.empty or nothing["last_step_rate"].isna().all():
        return words.text("Not enough people have come to the end for their follow-ups to be told in shares.")
    rate = float(nothing["last_step_rate"].iloc[0])
    others = frame[frame["combination"] != "none"].groupby("combination", sort=False)["visitors"].sum()
    if others.empty or not others.max():
        return words.text("Nobody who reached “{step}” has done anything more.", step=words.name(last_step))
    return words.text(
        "After “{step}”, {none} did nothing more; the most frequent follow-up was “{best}” ({n} people).",
        step=words.name(last_step),
        none=words.percent(rate),
        best=words.name(str(others.idxmax())),
        n=words.number(int(others.max())),
    )


def of_curves(frame: "pandas.DataFrame", words: Language) -> str:
    """How far each outcome's curve has risen where it ends."""
    told = []
    for after, curves in frame[frame["rate"].notna()].groupby("after", sort=False):
        ends = curves.groupby("outcome", sort=False).last()
        reached = [
            words.text("{rate} had reached “{outcome}”", rate=words.percent(rate), outcome=words.name(str(outcome)))
            for outcome, rate in ends["rate"].items()
        ]
        time = words.duration(curves["elapsed_seconds"].max())
        told.append(
            words.text(
                "By {time} after “{step}”, {outcomes}.",
                time=time,
                step=words.name(str(after)),
                outcomes=words.listing(reached),
            )
        )
    return " ".join(told) or words.text("Nobody has done anything more yet.")


def of_cohorts(frame: "pandas.DataFrame", words: Language) -> str:
    """The best and the worst day of entry, among days with enough visitors, each at its greatest age."""
    known = frame[frame["overall_rate"].notna() & (frame["visitors"] >= ENOUGH_VISITORS)]
    if known.empty:
        return words.text("No day has brought enough visitors for its rate to mean anything.")
    common = int(known.groupby("entered_on")["age_days"].max().min())
    rates = known[known["age_days"] == common].set_index("entered_on")["overall_rate"]
    if len(rates) < 2:
        return words.text("All visitors entered on the same day.")
    days = known[known["age_days"] == common]
    if not same_share((days["overall_rate"] * days["visitors"]).round(), days["visitors"]).p < DOUBTFUL:
        return words.text("The days of entry differ no more than chance alone would make them.")
    return words.plural(
        "{n} day after entry, visitors of {best} went furthest ({high}), those of {worst} least far ({low}).",
        "{n} days after entry, visitors of {best} went furthest ({high}), those of {worst} least far ({low}).",
        common,
        best=words.date(rates.idxmax()),
        worst=words.date(rates.idxmin()),
        high=words.percent(rates.max()),
        low=words.percent(rates.min()),
    )


def of_sensitivity(frame: "pandas.DataFrame", words: Language) -> str:
    """How far the rate moves when the same events are counted in other ways."""
    rates = frame["overall_rate"].dropna()
    if len(rates) < 2:
        return words.text("There is not enough data to compare ways of counting.")
    if rates.max() - rates.min() < 0.001:
        return words.text(
            "The way of counting hardly matters here: every one of them gives about {rate}.",
            rate=words.percent(rates.mean()),
        )
    return words.text(
        "The same events give from {low} to {high}, depending on the way of counting."
        " Name the way when you quote the number.",
        low=words.percent(rates.min()),
        high=words.percent(rates.max()),
    )


def of_times(frame: "pandas.DataFrame", words: Language) -> str:
    """The most frequent span of time to each step."""
    told = []
    for (step, after), spans in frame.groupby(["step", "after"], sort=False):
        most: Any = spans.loc[spans["visitors"].idxmax()]
        told.append(
            words.text(
                "From “{after}” to “{step}”, most often: {span}.",
                step=words.name(str(step)),
                after=words.name(str(after)),
                span=span(most["elapsed_from_seconds"], most["elapsed_to_seconds"], words),
            )
        )
    return " ".join(told) or words.text("Nobody has converted yet.")


def of_medians(frame: "pandas.DataFrame", steps: Sequence[str], words: Language) -> str:
    """How soon those who reach the last step do so."""
    last: Any = frame.set_index("step").loc[steps[-1]]
    if last["median_seconds_from_entry"] != last["median_seconds_from_entry"]:
        return words.text("Nobody has converted yet.")
    return words.text(
        "Half of those who reach “{last}” do so within {median} of “{first}”, nine tenths within {ninth}.",
        first=words.name(steps[0]),
        last=words.name(steps[-1]),
        median=words.duration(last["median_seconds_from_entry"]),
        ninth=words.duration(last["p90_seconds_from_entry"]),
    )


def group_name(value: object, words: Language) -> str:
    """Return the name of a group, or words for the group whose value is not known."""
    if value is None or value != value:  # noqa: PLR0124 - NaN is unequal to itself
        return words.text("not given")
    return words.name(str(value))
