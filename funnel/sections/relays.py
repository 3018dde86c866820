"""What relays brought as tables to read: a row a relay, and a row a measure of those before launch and after."""

from typing import TYPE_CHECKING, Any

from funnel.language import UNKNOWN, Language, message
from funnel.pages import Column, Table
from funnel.sections.tables import table_of

if TYPE_CHECKING:
    import pandas

RELAY_COLUMNS = (
    "relay",
    "wave",
    "visitors",
    "signatures",
    "rate",
    "total",
    "brings",
    "half_seconds",
    "per_thousand",
)
# What is told of the relays of each wave, on average; the shares among them as such.
MEASURES = {
    "visitors": message("Visitors"),
    "rate": message("Rate of signing"),
    "signatures": message("Direct signatures"),
    "downstream_per_signature": message("Signatures further down, per direct one"),
    "per_thousand": message("Signatures in all, per thousand of audience"),
    "first_day_share": message("Share of direct ones in a relay’s first 24 hours"),
}
SHARES = ("rate", "first_day_share")


def relay_table(frame: "pandas.DataFrame", caption: str, words: Language) -> Table:
    """Return a row a relay, the last of those who came by none; a wave that is known of none is left out."""
    told = frame.rename(columns=lambda name: str(name).replace("k_factor", "brings"))
    told["relay"] = [each if isinstance(each, str) else "no relay" for each in frame["relay"]]
    return table_of(told, caption, words, columns=RELAY_COLUMNS)


def wave_table(frame: "pandas.DataFrame", caption: str, words: Language) -> Table:
    """Return a row a measure: its mean before launch and after, each with how many relays, and the difference."""
    return Table(
        caption=caption,
        columns=(
            Column(words.text("Mean of relays")),
            Column(words.text("Before launch"), True),
            Column(words.text("After launch"), True),
            Column(words.text("Difference"), True),
        ),
        rows=tuple(_row(row, words) for row in frame.itertuples()),
    )


def _row(row: Any, words: Language) -> tuple[str, ...]:
    is_share = row.measure in SHARES
    sides = [
        words.plural("{mean} ({n} relay)", "{mean} ({n} relays)", int(relays), mean=_mean(mean, is_share, words))
        for mean, relays in ((row.before, row.before_relays), (row.after, row.after_relays))
    ]
    return (words.text(MEASURES[row.measure]), *sides, _difference(row, is_share, words))


def _mean(mean: float, is_share: bool, words: Language) -> str:
    return words.percent(mean) if is_share else words.estimate(mean, None, None)


def _difference(row: Any, is_share: bool, words: Language) -> str:
    value, low, high = row.difference, row.difference_low, row.difference_high
    if value != value:  # noqa: PLR0124 - NaN
        return UNKNOWN
    if not is_share:
        return words.estimate(value, low, high)
    if low != low:  # noqa: PLR0124 - NaN
        return words.points(value)
    ends = words.text("{low} to {high}", low=words.signed(low * 100, 1), high=words.signed(high * 100, 1))
    return words.text("{difference} [{ends}]", difference=words.points(value), ends=ends)
