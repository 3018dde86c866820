"""The report of a campaign: the answer first, then everything it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from funnel.analysis import PLACES, Brand
from funnel.errors import FunnelError
from funnel.language import language
from funnel.pages import Logo, read_style
from funnel.report.answer import Told, answer
from funnel.report.measured import Measured
from funnel.report.outline import OUTLINE, chapters
from funnel.report.provenance import made_with, provenance
from funnel.report.report import Report
from funnel.report.tiles import key_numbers

if TYPE_CHECKING:
    from funnel.analysis import Analysis
    from funnel.events import Events

SCHEMA = 1


def campaign_report(events: Events, analysis: Analysis) -> Report:
    """Return the whole report of an analysis, ready to save.

    What the analysis leaves open is asked as one usually would, as far as the events allow: groups by channel and
    device, the experiments against `thanks_only`, relays, mentions. A question that cannot be asked says why.
    """
    words = language(analysis.language)
    measured = Measured(events, analysis, words)
    report = Report(
        analysis.title or words.text("The campaign’s funnel"),
        language=analysis.language,
        least=analysis.least,
        declared={
            "schema": SCHEMA,
            "analysis": _declared(analysis),
            "fingerprint": events.fingerprint(),
            "made_with": made_with(),
        },
    )
    if analysis.brand.css is not None:
        report.brand_css = read_style(analysis.brand.css)
    if analysis.brand.logo is not None:
        report.logo = Logo.read(analysis.brand.logo, analysis.brand.name or report.title)
    report.chapters.extend(chapters(measured))
    _begin(report, measured)
    definitions = [
        (words.text("Definition"), analysis.funnel),
        *((words.text("Experiment"), each) for each in measured.trials),
    ]
    report.footer.extend(provenance(events, definitions, words))
    return report


def _begin(report: Report, measured: Measured) -> None:
    """Put the answer and the key numbers first, without what the chapters hide."""
    words, least = report.words, report.least
    shown = {each.name: each.result.frame for each in report.published().every() if each.result is not None}
    report.lead.extend(answer(_told(measured), words, least=least, shown=shown))
    changed = replace(measured.changes, frame=shown.get("changes", measured.changes.frame))
    report.numbers.extend(key_numbers(measured.funnel, changed, words, least=least, shown=shown.get("funnel")))


def _told(measured: Measured) -> Told:
    """Return what was answered, for the first three sentences; what no section tells is not asked for them either."""
    sections = measured.analysis.sections or tuple(OUTLINE)
    return Told(
        measured.funnel,
        experiments=[
            each for _, each in _of(measured, "experiments", sections) or () if not isinstance(each, FunnelError)
        ],
        forgone=list((_of(measured, "forgone", sections) or {}).values()),
        referrals=_of(measured, "referrals", sections),
        relays=_of(measured, "relays", sections),
        mentions=_of(measured, "mentions", sections),
    )


def _of(measured: Measured, name: str, sections: Sequence[str]) -> Any:
    """Return the answers of a section that is told; None where they are none."""
    answer = getattr(measured, name) if name in sections else None
    return None if isinstance(answer, FunnelError) else answer


def _declared(analysis: Analysis) -> dict[str, object]:
    """Return what decides the page's words and numbers, without the places of files on whoever's machine made it."""
    data = None if analysis.data is None else replace(analysis.data, **dict.fromkeys(PLACES))
    told = replace(analysis, data=data, brand=Brand()).as_dict()
    return {name: value for name, value in told.items() if value != {}}
