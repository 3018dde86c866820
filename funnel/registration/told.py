"""What was registered, and what was not, for the readers of a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from funnel.language import message
from funnel.registration.changes import Change, written
from funnel.registration.standing import Standing, standings
from funnel.results import Result

if TYPE_CHECKING:
    from funnel.analysis import Analysis
    from funnel.language import Language
    from funnel.registration.registering import Registration

QUESTIONS = {
    "funnel": message("The funnel"),
    "by": message("By which groups"),
    "experiments": message("Experiments"),
    "referrals": message("Who brought whom"),
    "relays": message("What relays brought"),
    "mentions": message("What mentions in the media brought"),
    "attribution": message("Which channels are credited"),
    "ladder": message("How far people climb"),
    "data": message("How the data is read"),
    "period": message("The period before"),
}
STANDS = {
    "registered": message("exactly as registered"),
    "changed": message("changed since it was registered"),
    "not registered": message("not registered: exploratory"),
    "left open": message("left open, asked as one usually would: exploratory"),
    "not asked": message("registered, and not asked here"),
}
_SHOWN = 12


class Registered(NamedTuple):
    """What a report says of a registration. A row: the question, how it stands, what differs in it."""

    heading: str
    sentence: str
    rows: tuple[tuple[str, str, str], ...]

    def result(self, language: str) -> Result:
        """Return the rows as an answer, to stand in a report: question, stands, differs, all in words."""
        import pandas

        frame = pandas.DataFrame(list(self.rows), columns=["question", "stands", "differs"])
        return Result(frame, lambda words: words.text("Each question, and its registration"), language=language)


def registered_chapter(analysis: Analysis, registration: Registration | None, words: Language) -> Registered:
    """Return the heading, the sentence and the rows that say what was registered, and what was not."""
    found = standings(analysis, registration)
    return Registered(
        words.text("What was registered, and what was not"),
        " ".join(_sentences(found, registration, words)),
        tuple((_question(each, words), words.text(STANDS[each.stands]), _differs(each, words)) for each in found),
    )


def _sentences(found: tuple[Standing, ...], registration: Registration | None, words: Language) -> Iterator[str]:
    if registration is None:
        yield words.text("No registration was given, so every number here is exploratory.")
        return
    counts = Counter(each.stands for each in found)
    yield words.text("Beside the registration {hash}:", hash=f"{registration.hash[:_SHOWN]}…")
    yield words.plural(
        "{n} question is answered exactly as it was registered.",
        "{n} questions are answered exactly as they were registered.",
        counts["registered"],
    )
    if counts["changed"]:
        yield words.plural(
            "{n} question was changed since: its answer is not the one that was registered.",
            "{n} questions were changed since: their answers are not those that were registered.",
            counts["changed"],
        )
    if exploratory := counts["not registered"] + counts["left open"]:
        yield words.plural(
            "{n} question was not registered: its answer is exploratory.",
            "{n} questions were not registered: their answers are exploratory.",
            exploratory,
        )
    if counts["not asked"]:
        yield words.plural(
            "{n} registered question is not answered here.",
            "{n} registered questions are not answered here.",
            counts["not asked"],
        )


def _question(standing: Standing, words: Language) -> str:
    if standing.name:
        return words.text("Experiment “{name}”", name=words.name(standing.name))
    return words.text(QUESTIONS[standing.key])


def _differs(standing: Standing, words: Language) -> str:
    return " · ".join(_change(each, words) for each in standing.differs)


def _change(change: Change, words: Language) -> str:
    before, after = written(change.before, words), written(change.after, words)
    if not change.key:
        return words.text("registered {before}, asked {after}", before=before, after=after)
    return words.text("{key}: registered {before}, asked {after}", key=change.key, before=before, after=after)
