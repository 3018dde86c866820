"""Credit for conversions, in words: who gets most by which model, and what to keep in mind."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from funnel.credited.counting import Counted
from funnel.credited.flow import FEWEST_VISITORS, MOST_TOUCHES
from funnel.credited.measures import MOST_AGED, Asked, is_drawn
from funnel.language import Language
from funnel.wording import complete_to

if TYPE_CHECKING:
    import pandas

    from funnel.results import Saying


def title(words: Language) -> str:
    """Return what the numbers are."""
    return words.text("How conversions are credited to what came before them")


def paths_title(words: Language) -> str:
    """Return what the flows of paths are."""
    return words.text("Which way visitors came, and who converted")


def paths_remarks(counted: Counted) -> tuple[Saying, ...]:
    """Return what to keep in mind with the flows of paths."""
    said: list[Saying] = [_rare]
    if counted.paths.lengths.max() > MOST_TOUCHES:
        said.append(_longer)
    return tuple(said)


def remarks(counted: Counted, asked: Asked, lookback_seconds: float) -> tuple[Saying, ...]:
    """Return what to keep in mind: a sentence or two each."""
    said: list[Saying] = [_not_causal, partial(_lookback, seconds=lookback_seconds)]
    if counted.untouched:
        said.append(partial(_untouched, counted=counted))
    if "last_non_direct" in asked.models and asked.direct not in counted.channels:
        said.append(partial(_no_direct, direct=asked.direct))
    if counted.downstream is None:
        said.append(_no_trees)
    else:
        said.append(_trees)
    if "time_decay" in asked.models and not is_drawn("time_decay", counted):
        said.append(_no_interval)
    events = counted.events
    if events.cutoff_is_default:
        said.append(partial(complete_to, events))
    return tuple(said)


def credited(frame: pandas.DataFrame, by: str, counted: Counted, words: Language) -> str:
    """Return two or three sentences: which channel gets most by which models, and that none is causal."""
    return f"{_most(frame, by, counted, words)} {_not_causal(words)}"


def _most(frame: pandas.DataFrame, by: str, counted: Counted, words: Language) -> str:
    if not counted.conversions:
        return words.text("Nobody converted, so there is nothing to credit.")
    touched = frame[frame[by].notna()]
    if counted.conversions == counted.untouched:
        return words.plural(
            "The only conversion had no touch before it, so no channel is credited with it.",
            "None of the {n} conversions had a touch before it, so no channel is credited with any.",
            counted.conversions,
        )
    best = touched.loc[touched.groupby("model", sort=False)["credited"].idxmax()]
    leaders: dict[str, list[str]] = {}
    for channel, model in zip(best[by], best["model"], strict=True):
        leaders.setdefault(str(channel), []).append(str(model))
    least, most = (words.percent(float(each)) for each in (best["share"].min(), best["share"].max()))
    if len(leaders) > 1:
        return words.text(
            "Which channel is credited with the largest share of the {n} conversions depends on the model: {leaders}.",
            n=words.number(counted.conversions),
            leaders=words.listing([_leader(channel, models, words) for channel, models in leaders.items()]),
        )
    (channel,) = leaders
    if least == most:
        return words.text(
            "The largest share of the {n} conversions ({share}) is credited to {channel}.",
            n=words.number(counted.conversions),
            share=most,
            channel=words.name(channel),
        )
    return words.text(
        "By every model the largest share of the {n} conversions is credited to {channel}: {least} to {most}, depending"
        " on the model.",
        n=words.number(counted.conversions),
        channel=words.name(channel),
        least=least,
        most=most,
    )


def _leader(channel: str, models: Sequence[str], words: Language) -> str:
    return words.text(
        "{channel} ({models})", channel=words.name(channel), models=", ".join(words.name(model) for model in models)
    )


def _not_causal(words: Language) -> str:
    return words.text(
        "None of these is causal: they share out what happened, and do not say what would have happened without a"
        " channel."
    )


def _lookback(words: Language, seconds: float) -> str:
    return words.text(
        "Touches count up to {time} before the first conversion; of visitors who have not converted, up to as long"
        " before their last touch.",
        time=words.duration(seconds),
    )


def _untouched(words: Language, counted: Counted) -> str:
    return words.plural(
        "{n} conversion ({share}) had no touch in that time; it is in the row without a channel.",
        "{n} conversions ({share}) had no touch in that time; they are in the row without a channel.",
        counted.untouched,
        share=words.percent(counted.untouched / counted.conversions),
    )


def _no_direct(words: Language, direct: str) -> str:
    return words.text(
        "No channel is called “{direct}”, so the last touch that is not direct is simply the last.",
        direct=words.name(direct),
    )


def _trees(words: Language) -> str:
    return words.text(
        "Downstream counts each signature for the channels of whoever began its tree, and so again sums to all"
        " conversions."
    )


def _no_trees(words: Language) -> str:
    return words.text(
        "Nothing says who brought whom (no column referred_by or link_id), so credit for what signers brought is left"
        " out."
    )


def _no_interval(words: Language) -> str:
    return words.text(
        "Time decay is without interval where more than {n} visitors converted.", n=words.number(MOST_AGED)
    )


def _rare(words: Language) -> str:
    return words.text(
        "Rare channels, and flows of fewer than {n} visitors, are gathered as “other”.",
        n=words.number(FEWEST_VISITORS),
    )


def _longer(words: Language) -> str:
    return words.text("Of longer paths, the last {n} touches are told.", n=words.number(MOST_TOUCHES))
