"""Which tables a question has left in the connection of its events."""

import re

FOREST = re.compile(r"funnel_(signers|referrers)_\d+")


def tables_left(events):
    """Return the tables in the connection but those of forests, which the events keep for the next question."""
    return [name for name in every_table(events) if not FOREST.fullmatch(name)]


def forests_kept(events):
    """Return how many forests the events keep: two tables each."""
    return sum(bool(FOREST.fullmatch(name)) for name in every_table(events)) / 2


def every_table(events):
    return [
        name for (name,) in events.connection.execute("select table_name from duckdb_tables() order by all").fetchall()
    ]
