"""The outline of a campaign's report: its sections in order, who writes each, and what data each asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from funnel.language import message
from funnel.report.climbing import ladder_chapters
from funnel.report.experiment import experiment_chapters
from funnel.report.forgone import forgone_chapters
from funnel.report.privacy import privacy_chapters
from funnel.report.quality import quality_chapters
from funnel.report.spreading import attribution_chapters, mention_chapters, referral_chapters, relay_chapters
from funnel.report.steps import (
    change_chapters,
    counting_chapters,
    day_chapters,
    definition_chapters,
    follow_up_chapters,
    funnel_chapters,
    group_chapters,
)
from funnel.sections.chapter import Chapter

if TYPE_CHECKING:
    from funnel.report.measured import Measured


class Part(NamedTuple):
    """A section of the report: its chapters, and where there are none, what would be told and what it would take."""

    write: Callable[[Measured], Iterable[Chapter]]
    told: str = ""
    needs: str = ""


OUTLINE: dict[str, Part] = {
    "funnel": Part(funnel_chapters),
    "by": Part(
        group_chapters,
        message("Which sources bring visitors who sign"),
        message("a column of the events that says where each visit came from, such as channel or device"),
    ),
    "changes": Part(change_chapters),
    "follow-ups": Part(
        follow_up_chapters,
        message("What people do after they have signed"),
        message("events of what can follow a signature, such as share or partner_click"),
    ),
    "experiments": Part(
        experiment_chapters,
        message("Which page after the signature works best"),
        message("events of thanks_shown with a column variant, drawn by chance, thanks_only among them"),
    ),
    "forgone": Part(
        forgone_chapters,
        message("What a bare “thank you” cost"),
        message("an experiment with thanks_only, and a column referred_by or link_id that says who brought whom"),
    ),
    "referrals": Part(
        referral_chapters,
        message("Who brought whom, and whether the petition grows by itself"),
        message("a column referred_by, the visitor whose link was used, or a column link_id"),
    ),
    "relays": Part(
        relay_chapters,
        message("What relays brought"),
        message("a column relay of the events, or a table relays beside them"),
    ),
    "mentions": Part(
        mention_chapters,
        message("What television, radio and the press brought"),
        message("a table mentions beside the events: mention, kind, aired_from, timezone"),
    ),
    "attribution": Part(
        attribution_chapters,
        message("Which channels are credited"),
        message("a column channel of the events, which funnel.with_channels reads from tags and referrers"),
    ),
    "ladder": Part(
        ladder_chapters,
        message("How far people climb"),
        message("events of what can follow a signature, such as share or partner_click"),
    ),
    "days": Part(day_chapters),
    "counting": Part(counting_chapters),
    "definition": Part(definition_chapters),
    "quality": Part(quality_chapters),
    "privacy": Part(privacy_chapters),
}


def chapters(measured: Measured) -> list[Chapter]:
    """Return the chapters that were asked for and that the events have something for, then what is missing for more."""
    asked = measured.analysis.sections or tuple(OUTLINE)
    found = {name: list(OUTLINE[name].write(measured)) for name in asked}
    written = [chapter for name in asked if name not in _CLOSING for chapter in found[name]]
    missing = _missing([name for name in asked if not found[name]], measured)
    closing = [chapter for name in asked if name in _CLOSING for chapter in found[name]]
    return [*written, *missing, *closing]


_CLOSING = ("privacy",)


def _missing(names: list[str], measured: Measured) -> list[Chapter]:
    words = measured.words
    if measured.analysis.experiments is not None and not measured.analysis.experiments:
        names = [name for name in names if name not in ("experiments", "forgone")]  # none was wanted
    paragraphs = tuple(
        words.text("{what}: give {data}.", what=words.text(OUTLINE[name].told), data=words.text(OUTLINE[name].needs))
        for name in names
        if OUTLINE[name].told
    )
    if not paragraphs:
        return []
    return [Chapter("missing", words.text("What more data would tell"), paragraphs=paragraphs)]
