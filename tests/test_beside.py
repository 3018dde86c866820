"""Tables beside the events: relays and mentions, given or found."""

import duckdb
import pandas as pd
import pytest

import funnel
from funnel.errors import ColumnError, DataError, SourceError

EVENTS = pd.DataFrame({"visitor_id": [1], "event": ["visit"], "occurred_at": ["2018-01-14T15:00:00Z"]})
RELAYS = pd.DataFrame(
    {
        "relay": ["Rose", "Union"],
        "agreed_at": ["2018-01-10 09:00", None],
        "first_signatory": ["oui", "false"],
        "audience": [1200, None],
    }
)
MENTIONS = pd.DataFrame({"mention": ["tv"], "aired_from": ["2018-01-21 20:40"], "timezone": ["America/Toronto"]})


def rows(events, name, columns):
    return events.connection.execute(f"select {columns} from {events.tables[name]} order by 1").fetchall()


def wrong(error, sentence, **tables):
    with pytest.raises(error) as raised:
        funnel.connect(EVENTS, **tables)
    assert str(raised.value) == sentence


def test_relays_that_are_given_have_every_column_of_ours():
    events = funnel.connect(EVENTS, relays=RELAYS, timezone="America/Toronto")
    assert rows(events, "relays", "relay, kind, epoch_us(agreed_at), first_signatory, link_id, code, audience") == [
        ("Rose", None, 1_515_592_800_000_000, True, None, None, 1200.0),
        ("Union", None, None, False, None, None, None),
    ]
    assert "2 relays" in repr(events)


def test_no_table_is_beside_events_that_have_none():
    events = funnel.connect(EVENTS)
    assert events.tables == {}
    assert "beside" not in repr(events)


@pytest.mark.parametrize("kind", ["frame", "relation", "csv", "parquet", "database"])
def test_a_table_may_be_of_any_kind(kind, tmp_path):
    path = tmp_path / f"those.{'duckdb' if kind == 'database' else kind}"
    if kind == "csv":
        RELAYS.to_csv(path, index=False)
    elif kind == "parquet":
        RELAYS.to_parquet(path)
    elif kind == "database":
        with duckdb.connect(path) as connection:
            connection.execute("create table relays as select * from RELAYS; create table others as select 1 as one")
    given = {"frame": RELAYS, "relation": duckdb.sql("select * from RELAYS")}.get(kind, path)
    events = funnel.connect(EVENTS, relays=given, timezone="America/Toronto")
    assert rows(events, "relays", "relay, first_signatory, audience") == [
        ("Rose", True, 1200.0),
        ("Union", False, None),
    ]


def test_tables_in_the_folder_of_the_events_are_found(tmp_path):
    EVENTS.to_csv(tmp_path / "events.csv", index=False)
    RELAYS.to_csv(tmp_path / "relays.csv", index=False)
    MENTIONS.to_parquet(tmp_path / "mentions.parquet")
    events = funnel.connect(tmp_path, timezone="America/Toronto")
    assert set(events.tables) == {"relays", "mentions"}
    assert events.where("event = 'visit'").tables == events.tables


def test_a_folder_without_a_file_named_events_leaves_these_tables_out_of_the_events(tmp_path):
    EVENTS.to_csv(tmp_path / "january.csv", index=False)
    RELAYS.to_csv(tmp_path / "relays.csv", index=False)
    events = funnel.connect(tmp_path, timezone="America/Toronto")
    assert (events.rows, set(events.tables)) == (1, {"relays"})


@pytest.mark.parametrize("is_open", [True, False])
def test_tables_in_the_database_of_the_events_are_found(is_open, tmp_path):
    path = tmp_path / "campaign.duckdb"
    connection = duckdb.connect(path)
    connection.execute("create table events as select * from EVENTS; create table relays as select * from RELAYS")
    if not is_open:
        connection.close()
    events = funnel.connect(connection if is_open else path, timezone="America/Toronto")
    assert rows(events, "relays", "relay") == [("Rose",), ("Union",)]


def test_a_table_that_is_found_and_cannot_be_read_is_passed_over_and_said(tmp_path):
    EVENTS.to_csv(tmp_path / "events.csv", index=False)
    pd.DataFrame({"name": ["Rose"]}).to_csv(tmp_path / "relays.csv", index=False)
    events = funnel.connect(tmp_path)
    assert events.tables == {}
    assert events.notes == (
        "A table of relays lies beside the events and was passed over. No column named 'relay' in relays.csv."
        " Known: name.",
    )


def test_several_files_of_one_name_are_named(tmp_path):
    EVENTS.to_csv(tmp_path / "events.csv", index=False)
    RELAYS.to_csv(tmp_path / "relays.csv", index=False)
    RELAYS.to_parquet(tmp_path / "relays.parquet")
    assert funnel.connect(tmp_path).notes == (
        "A table of relays lies beside the events and was passed over. There are relays.csv, relays.parquet."
        " Keep one of them.",
    )


def test_times_of_mentions_are_local_to_the_zone_of_their_row():
    given = pd.DataFrame(
        {
            "mention": ["a", "b", "c", "d"],
            "aired_from": ["2018-01-21 20:40", "2018-01-21 20:40", "2018-01-21T20:40:00-05:00", "2018-01-21 20:40"],
            "aired_to": [None, "2018-01-21 20:58", None, None],
            "timezone": ["America/Toronto", "America/Vancouver", None, None],
        }
    )
    events = funnel.connect(EVENTS, mentions=given, timezone="UTC")
    found = rows(events, "mentions", "mention, strftime(aired_from, '%d %H:%M'), strftime(aired_to, '%d %H:%M')")
    assert found == [
        ("a", "22 01:40", "22 01:40"),
        ("b", "22 04:40", "22 04:58"),
        ("c", "22 01:40", "22 01:40"),
        ("d", "21 20:40", "21 20:40"),
    ]


def test_local_hours_that_come_twice_or_not_at_all_are_said():
    given = pd.DataFrame(
        {
            "mention": ["autumn", "spring", "sure"],
            "aired_from": ["2018-11-04 01:30", "2018-03-11 02:30", "2018-11-04T01:30:00-04:00"],
            "timezone": "America/Toronto",
        }
    )
    events = funnel.connect(EVENTS, mentions=given)
    assert [
        str(row[1]) for row in rows(events, "mentions", "mention, epoch_us(aired_from) // 60000000 % 1440 / 60")
    ] == [
        "6.5",
        "7.5",
        "5.5",
    ]
    assert events.notes == (
        "The aired_from of mention 'autumn', 2018-11-04 01:30, comes twice, as clocks went back; it was read as the"
        " second. Write it with an offset, as -05:00.",
        "The aired_from of mention 'spring', 2018-03-11 02:30, does not exist, as clocks went forward; it was read as"
        " if they had not. Write it with an offset, as -05:00.",
    )


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        (
            {"timezone": "America/Montral"},
            DataError,
            "No time zone named 'America/Montral', in column 'timezone' of the pandas frame. Did you mean"
            " 'America/Montreal'? Give an IANA name, such as 'America/Toronto' or 'UTC'.",
        ),
        (
            {"timezone": None},
            DataError,
            "The times in column 'aired_from' of the pandas frame have no zone, such as 2018-01-21 20:40. Say which"
            " zone they are in: timezone='America/Toronto' or timezone='UTC'.",
        ),
        (
            {"aired_to": "2018-01-21 20:30"},
            DataError,
            "Mention 'tv' of the pandas frame ends before it begins: aired_to 2018-01-21 20:30 is before aired_from"
            " 2018-01-21 20:40. Swap them, or leave aired_to out for what has no length.",
        ),
        (
            {"aired_from": None},
            DataError,
            "Mention 'tv' of the pandas frame has no aired_from. Write it as 2018-01-14 18:30.",
        ),
        (
            {"aired_from": "at eight"},
            DataError,
            "Mention 'tv' of the pandas frame has 'at eight' as aired_from, which cannot be read. Write it as"
            " 2018-01-14 18:30.",
        ),
        (
            {"audience": "many"},
            DataError,
            "Mention 'tv' of the pandas frame has 'many' as audience, which cannot be read. Write it as 12000.",
        ),
        (
            {"mention": " "},
            DataError,
            "1 rows of the pandas frame name no mention. Give each a name in column 'mention'.",
        ),
    ],
)
def test_a_mention_that_cannot_be_is_refused(change, error, sentence):
    wrong(error, sentence, mentions=MENTIONS.assign(**change))


def test_other_tables_that_cannot_be_are_refused():
    wrong(
        DataError,
        "The pandas frame names relay 'Rose' 2 times. Give each relay one row.",
        relays=pd.DataFrame({"relay": ["Rose", " Rose "]}),
    )
    wrong(
        DataError,
        "Relay 'Rose' of the pandas frame has 'maybe' as first_signatory, which cannot be read. Write it as true.",
        relays=pd.DataFrame({"relay": ["Rose"], "first_signatory": ["maybe"]}),
    )
    wrong(
        ColumnError,
        "No column named 'aired_from' in the pandas frame. Known: mention.",
        mentions=pd.DataFrame({"mention": ["tv"]}),
    )
    wrong(
        SourceError,
        "relays= takes a file, a frame or a DuckDB relation; got int. Give for example relays='relays.csv'.",
        relays=3,
    )
