"""Which relay brought whom, and the forest as a table of its own."""

from collections import Counter

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import funnel
from funnel.definition import Step
from funnel.errors import ColumnError, DataError, DefinitionError
from funnel.forest import forest
from funnel.journey_table.scratch import Scratch
from funnel.seeds import USUAL_COLUMNS, seeds

CASES = Counter()
RELAYS = pd.DataFrame(
    {"relay": ["Rose", "Union"], "link_id": ["r1", "u1"], "code": ["ROSE10; heard rose", None], "kind": "personality"}
)


def campaign(rows, relays=RELAYS):
    columns = ("visitor_id", "event", "minute", "relay", "link_id", "promo_code", "referred_by", "channel", "mention")
    frame = pd.DataFrame([dict(zip(columns, row, strict=False)) for row in rows], columns=list(columns), dtype=object)
    frame["occurred_at"] = pd.Timestamp("2018-01-14", tz="UTC") + pd.to_timedelta(
        frame.pop("minute").astype(int), "min"
    )
    frame.loc[len(frame), ["visitor_id", "event", "occurred_at"]] = ["zz", "sign", frame["occurred_at"].max()]
    text = {name: "string" for name in frame if name != "occurred_at"}
    return funnel.connect(frame.astype(text), relays=relays)


def brought(events, named_by=USUAL_COLUMNS):
    with Scratch(events.connection) as scratch:
        trees = forest(events, "sign", scratch=scratch)
        found = seeds(trees, Step("sign"), named_by=named_by, scratch=scratch)
        query = f"select visitor_id, relay, arrived_us // 60000000 % 1440, is_declared from {found.arrivals} order by 1"
        return events.connection.execute(query).fetchall()


def test_a_relay_is_named_by_its_name_its_link_or_its_code_whatever_the_case_and_blanks():
    events = campaign(
        [
            ("a", "visit", 1, " rose "),
            ("b", "visit", 2, None, "R1"),
            ("c", "visit", 3, None, None, " rose10"),
            ("d", "visit", 4, None, None, "HEARD ROSE "),
            ("e", "visit", 5, None, "someone else's"),
            ("f", "visit", 6, "Somebody"),
            ("g", "visit", 7, None, None, "Somebody"),
        ]
    )
    assert brought(events, ["relay", "link_id", "promo_code"]) == [
        ("a", "Rose", 1, False),
        ("b", "Rose", 2, False),
        ("c", "Rose", 3, False),
        ("d", "Rose", 4, False),
        ("f", "Somebody", 6, False),
    ]


def test_without_a_table_only_the_column_relay_names_anybody():
    events = campaign([("a", "visit", 1, "Rose"), ("b", "visit", 2, None, "r1")], relays=None)
    assert brought(events) == [("a", "Rose", 1, False)]


def test_the_first_relay_counts_and_what_comes_after_the_signature_does_not():
    events = campaign(
        [
            ("a", "visit", 1, "Union"),
            ("a", "visit", 2, "Rose"),
            ("b", "sign", 3),
            ("b", "visit", 4, "Rose"),
            ("c", "visit", 5, "Rose"),
            ("c", "sign", 5),
            ("d", "sign", 6, "Rose"),
            ("d", "visit", 6, "Union"),
        ]
    )
    assert brought(events) == [("a", "Union", 1, False), ("c", "Rose", 5, False), ("d", "Union", 6, False)]


def test_a_relay_that_only_the_signature_names_is_declared():
    events = campaign([("a", "visit", 1), ("a", "sign", 2, None, None, "rose10"), ("b", "sign", 3, "Union")])
    named_by = ["relay", "promo_code"]
    assert brought(events, named_by) == [("a", "Rose", 2, True), ("b", "Union", 3, True)]


def test_of_two_columns_of_one_event_the_first_that_names_a_relay_counts():
    events = campaign([("a", "visit", 1, "Union", "r1"), ("b", "visit", 2, "Union", "r1")])
    assert brought(events, ["link_id", "relay"]) == [("a", "Rose", 1, False), ("b", "Rose", 2, False)]
    assert brought(events) == [("a", "Union", 1, False), ("b", "Union", 2, False)]


def test_columns_and_tables_that_cannot_be_are_refused():
    events = campaign([("a", "visit", 1, "Rose")])
    with pytest.raises(ColumnError) as raised:
        brought(events, ["promo_cod"])
    assert str(raised.value) == (
        "No column named 'promo_cod'. Did you mean 'promo_code'? Known: channel, event, link_id, mention, occurred_at,"
        " promo_code, referred_by, relay, visitor_id."
    )
    for named_by in ("relay", [], [3]):
        with pytest.raises(DefinitionError) as raised:
            brought(events, named_by)
        assert str(raised.value) == (
            f"`named_by` takes the names of columns; got {named_by!r}. Give for example"
            " named_by=['relay', 'promo_code']."
        )
    with pytest.raises(DataError) as raised:
        brought(campaign([("a", "visit", 1, "Rose")], relays=RELAYS.assign(link_id="r1")))
    assert str(raised.value) == (
        "Relays 'Rose' and 'Union' share the name, link or code 'r1'. Give each its own: whom it brought could not be"
        " told otherwise."
    )


@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.sampled_from(["visit", "visit", "sign"]),
            st.integers(0, 8),
            st.sampled_from([None, "Rose", "Union", "Else"]),
            st.sampled_from([None, "r1", "u1", "x"]),
        ),
        min_size=1,
        max_size=25,
    )
)
@settings(max_examples=60)
def test_random_campaigns_agree_with_a_plain_reading(rows):
    CASES["seeds"] += 1
    found = {visitor: (relay, minute, is_declared) for visitor, relay, minute, is_declared in brought(campaign(rows))}
    expected = {}
    for visitor in {str(row[0]) for row in rows}:
        mine = [row for row in rows if str(row[0]) == visitor]
        signed = min((row[2] for row in mine if row[1] == "sign"), default=99)
        naming = []
        for _, event, minute, relay, link in mine:
            name = relay or {"r1": "Rose", "u1": "Union"}.get(link)
            if name and minute <= signed:
                naming.append((minute, event == "sign", relay is None, name))
        if naming:
            minute, is_declared, _, name = min(naming)
            expected[visitor] = (name, minute, is_declared)
    assert found == expected


def test_the_forest_is_a_table_of_numbers_with_who_seeded_each_tree():
    events = campaign(
        [
            ("z", "visit", 1, "Rose", None, None, None, "social"),
            ("z", "sign", 2),
            ("y", "visit", 3, None, None, None, "z", "friend"),
            ("y", "sign", 4),
            ("x", "visit", 5, None, None, None, None, "direct", "tv-01"),
            ("x", "sign", 6),
            ("w", "visit", 7, None, None, None, None, "search"),
            ("w", "sign", 8),
            ("v", "sign", 9),
            ("u", "visit", 10, "Union", None, None, "nobody"),
            ("u", "sign", 11),
        ]
    )
    trees = funnel.Referrals().forest(events)
    frame = trees.frame()
    assert frame.drop(columns="signed_at").astype(object).where(frame.notna(), None).to_numpy().tolist() == [
        [1, None, 1, 0, None, "Rose", "Rose", None],
        [2, 1, 1, 1, None, None, "Rose", None],
        [3, None, 3, 0, None, None, "tv-01", None],
        [4, None, 4, 0, None, None, "search", None],
        [5, None, 5, 0, None, None, None, None],
        [6, None, None, None, None, "Union", None, "parent missing"],
        [7, None, 7, 0, None, None, None, None],
    ]
    assert repr(trees) == "7 signatures in 5 trees, up to 1 generations deep; 1 in no tree"
    assert trees.problems["parent missing"] == 1


def test_the_forest_of_the_sample_has_every_signature_once_and_a_generation_more_than_its_parent():
    trees = funnel.Referrals().forest(funnel.connect("data/sample", timezone="America/Toronto"))
    frame = trees.frame().set_index("signature")
    assert len(frame) == 14_580
    assert frame["generation"].value_counts().sort_index().tolist() == [9960, 3297, 792, 280, 168, 70, 13]
    referred = frame[frame["parent"].notna()]
    parents = frame.loc[referred["parent"]]
    assert (referred["generation"].to_numpy() == parents["generation"].to_numpy() + 1).all()
    assert (referred["root"].to_numpy() == parents["root"].to_numpy()).all()
    assert (referred["seeded_by"].to_numpy() == parents["seeded_by"].to_numpy()).all()
    assert (referred["signed_at"].to_numpy() > parents["signed_at"].to_numpy()).all()


def test_no_row_says_who_signed():
    events = campaign([("secret-1", "sign", 1), ("secret-2", "sign", 2, None, None, None, "secret-1")])
    assert "secret" not in funnel.Referrals().forest(events).frame().to_csv()
