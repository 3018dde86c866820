"""Where a report comes from: the data, the questions asked of it, and what it was made with."""

import platform
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING

from funnel.language import Language
from funnel.pages import Fact

if TYPE_CHECKING:
    from funnel.events import Events

PACKAGES = ("acquisition-funnel", "duckdb", "numpy", "pandas", "plotly", "scipy", "sqlglot", "statsmodels")


def provenance(events: "Events", questions: Iterable[tuple[str, object]], words: Language) -> Iterator[Fact]:
    """Yield the facts of a footer; each question is a label and what was asked, told as one would type it."""
    at = [words.moment(moment, events.timezone) for moment in (events.first_at, events.last_at, events.cutoff)]
    yield Fact(words.text("Source"), events.source)
    yield Fact(
        words.text("Events"),
        words.text(
            "{rows} events of {visitors} visitors, from {first} to {last}",
            rows=words.number(events.rows),
            visitors=words.number(events.visitors),
            first=at[0],
            last=at[1],
        ),
    )
    cutoff = words.text("{cutoff} (the last event: no cutoff was given)", cutoff=at[2])
    yield Fact(words.text("Data complete to"), cutoff if events.cutoff_is_default else at[2])
    yield Fact(words.text("Fingerprint of the data"), events.fingerprint(), is_code=True)
    for label, question in questions:
        yield Fact(label, repr(question), is_code=True)
    versions = [f"{name} {number}" for name, number in made_with().items()]
    yield Fact(words.text("Made with"), ", ".join(versions), is_code=True)


def made_with() -> dict[str, str]:
    """Return the versions of what the numbers come out of, by name."""
    return {**{name: version(name) for name in PACKAGES}, "Python": platform.python_version()}
