"""The checks on events, told to readers of a report: what was found, and what it does to the numbers."""

from typing import TYPE_CHECKING

from funnel.language import Language, message
from funnel.pages import Table
from funnel.sections.tables import table_of

if TYPE_CHECKING:
    import pandas

# The name of a check (as `events.check()` has it) -> what was found, what that means.
CHECKS = {
    "no visitor_id": (
        message("Events without a visitor"),
        message("They are left out: nobody can be followed through them."),
    ),
    "no event": (message("Events without a name"), message("They are left out.")),
    "no occurred_at": (message("Events without a time"), message("They are left out.")),
    "unreadable occurred_at": (message("Times that cannot be read"), message("These events are left out.")),
    "occurred_at out of range": (
        message("Times before 1970 or after 2199"),
        message("These events are left out."),
    ),
    "duplicated event_id": (
        message("Events sent more than once"),
        message("The earliest of each is counted; these are the others."),
    ),
    "after the cutoff": (
        message("Events after the date the data is complete to"),
        message("They are left out: what else happened in that time is not known."),
    ),
    "bots": (message("Events of robots"), message("They are counted like all others.")),
    "no consent": (
        message("Consent not recorded"),
        message("Whether these visitors may be measured is not known."),
    ),
    "own referrer": (
        message("Visitors who came by their own link"),
        message("They are nobody’s referral."),
    ),
    "received before it occurred": (
        message("Clocks that run ahead"),
        message("The event is dated more than five minutes after the server received it."),
    ),
    "whole seconds only": (
        message("Times in whole seconds"),
        message("Events of one visitor can fall on the same instant; the notes say what hangs on it."),
    ),
    "same event within 2 seconds": (
        message("The same event again within two seconds"),
        message("A double click, or a tag that fires twice; all are counted."),
    ),
    "events far after all others": (
        message("Events long after all others"),
        message("A wrong clock, as a rule. Unless the end of the data is given, the last of them is taken for it."),
    ),
    "hours without events": (
        message("Hours without any event"),
        message("Visitors usually come at these hours: the measuring may have been down."),
    ),
    "rows that are equal in every column": (
        message("Rows that are equal in every column"),
        message("Whether they are one event sent twice or two is not known; all are counted."),
    ),
}
SPELLINGS = "spellings of "
SEVERITIES = {
    "left out": message("left out"),
    "warning": message("to look at"),
    "note": message("to know"),
    "ok": message("nothing found"),
}


def told(check: str, meaning: str, words: Language) -> tuple[str, str]:
    """Return what a check found and what that means; a check not known here is told as it tells itself."""
    if check.startswith(SPELLINGS):
        column = words.name(check.removeprefix(SPELLINGS))
        found = words.text("One value spelt in several ways ({column})", column=column)
        return found, words.text("Each spelling counts as a group of its own.")
    if check not in CHECKS:
        return words.name(check), meaning
    return words.text(CHECKS[check][0]), words.text(CHECKS[check][1])


def severity(name: str, words: Language) -> str:
    """Return how much a finding matters, in a word."""
    return words.text(SEVERITIES[name]) if name in SEVERITIES else words.name(name)


def check_table(frame: "pandas.DataFrame", caption: str, words: Language) -> Table:
    """Return the findings as a table: what was found, in how many rows, how much it matters, what it does."""
    said = [told(*each, words) for each in zip(frame["check"], frame["meaning"], strict=True)]
    named = frame.assign(
        check=[name for name, _ in said],
        severity=[severity(name, words) for name in frame["severity"]],
        meaning=[meaning for _, meaning in said],
    )
    return table_of(named, caption, words)
