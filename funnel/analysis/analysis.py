"""A declared analysis: what is asked of a campaign, of which data, and what is told of the answers."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Self, cast

from funnel.analysis.checks import (
    CHECKS,
    USUAL_LEAST,
    checked_by,
    checked_experiments,
    checked_least,
    wrong,
)
from funnel.analysis.data import Brand, Data, read_brand, read_data
from funnel.analysis.forms import EXPERIMENT, FUNNEL, LISTS, QUESTIONS, filled
from funnel.analysis.kinds import TEXT, Spoken
from funnel.analysis.places import Place, by_key
from funnel.attribution import Attribution
from funnel.experiments import Experiment
from funnel.funnels import Funnel
from funnel.ladder import Ladder
from funnel.mentions import Mentions
from funnel.referrals import Referrals
from funnel.relays import Relays

KEYS = (
    "title",
    "language",
    "period",
    "data",
    "funnel",
    "by",
    "experiments",
    *QUESTIONS,
    "sections",
    "privacy",
    "brand",
)
# What tells nothing of the numbers: how they are told, how many of them, and where the data lies.
UNCOUNTED = ("title", "language", "sections", "privacy", "brand")
PLACES = ("events", "table", "relays", "mentions")


@dataclass(frozen=True, eq=False)
class Analysis:
    """What is asked of a campaign, as a file `campaign.yml` says it: `docs/campaign.md` tells every key.

    `funnel`, then by what it is broken down, `experiments` and the other questions; None leaves each to what the events
    allow. `sections` are those that a report tells, in that order. `least`: counts below are hidden in what is
    published. `period`: how far back "the period before" is. `data`: where the events are. `brand`: how a page looks.

    Whatever is written in several ways is kept in one: '168 hours' and timedelta(days=7) as '7 days', a mapping in
    `where` as SQL. So two analyses that say the same are equal, and have the same `as_dict()` and `fingerprint()`.

    >>> declared = Analysis(Funnel.parse("visit > sign > (share) within 168 hours"), by=["channel"])
    >>> declared.as_dict()["funnel"]
    'visit > sign > (share) within 7 days'
    >>> Analysis.of(declared.as_dict()) == declared
    True
    """

    funnel: Funnel
    _: KW_ONLY
    by: Sequence[str] | None = None
    experiments: Sequence[Experiment] | None = None
    referrals: Referrals | None = None
    relays: Relays | None = None
    mentions: Mentions | None = None
    attribution: Attribution | None = None
    ladder: Ladder | None = None
    sections: Sequence[str] | None = None
    title: str | None = None
    language: str = "en"
    least: int = USUAL_LEAST
    period: str | timedelta = "7 days"
    data: Data | None = None
    brand: Brand = field(default_factory=Brand)

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        if not isinstance(self.funnel, Funnel):
            raise wrong("funnel", "funnel.Funnel(...), or Funnel.parse('visit > sign')", self.funnel)
        set_(self, "by", checked_by(self.funnel, self.by))
        set_(self, "funnel", FUNNEL.read(Place(FUNNEL.write(replace(self.funnel, by=())))))
        if self.experiments is not None:
            set_(self, "experiments", tuple(_again(EXPERIMENT, each) for each in checked_experiments(self.experiments)))
        for name, form in QUESTIONS.items():
            asked, kind = getattr(self, name), form.question
            if asked is not None and not isinstance(asked, kind):
                raise wrong(name, f"funnel.{kind.__name__}(...)", asked)
            set_(self, name, None if asked is None else _again(form, asked))
        set_(self, "least", checked_least(self.least))
        for name, check in CHECKS.items():
            set_(self, name, check(getattr(self, name)))
        if not isinstance(self.data, Data | None):
            raise wrong("data", "funnel.analysis.Data('data/sample')", self.data)
        if not isinstance(self.brand, Brand):
            raise wrong("brand", "funnel.analysis.Brand(css='brand.css')", self.brand)

    @classmethod
    def of(cls, said: Mapping[str, Any], *, folder: str | os.PathLike[str] | None = None) -> Self:
        """Return the analysis that a mapping says, such as `as_dict()` gives; its paths are as from `folder`.

        >>> Analysis.of({"funnel": "visit > sign", "laguage": "fr"})
        Traceback (most recent call last):
            ...
        funnel.errors.DefinitionError: laguage: 'laguage' is no key of an analysis. Did you mean 'language'? Known:
        title, language, period, data, funnel, by, experiments, referrals, relays, mentions, attribution, ladder,
        sections, privacy, brand.
        """
        return cls._read(Place(said, (), by_key), None if folder is None else Path(folder))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Return the analysis that a file campaign.yml says; its paths are as from the folder of the file.

        Raises SourceError where there is no such file, and DefinitionError with the line for whatever is wrong in it.
        """
        from funnel.analysis import files

        return cls._read(files.read(path), Path(path).parent)

    @classmethod
    def _read(cls, place: Place, folder: Path | None) -> Self:
        """Return the analysis of a mapping that may be in a file."""
        said = place.known(dict.fromkeys(KEYS), "an analysis")
        if "funnel" not in said:
            raise place.refused(
                "An analysis needs `funnel`. Write for example funnel: visit > sign > (share) within 7 days."
            )
        funnel = FUNNEL.read(said["funnel"])
        given: dict[str, Any] = {}
        for name, form in QUESTIONS.items():
            if name in said:
                given[name] = form.read(filled(said[name], funnel))
        if "experiments" in said:
            asked = [EXPERIMENT.read(each) for each in said["experiments"].items()]
            with said["experiments"].telling():
                given["experiments"] = checked_experiments(asked)
        for name, check in CHECKS.items():
            if name in said:
                value = TEXT.read(said[name]) if name == "title" else said[name].value
                with said[name].telling():
                    given[name] = check(value)
        if "by" in said:
            with said["by"].telling():
                given["by"] = checked_by(funnel, said["by"].value)
        if "privacy" in said:
            given["least"] = _read_least(said["privacy"])
        if "data" in said:
            given["data"] = read_data(said["data"], folder)
        if "brand" in said:
            given["brand"] = read_brand(said["brand"], folder)
        with place.telling():
            return cls(funnel, **given)

    def as_dict(self) -> dict[str, Spoken]:
        """Return the analysis as text, numbers, lists and mappings, in the shape of campaign.yml: all that it says.

        The same for analyses that are the same. No mapping's order is of meaning: what has one is in a list. What is as
        usual is left out, but for lengths of time.
        """
        said: dict[str, Spoken] = {}
        if self.title is not None:
            said["title"] = self.title
        said["language"] = self.language
        said["period"] = str(self.period)
        if self.data is not None:
            said["data"] = self.data.as_dict()
        said["funnel"] = FUNNEL.write(self.funnel)
        if self.by is not None:
            said["by"] = list(self.by)
        if self.experiments is not None:
            said["experiments"] = [EXPERIMENT.write(each) for each in self.experiments]
        for name, form in QUESTIONS.items():
            if getattr(self, name) is not None:
                said[name] = form.write(getattr(self, name))
        if self.sections is not None:
            said["sections"] = list(self.sections)
        said["privacy"] = {"hide_below": self.least}
        if self.brand != Brand():
            said["brand"] = self.brand.as_dict()
        return said

    def yaml(self) -> str:
        """Return the analysis as the text of a campaign.yml that reads as an equal one.

        >>> print(Analysis(Funnel.parse("visit > sign"), by=["channel"], language="fr").yaml())
        language: fr
        period: 7 days
        funnel: visit > sign within 7 days
        by: [channel]
        <BLANKLINE>
        privacy:
          hide_below: 10
        """
        from funnel.analysis import files

        return files.written(cast("dict[str, object]", files.as_people_write(self.as_dict(), LISTS)))

    def fingerprint(self) -> str:
        """Return 32 hexadecimal digits that are the same for analyses that give the same numbers of the same data.

        Made from `as_dict()` without title, language, sections, privacy, brand and where the data lies; a cutoff, a
        zone, renamed columns and a condition are in it. '7 days' and '168 hours' are the same.
        """
        return hashlib.sha256(_canonical(self.counted()).encode()).hexdigest()[:32]

    def counted(self) -> dict[str, Any]:
        """Return what of `as_dict()` decides a number: nothing of how it is told, nor of where the data lies."""
        said: dict[str, Any] = {key: value for key, value in self.as_dict().items() if key not in UNCOUNTED}
        data = {key: value for key, value in said.pop("data", {}).items() if key not in PLACES}
        return {**said, **({"data": data} if data else {})}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Analysis):
            return NotImplemented
        return _canonical(self.as_dict()) == _canonical(other.as_dict())

    def __hash__(self) -> int:
        return hash(_canonical(self.as_dict()))


def _canonical(said: Mapping[str, Spoken]) -> str:
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


def _again(form: Any, asked: Any) -> Any:
    """Return the question as it is read from what is written of it."""
    return form.read(Place(form.write(asked)))


def _read_least(place: Place) -> int:
    said = place.known({"hide_below": None}, "the privacy")
    if "hide_below" not in said:
        return USUAL_LEAST
    with said["hide_below"].telling():
        return checked_least(said["hide_below"].value, "hide_below")
