"""A declared analysis, run: the report, its numbers as files, and a manifest that says what they were made from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnel.analysis import Analysis, Data
from funnel.errors import DefinitionError
from funnel.language import language
from funnel.registration import Registration, beside, registered_chapter, standings
from funnel.report import campaign_report
from funnel.report.provenance import made_with
from funnel.results import write
from funnel.runs import figures
from funnel.runs.data import described, files_of
from funnel.runs.folder import MADE_BY, MANIFEST, SCHEMA, hashes, replaced
from funnel.runs.registered import tell
from funnel.runs.results import answered, results_of, written
from funnel.runs.seeds import seeds
from funnel.sections.typed import as_csv, as_parquet

if TYPE_CHECKING:
    from funnel.report import Report

REPORT, RESULTS, TABLES, FIGURES = "report.html", "results.json", "tables", "figures"


@dataclass(frozen=True)
class Run:
    """What a run wrote: its folder, how many sections, tables and figures, and why there are no figures, if so."""

    folder: Path
    sections: int
    tables: int
    figures: int
    why_no_figures: str


def run(
    campaign: str | os.PathLike[str],
    out: str | os.PathLike[str] = "out",
    *,
    data: str | None = None,
    memory_limit: str | None = None,
) -> Run:
    """Run the analysis that a campaign.yml declares, and write everything it answers to the folder `out`.

    `data` is read instead of what the file says. The same data and the same file give the same bytes; nothing in the
    folder says when or where it was made. A folder of an earlier run is replaced, once all is written; a folder with
    anything else in it is refused.
    """
    analysis = Analysis.read(campaign)
    place = beside(campaign)
    registration = Registration.read(place) if place.exists() else None
    with replaced(Path(out)) as folder:
        read = analysis.data or Data()
        files = _files(read, data)
        events = read.connect(data, memory_limit=memory_limit)
        report = tell(campaign_report(events, analysis), analysis, registration)
        report.save(folder / REPORT)
        about = {
            "data": described(events, files),
            "analysis": {"fingerprint": analysis.fingerprint(), "declared": (report.declared or {})["analysis"]},
            "registration": _registration(analysis, registration),
        }
        write(folder / RESULTS, written(results_of(report, **about)))
        tables = _tables(report, folder / TABLES)
        why = figures.why_none()
        drawn = 0 if why else _figures(report, folder / FIGURES)
        write(folder / MANIFEST, written(_manifest(about, hashes(folder))))
    return Run(Path(out), len(list(answered(report))), tables, drawn, why)


def _files(read: Data, source: str | None) -> dict[str, Path]:
    place = read.events if source is None else source
    if place is None:
        raise DefinitionError("Nothing says where the events are. Give `data: events:` in campaign.yml, or --data.")
    return files_of(place, *(each for each in (read.relays, read.mentions) if each))


def _tables(report: Report, folder: Path) -> int:
    """Write the numbers of each chapter as CSV and as Parquet; return how many chapters have numbers."""
    count = 0
    for chapter, _, columns in answered(report):
        if columns:
            write(folder / f"{chapter.name}.csv", as_csv(columns))
            (folder / f"{chapter.name}.parquet").write_bytes(as_parquet(columns))
            count += 1
    return count


def _figures(report: Report, folder: Path) -> int:
    charts = {chapter.name: chapter.chart for chapter, _, _ in answered(report) if chapter.chart is not None}
    figures.draw(charts, folder)
    return len(charts)


def _registration(analysis: Analysis, registration: Registration | None) -> dict[str, Any] | None:
    if registration is None:
        return None
    questions = [
        {
            "question": f"{each.key}[{each.name}]" if each.name else each.key,
            "standing": each.stands,
            "differs": [{"key": one.key, "registered": one.before, "asked": one.after} for one in each.differs],
        }
        for each in standings(analysis, registration)
    ]
    told = registered_chapter(analysis, registration, language(analysis.language))
    return {"hash": registration.hash, "sentence": told.sentence, "questions": questions}


def _manifest(about: dict[str, Any], files: dict[str, str]) -> dict[str, Any]:
    registration = about["registration"]
    return {
        "made_by": MADE_BY,
        "schema": SCHEMA,
        "data": about["data"],
        "analysis": about["analysis"]["fingerprint"],
        "registration": registration and registration["hash"],
        "made_with": made_with(),
        "seeds": seeds(),
        "files": files,
    }
