"""Relays: who is whose with given rows, plain Python on random campaigns, what is refused, the truth of the sample."""

import functools
import json
import math
import re
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, ttest_ind
from statsmodels.stats.proportion import proportion_confint

import funnel
from funnel import ColumnError, DataError, DefinitionError, Step
from funnel.relays import Relays
from funnel.sample import make_sample
from funnel.sample.campaign import Campaign
from funnel.sample.cast import Relay
from tests.tables import tables_left

CASES = Counter()
BEGIN = datetime(2018, 1, 14, tzinfo=UTC)
DAY = 1_440  # minutes
LAUNCH = DAY
COLUMNS = ["visitor_id", "event", "minute", "relay", "referred_by"]
# A relay: name, kind, minute when it agreed, audience, link, codes.
TABLE = [
    ("ada", "personality", 0, 2_000, "go-ada", "ADA10"),
    ("ben", "personality", 600, 1_000, "go-ben", "BEN10"),
    ("cyr", "organisation", 3 * DAY, 500, "go-cyr", "CYR10; CYR20"),
    ("dov", "organisation", 4 * DAY, None, "go-dov", None),
]


def at(minute):
    return BEGIN + timedelta(minutes=minute)


def table(rows=TABLE):
    columns = ["relay", "kind", "agreed_at", "audience", "link_id", "code"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["agreed_at"] = pd.to_datetime([None if pd.isna(each) else at(each) for each in frame["agreed_at"]], utc=True)
    return frame


def connected(rows, *, columns=COLUMNS, relays=TABLE, until=30 * DAY, **options):
    """Return events given as rows that are complete to some minute, with a table of relays unless that is None."""
    frame = pd.DataFrame(rows, columns=columns)
    frame["occurred_at"] = [at(each) for each in frame.pop("minute")]
    for name in frame.columns.difference(["occurred_at"]):
        frame[name] = frame[name].astype("string")
    beside = {} if relays is None else {"relays": table(relays)}
    cutoff = {} if until is None else {"cutoff": at(until)}
    return funnel.connect(frame, **cutoff, **beside, **options)


def measured(rows, *, columns=COLUMNS, relays=TABLE, until=30 * DAY, **options):
    options = {"launched_at": at(LAUNCH)} | options
    events = connected(rows, columns=columns, relays=relays, until=until)
    return Relays(**options).measure(events)


def row_of(result, relay):
    frame = result.frame
    return frame[frame["relay"].isna() if relay is None else frame["relay"] == relay].iloc[0]


def counts(result, relay, *names):
    row = row_of(result, relay)
    return tuple(row[name] for name in (names or ("visitors", "signatures", "downstream")))


# Who is whose


def test_a_visitor_is_the_relays_whom_the_first_event_names():
    rows = [
        ("ann", "visit", 2_000, "ada", None),
        ("ann", "visit", 2_001, "ben", None),
        ("ann", "sign", 2_002, None, None),
        ("bob", "visit", 2_003, "ben", None),
        ("bob", "visit", 2_004, "ada", None),
        ("cat", "visit", 2_005, None, None),
        ("cat", "sign", 2_006, None, None),
    ]
    result = measured(rows)
    assert counts(result, "ada", "visitors", "visits", "signatures") == (1, 2, 1)
    assert counts(result, "ben", "visitors", "visits", "signatures") == (1, 2, 0)
    assert counts(result, None, "visitors", "visits", "signatures") == (1, 1, 1)


def test_a_relay_after_the_signature_brought_nobody():
    rows = [
        ("ann", "visit", 2_000, None, None),
        ("ann", "sign", 2_001, None, None),
        ("ann", "visit", 2_002, "ada", None),
    ]
    result = measured(rows)
    assert counts(result, "ada") == (0, 0, 0)
    assert counts(result, None, "visitors", "visits", "signatures") == (1, 2, 1)


def test_visits_before_the_relay_are_not_the_relays():
    rows = [
        ("ann", "visit", 2_000, None, None),
        ("ann", "visit", 2_001, "ada", None),
        ("ann", "visit", 2_002, None, None),
        ("ann", "sign", 2_003, None, None),
    ]
    assert counts(measured(rows), "ada", "visitors", "visits") == (1, 2)


@pytest.mark.parametrize("first", ["relay", "friend"])
def test_who_came_by_a_friend_and_by_a_relay_is_in_the_friends_tree(first):
    minutes = (2_003, 2_004) if first == "relay" else (2_004, 2_003)
    rows = [
        ("ann", "visit", 2_000, "ben", None),
        ("ann", "sign", 2_001, None, None),
        ("bob", "visit", minutes[0], "ada", None),
        ("bob", "visit", minutes[1], None, "ann"),
        ("bob", "sign", 2_005, None, None),
    ]
    result = measured(rows)
    assert counts(result, "ada") == (0, 0, 0)
    assert counts(result, "ben") == (1, 1, 1)
    assert (
        "1 visitor came by a relay and by a signer’s link as well, and counts for the tree of that signer."
        in result.notes
    )


def test_who_came_by_a_friend_in_no_tree_is_in_no_row():
    rows = [
        ("bob", "visit", 2_003, "ada", "nobody"),
        ("bob", "sign", 2_005, None, None),
        ("cat", "visit", 2_006, "ben", "dan"),
        ("cat", "sign", 2_007, None, None),
        ("dan", "visit", 2_006, "ben", "cat"),
        ("dan", "sign", 2_008, None, None),
        ("eve", "sign", 2_009, "ben", None),
    ]
    result = measured(rows)
    assert result.frame["signatures"].sum() == result.frame["total"].sum() == 1
    assert "3 signers who name a referrer are in no tree, and in no row." in result.notes


def test_a_code_makes_a_signature_the_relays_and_no_rate():
    rows = [("ann", "visit", 2_000, None, None, None), ("ann", "sign", 2_001, None, None, "cyr20 ")]
    result = measured(rows, columns=[*COLUMNS, "promo"], named_by=["relay", "promo"])
    row = row_of(result, "cyr")
    assert (row["visitors"], row["visits"], row["signatures"], row["declared"], row["total"]) == (0, 0, 1, 1, 1)
    assert row[["rate", "rate_low", "rate_high", "half_seconds", "first_day_share"]].isna().all()
    assert counts(result, None, "visitors", "signatures") == (0, 0)
    assert (
        "1 signer named a relay by signing alone (a code, an answer): counted among its signatures, in no rate."
        in result.notes
    )


def test_a_link_of_the_table_names_its_relay():
    rows = [("ann", "visit", 2_000, "GO-BEN"), ("ann", "sign", 2_001, None)]
    result = measured(rows, columns=["visitor_id", "event", "minute", "link_id"])
    assert counts(result, "ben") == (1, 1, 0)


def test_a_relay_nobody_came_by_is_a_row_of_zeros():
    result = measured([("ann", "visit", 2_000, "ada", None), ("ann", "sign", 2_001, None, None)])
    row = row_of(result, "cyr")
    whole = ["visitors", "visits", "pending", "signatures", "declared", "downstream", "total", "per_thousand"]
    assert row[whole].tolist() == [0] * len(whole)
    assert row[["rate", "rate_low", "rate_high", "k_factor", "half_seconds", "first_day_share"]].isna().all()
    # Garwood's upper end of a count of 0: at most 3.69 trees, none of which is more than a signature here.
    assert (row["total_low"], row["total_high"]) == (0, pytest.approx(chi2.ppf(0.975, 2) / 2))
    assert (row["k_factor_low"], row["k_factor_high"]) == (0, math.inf)
    assert math.isnan(row_of(result, "dov")["per_thousand"])


def test_a_relay_that_the_table_lacks_has_a_row_and_a_note():
    result = measured([("ann", "visit", 2_000, "zoe", None), ("ann", "sign", 2_001, None, None)])
    row = row_of(result, "zoe")
    assert (row["kind"], row["wave"], row["signatures"]) == (None, None, 1)
    assert "1 relay that events name is not in the table of relays: zoe." in result.notes


def test_without_a_table_relays_are_those_that_events_name():
    result = measured([("ann", "visit", 2_000, "zoe", None), ("ann", "sign", 2_001, None, None)], relays=None)
    assert result.frame["relay"].tolist()[0] == "zoe"
    assert len(result.frame) == 2
    assert (
        "There is no table of relays, so nothing is known of when they agreed, nor of their audience." in result.notes
    )


def test_relays_are_before_launch_or_after_or_neither():
    relays = [
        ("ada", None, LAUNCH - 1, None, None, None),
        ("ben", None, LAUNCH, None, None, None),
        ("cyr", None, None, None, None, None),
    ]
    result = measured([("ann", "visit", 2_000, "ada", None), ("ann", "sign", 2_001, None, None)], relays=relays)
    assert [row_of(result, name)["wave"] for name in ("ada", "ben", "cyr", None)] == [
        "before launch",
        "after launch",
        None,
        None,
    ]
    assert "When 1 relay agreed is not known: cyr." in result.notes


def test_the_launch_is_the_first_visit_unless_given():
    rows = [("ann", "share", 1, None, None), ("ann", "visit", 600, "ada", None), ("bob", "sign", 601, None, None)]
    result = measured(rows, launched_at=None)
    assert [row_of(result, name)["wave"] for name in ("ada", "ben")] == ["before launch", "after launch"]
    assert (
        "The launch is taken to be the first visit, January\N{NO-BREAK SPACE}14, 2018 at 10:00\N{NO-BREAK SPACE}a.m."
        "\N{NO-BREAK SPACE}UTC." in result.notes
    )
    events = connected(rows, timezone="America/Toronto")
    # Midnight in Toronto is five hours into the day that began in UTC.
    local = Relays(launched_at="2018-01-14").measure(events)
    assert [row_of(local, name)["wave"] for name in ("ada", "ben")] == ["before launch", "after launch"]
    assert not any("launch is taken" in note for note in local.notes)


def test_rows_are_in_order_of_the_total_then_of_names_and_no_relay_is_last():
    rows = [(f"v{place}", "sign", 2_000, relay, None) for place, relay in enumerate(["cyr", "cyr", "dov", "ada", None])]
    rows.append(("v5", "visit", 2_000, None, None))
    assert measured(rows).frame["relay"].tolist()[:-1] == ["cyr", "ada", "dov", "ben"]
    assert measured(rows).frame["relay"].isna().tolist() == [False] * 4 + [True]


def test_visitors_and_relays_may_be_enumerations():
    events = connected(campaign())
    connection = events.connection
    connection.execute(f'create temp table plain as select * from "{events.name}"')
    for kind, column in (("people", "visitor_id"), ("names", "relay")):
        connection.execute(
            f"create type {kind} as enum (select distinct {column} from plain where {column} is not null)"
        )
    connection.execute(
        "create table kept as select * replace (visitor_id::people as visitor_id, relay::names as relay) from plain"
    )
    kept = funnel.connect(connection, table="kept", cutoff=at(30 * DAY), relays=table())
    found = Relays(launched_at=at(LAUNCH)).measure(kept)
    pd.testing.assert_frame_equal(found.frame, measured(campaign()).frame)


# The numbers, by hand


def campaign():
    """Ada brings two signers, of whom the first brings three, of whom one brings another; ben brings one alone."""
    return [
        ("a1", "visit", 2_000, "ada", None),
        ("a1", "sign", 2_010, None, None),
        ("a2", "visit", 2_000, "ada", None),
        ("a2", "sign", 2_000 + 2 * DAY, None, None),
        ("a3", "visit", 2_000, "ada", None),
        ("b1", "visit", 2_100, "ben", None),
        ("b1", "sign", 2_160, None, None),
        *[(f"f{place}", "sign", 2_020, None, "a1") for place in range(3)],
        ("g", "sign", 2_000 + 2 * DAY, None, "f0"),
        ("n", "visit", 100, None, None),
        ("n", "sign", 2_500, None, None),
    ]


@pytest.mark.parametrize(("downstream", "below"), [("all", 4), ("none", 0), (0.5, 3 * 0.5 + 0.25), (1, 4), (0, 0)])
def test_downstream_counts_each_generation_at_its_discount(downstream, below):
    result = measured(campaign(), downstream=downstream)
    row = row_of(result, "ada")
    assert (row["signatures"], row["downstream"], row["total"]) == (2, below, 2 + below)
    assert row["per_thousand"] == (2 + below) / 2
    generations = result.generations().frame
    discount = {"all": 1, "none": 0}.get(downstream, downstream)
    told = generations[generations["relay"] == "ada"].drop(columns="relay").to_numpy().tolist()
    assert told == [[0, 2, 1, 2], [1, 3, discount, 3 * discount], [2, 1, discount**2, discount**2]]
    assert generations["signatures"].sum() == 8


def test_intervals_of_sums_are_those_of_weighted_poisson_counts():
    row = row_of(measured(campaign()), "ada")
    # Trees of ada: 6 signatures... 1 + 3 + 1 = 5 below and with a1, and 1 of a2: sums 6 and 26, the heaviest 5.
    low, high = 26 / 6 / 2 * chi2.ppf(0.025, 2 * 36 / 26), 51 / 11 / 2 * chi2.ppf(0.975, 2 * 121 / 51)
    assert (row["total"], row["total_low"], row["total_high"]) == pytest.approx((6, low, high))
    # Below the roots one tree of 4.
    low, high = 4 * chi2.ppf(0.025, 2) / 2, 4 * chi2.ppf(0.975, 4) / 2
    assert (row["downstream"], row["downstream_low"], row["downstream_high"]) == pytest.approx((4, low, high))


def test_without_downstream_the_interval_is_garwoods():
    row = row_of(measured(campaign(), downstream="none"), "ada")
    assert (row["total_low"], row["total_high"]) == pytest.approx((chi2.ppf(0.025, 4) / 2, chi2.ppf(0.975, 6) / 2))
    assert row["downstream"] == row["downstream_low"] == row["downstream_high"] == 0


def test_the_rate_is_of_those_whose_window_is_over():
    result = measured(campaign(), window="1 day")
    row = row_of(result, "ada")
    low, high = proportion_confint(1, 3, method="wilson")
    assert (row["rate"], row["rate_low"], row["rate_high"]) == pytest.approx((1 / 3, low, high))
    # A day from minute 2,000 ends with the data: that is over; a minute earlier it is not.
    for until, pending, rate in ((2_000 + DAY, 0, 1 / 3), (1_999 + DAY, 2, math.nan)):
        rows = [each for each in campaign() if each[2] <= until]
        row = row_of(measured(rows, window="1 day", until=until), "ada")
        assert (row["pending"], row["rate"]) == (pending, pytest.approx(rate, nan_ok=True))


def test_who_signs_at_the_end_of_the_window_is_in_the_rate():
    for minute, rate in ((2_000 + DAY, 1), (2_001 + DAY, 0)):
        rows = [("ann", "visit", 2_000, "ada", None), ("ann", "sign", minute, None, None)]
        assert row_of(measured(rows, window="1 day"), "ada")["rate"] == rate


def test_the_k_factor_is_of_direct_signers_once_all_have_had_time():
    result = measured(campaign())
    assert [row_of(result, name)["k_factor"] for name in ("ada", "ben", None)] == [1.5, 0, 0]
    # Of b1 at minute 2,160, ten minutes before the end, few friends could have come: 3 of 4 cycles took 10 minutes.
    rows = [each for each in campaign() if each[2] <= 2_170]
    early = measured(rows, until=2_170)
    assert row_of(early, "ada")["k_factor"] == 3


def test_speed_is_from_the_first_visitor():
    result = measured(campaign())
    assert counts(result, "ada", "half_seconds", "first_day_share") == (600, 0.5)
    assert counts(result, "ben", "half_seconds", "first_day_share") == (3_600, 1)
    assert counts(result, None, "half_seconds", "first_day_share") == (2_400 * 60, 0)
    rows = [each for each in campaign() if each[2] <= 2_200]
    early = measured(rows, until=2_200)
    assert math.isnan(row_of(early, "ada")["first_day_share"])
    assert row_of(early, "ada")["half_seconds"] == 600


def test_who_signs_without_a_visit_before_anybody_visits_signs_at_once():
    rows = [("ann", "sign", 10, None, None), ("bob", "visit", 20, None, None), ("bob", "sign", 30, None, None)]
    assert counts(measured(rows, launched_at=None), None, "visitors", "signatures", "half_seconds") == (1, 2, 0)


def test_the_first_day_and_what_it_led_to():
    result = measured(campaign(), launched_at=at(1_000)).first_day()
    assert result.frame.to_numpy().tolist() == [
        # a1 and b1, the three friends; later the friend's friend, of 8 signatures in all.
        ["relays before launch", 2, 3, 1, 6, 6 / 8],
        ["relays after launch", 0, 0, 0, 0, 0],
        ["no relay", 0, 0, 0, 0, 0],
    ]
    assert measured(campaign(), launched_at=at(1_061)).first_day().frame["signatures"].tolist() == [2, 0, 1]
    assert measured(campaign(), launched_at=at(1_060)).first_day().frame["signatures"].tolist() == [2, 0, 0]
    undated = measured(campaign(), relays=[("ada", None, None, None, None, None)]).first_day().frame
    assert undated["source"].tolist() == [
        "relays before launch",
        "relays after launch",
        "relays, date unknown",
        "no relay",
    ]
    early = measured([each for each in campaign() if each[2] <= 2_200], until=2_200).first_day()
    assert "The first 24 hours are not over in these data." in early.notes


# Before launch and after


def several(sizes, *, signing=0.5):
    """Return rows and a table: relays with so many visitors each, those who agreed at a minute."""
    rows, relays = [], []
    for name, (agreed, visitors) in sizes.items():
        relays.append((name, None, agreed, 1_000, None, None))
        for place in range(visitors):
            rows.append((f"{name}{place}", "visit", 2 * DAY, name, None))
            if place < signing * visitors:
                rows.append((f"{name}{place}", "sign", 2 * DAY + place, None, None))
    return rows, relays


def test_relays_before_launch_are_compared_with_those_after_as_units():
    sizes = {"a": (0, 10), "b": (1, 30), "c": (2, 21), "d": (2 * DAY, 4), "e": (3 * DAY, 8)}
    rows, relays = several(sizes)
    result = measured(rows, relays=relays).waves()
    row = result.frame.set_index("measure").loc["visitors"]
    expected = ttest_ind([10, 30, 21], [4, 8], equal_var=False)
    interval = expected.confidence_interval()
    assert row[["before_relays", "before", "after_relays", "after"]].tolist() == [3, 61 / 3, 2, 6]
    assert row[["difference", "difference_low", "difference_high", "p"]].tolist() == pytest.approx(
        [61 / 3 - 6, interval.low, interval.high, expected.pvalue]
    )
    signatures = result.frame.set_index("measure").loc["signatures"]
    assert signatures[["before", "after"]].tolist() == [(5 + 15 + 11) / 3, 3]


@pytest.mark.parametrize("after", [{}, {"d": (2 * DAY, 4)}])
def test_one_relay_a_side_is_not_compared(after):
    rows, relays = several({"a": (0, 10), "b": (1, 30), **after})
    result = measured(rows, relays=relays).waves()
    assert result.frame[["difference", "difference_low", "difference_high", "p"]].isna().all(axis=None)
    assert "Where fewer than 2 relays are on a side, nothing is compared." in result.notes
    assert json.loads(result.to_json())["rows"][0]["difference"] is None


def test_a_relay_who_agreed_after_the_data_ends_is_not_compared():
    rows, relays = several({"a": (0, 10), "b": (1, 30), "d": (2 * DAY, 4), "e": (2 * DAY, 6)})
    late = [*relays, ("f", None, 31 * DAY, None, None, None)]
    result = measured(rows, relays=late).waves()
    assert set(result.frame["after_relays"]) == {2}
    assert "1 relay agreed after the data ends, and is left out." in result.notes


def test_a_relay_without_visitors_counts_where_it_has_a_value():
    rows, relays = several({"a": (0, 10), "b": (1, 30), "c": (1, 0), "d": (2 * DAY, 4), "e": (2 * DAY, 6)})
    frame = measured(rows, relays=relays).waves().frame.set_index("measure")
    assert frame["before_relays"].to_dict() == {
        "visitors": 3,
        "rate": 2,
        "signatures": 3,
        "downstream_per_signature": 2,
        "per_thousand": 3,
        "first_day_share": 2,
    }


def test_what_cannot_be_concluded_is_said():
    rows, relays = several({"a": (0, 10), "b": (1, 30), "d": (2 * DAY, 4), "e": (2 * DAY, 6)})
    notes = " ".join(measured(rows, relays=relays).waves().notes)
    assert "Nobody drew by lot who was asked before launch" in notes
    assert "had less time" in notes


# The summary


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"a": (0, 60), "b": (1, 64), "d": (2 * DAY, 4), "e": (2 * DAY, 6)}, "brought more: 31 direct"),
        ({"a": (0, 4), "b": (1, 6), "d": (2 * DAY, 60), "e": (2 * DAY, 64)}, "brought fewer, though"),
        ({"a": (0, 4), "b": (1, 60), "d": (2 * DAY, 6), "e": (2 * DAY, 64)}, "cannot be told: 16 direct"),
    ],
)
def test_the_summary_says_of_early_relays_what_the_interval_allows(sizes, said):
    rows, relays = several(sizes)
    summary = measured(rows, relays=relays).summary()
    assert said in summary
    assert sum(each in summary for each in ("brought more:", "brought fewer,", "cannot be told:")) == 1


def test_the_summary_says_who_brought_most():
    assert measured(campaign()).summary() == (
        "Of 8 signatures, 3 (37.5%) came directly by relays; with those that friends brought in turn it is 7 (87.5%)."
        " “ada” brought most so far: 2 directly and 6 in all (95% interval 0 to 29), each of its direct signers"
        " bringing 1.50 others once all have had time. Whether relays who agreed before launch bring more than later"
        " ones cannot be told: 2 direct signatures each, against 0, with too few relays or too uneven ones."
    )
    assert "3 (37.5%) came directly by relays." in measured(campaign(), downstream="none").summary()
    assert "discounted, they count for 5." in measured(campaign(), downstream=0.5).summary()


def test_the_summary_of_relays_who_brought_nobody_is_one_sentence():
    for rows in (
        [("ann", "visit", 2_000, "ada", None), ("bob", "sign", 1, None, None)],
        [("bob", "sign", 1, None, None)],
    ):
        events = connected([*rows, ("eve", "visit", 3, None, None)])
        assert Relays().measure(events).summary() == "No signature came by a relay yet."


def test_nobody_who_signs_is_answered():
    rows = [("ann", "visit", 2_000, "ada", None), ("bob", "sign", 2_001, None, None)]
    result = measured(rows, of=Step("sign", where="relay = 'nobody'"))
    assert result.frame["signatures"].sum() == 0
    assert row_of(result, "ada")["rate"] == 0
    for answer in (result, result.generations(), result.waves(), result.first_day()):
        assert str(answer)
        assert json.loads(answer.to_json())
    assert result.summary() == "No signature came by a relay yet."


# What is refused


@pytest.mark.parametrize("downstream", ["some", -0.1, 1.5, math.nan, True, None])
def test_a_discount_that_is_none_is_refused(downstream):
    with pytest.raises(DefinitionError) as caught:
        Relays(downstream=downstream)
    assert str(caught.value) == (
        f"downstream={downstream!r} is no discount. Write 'all', 'none', or a number from 0 to 1: what each generation"
        " counts of the one before."
    )


@pytest.mark.parametrize("launched_at", ["soon", "2018-13-01", 20180114])
def test_a_launch_that_is_no_time_is_refused(launched_at):
    with pytest.raises(DefinitionError) as caught:
        Relays(launched_at=launched_at)
    assert str(caught.value) == (
        f"launched_at={launched_at!r} is no date or time. Write it as 2018-01-14 or 2018-01-14 18:30."
    )


def test_a_launch_after_the_last_event_is_refused():
    with pytest.raises(DefinitionError) as caught:
        measured(campaign(), launched_at="2019-01-14")
    assert str(caught.value) == "launched_at='2019-01-14' is after the last event. Give when the petition went online."


@pytest.mark.parametrize("window", ["0 days", timedelta(0)])
def test_a_window_that_is_not_longer_than_zero_is_refused(window):
    with pytest.raises(DefinitionError) as caught:
        Relays(window=window)
    shown = "'0 days'" if isinstance(window, str) else "'0:00:00'"
    assert str(caught.value).replace(repr(window), shown) == (
        f"window={shown} is not longer than zero. Give for example '7 days'."
    )


@pytest.mark.parametrize("named_by", ["relay", [], [3]])
def test_columns_that_are_no_list_are_refused(named_by):
    with pytest.raises(DefinitionError) as caught:
        Relays(named_by=named_by)
    assert str(caught.value) == (
        f"`named_by` takes the names of columns; got {named_by!r}. Give for example named_by=['relay', 'promo_code']."
    )


def test_a_column_that_does_not_exist_is_refused():
    with pytest.raises(ColumnError) as caught:
        measured(campaign(), named_by=["relay", "promo"])
    assert str(caught.value) == ("No column named 'promo'. Known: event, occurred_at, referred_by, relay, visitor_id.")


def test_where_nothing_names_a_relay_that_is_said():
    rows = [("ann", "visit", 0, None, None), ("ann", "sign", 1, None, None)]
    events = connected(rows, relays=None)
    with pytest.raises(DataError) as caught:
        Relays().measure(events)
    assert str(caught.value) == (
        "No event names a relay (columns: relay, link_id), and there is no table of relays."
        " Give a column 'relay', or funnel.connect(source, relays='relays.csv')."
    )
    assert not tables_left(events)


@pytest.mark.parametrize("options", [{"of": "sing"}, {"visited": "sing"}, {"shared": "sing"}])
def test_an_event_that_does_not_exist_is_refused(options):
    with pytest.raises(DataError) as caught:
        measured([("ann", "visit", 0, "ada", None), ("ann", "sign", 1, None, None)], launched_at=at(0), **options)
    assert str(caught.value) == "No event is named 'sing'. Did you mean 'sign'? Known: sign (1), visit (1)."


def test_what_is_no_events_is_refused():
    with pytest.raises(DefinitionError) as caught:
        Relays().measure(pd.DataFrame())
    assert str(caught.value) == "Relays are measured over events; got DataFrame. Give funnel.connect(source)."


# How it is told

ENGLISH = {"the", "of", "by", "would", "each", "signer", "brought", "and", "who", "whose", "to", "with", "they", "is"}


def everything():
    """Rows and relays that give rise to every note."""
    rows = [
        *((*each, None) for each in campaign()),
        ("p", "sign", 2_600, None, None, "BEN10"),
        ("q", "visit", 2_601, "ada", "b1", None),
        ("r", "sign", 2_602, None, "nobody", None),
        ("s", "visit", 2_603, "zoe", None, None),
    ]
    relays = [*TABLE, ("eli", None, None, None, None, None), ("far", None, 90 * DAY, None, None, None)]
    return connected(rows, columns=[*COLUMNS, "promo"], relays=relays, until=None)


def answers(result):
    return [result, result.generations(), result.waves(), result.first_day()]


@pytest.mark.parametrize("downstream", ["all", "none", 0.5])
@pytest.mark.parametrize("launched_at", [None, at(1_000), at(2_100)])
def test_french_is_french_all_through(downstream, launched_at):
    question = Relays(downstream=downstream, launched_at=launched_at, named_by=["relay", "promo"])
    events = everything()
    french, english = (question.measure(events, language=code) for code in ("fr", "en"))
    for one, other in zip(answers(french), answers(english), strict=True):
        assert one.title != other.title
        assert len(one.notes) == len(other.notes)
        text = " ".join([one.title, *one.notes])
        assert not ENGLISH & set(re.findall(r"[^\W\d]+", text.lower())), text
        assert not set(one.notes) & set(other.notes)
    assert french.summary() == english.summary("fr") != english.summary()
    assert not ENGLISH & set(re.findall(r"[^\W\d]+", french.summary().lower()))


def test_json_holds_the_rows_and_the_summary(tmp_path):
    result = measured(campaign())
    written = json.loads(result.to_json(tmp_path / "relays.json"))
    assert json.loads((tmp_path / "relays.json").read_text(encoding="utf-8")) == written
    assert written["summary"] == result.summary()
    assert [row["relay"] for row in written["rows"]] == ["ada", "ben", "cyr", "dov", None]
    assert not re.search(r"\b(NaN|Infinity)\b", result.to_json())


def test_no_answer_tells_who_anybody_is():
    people = {row[0] for row in campaign()}
    for each in answers(measured(campaign())):
        values = {value for value in each.frame.to_numpy().ravel() if isinstance(value, str)}
        assert not people & values


def test_asking_twice_gives_the_same_and_leaves_no_table():
    events = connected(campaign())
    before = tables_left(events)
    first, second = (Relays().measure(events).to_json() for _ in range(2))
    assert first == second
    assert tables_left(events) == before


def test_there_is_a_chart_of_it():
    assert len(measured(campaign()).plot(theme="dark").data)


def test_the_question_shows_what_it_asks():
    assert repr(Relays(downstream=0.5)).startswith("Relays(of='sign', shared=None, visited='visit',")
    assert hash(Relays(named_by=["relay"])) == hash(Relays(named_by=("relay",)))


# Random campaigns, counted again in plain Python

NAMES = ("ada", "ben", "cyr", "zoe")
CODES = {"ADA10": "ada", "BEN10": "ben", "CYR20": "cyr"}


@st.composite
def campaigns(draw):
    """Return rows of a small campaign: visits and signatures, relays, codes and friends, in every order."""
    people = [f"p{place}" for place in range(draw(st.integers(1, 14)))]
    minutes = st.integers(0, 4 * DAY)
    rows = []
    for who in people:
        for _ in range(draw(st.integers(0, 3))):
            relay = draw(st.sampled_from([None, None, *NAMES]))
            friend = draw(st.sampled_from([None, None, None, "nobody", *people]))
            rows.append((who, "visit", draw(minutes), relay, friend, None))
        if draw(st.booleans()):
            code = draw(st.sampled_from([None, None, None, *CODES]))
            friend = draw(st.sampled_from([None, None, *people]))
            rows.append((who, "sign", draw(minutes), draw(st.sampled_from([None, None, "ada"])), friend, code))
    rows += [("last", "visit", 5 * DAY, "ada", None, None), ("last", "sign", 5 * DAY, None, None, None)]
    return draw(st.permutations(rows))


def arrivals(rows):
    """Return who signed when; by whose link somebody came first, and by which relay; and everyone's visits."""
    signed, friend, relay, visits = {}, {}, {}, defaultdict(list)
    for who, event, minute, *_ in rows:
        if event == "sign":
            signed[who] = min(minute, signed.get(who, minute))
        else:
            visits[who].append(minute)
    for who, event, minute, named, friend_of, code in rows:
        if minute > signed.get(who, math.inf):
            continue
        if friend_of is not None and friend_of != who:
            friend[who] = min((minute, friend_of), friend.get(who, (math.inf, "")))
        for place, name in enumerate((named, CODES.get(code))):
            if name:
                relay[who] = min((minute, event == "sign", place, name), relay.get(who, (math.inf,)))
    return signed, friend, relay, visits


def climbed(signed, friend):
    """Return the root and the generation of everyone in a tree."""
    trees = {who: (who, 0) for who in signed if who not in friend}
    for who in sorted(signed, key=signed.get):
        above = friend.get(who, (0, None))[1]
        if above in trees and signed[above] < signed[who]:
            trees[who] = (trees[above][0], trees[above][1] + 1)
    return trees


def came_by(name, mine, signed, relay, visits):
    """Return when those of a relay came; of no relay, when they first visited before they signed."""
    if name is not None:
        return {who: relay[who][0] for who in mine if not relay[who][1]}
    early = {who: [minute for minute in visits[who] if minute <= signed.get(who, math.inf)] for who in mine}
    return {who: min(minutes) for who, minutes in early.items() if minutes}


def recount(rows, *, window, until, launch, discount):
    """Return by relay (None of no relay) what the frame should hold; signatures by generation; those in no tree."""
    signed, friend, relay, visits = arrivals(rows)
    trees = climbed(signed, friend)
    found, generations = {}, Counter()
    for name in (*NAMES, "dov", None):
        mine = {who for who in {*visits, *signed} if who not in friend and relay.get(who, (None,))[-1] == name}
        came = came_by(name, mine, signed, relay, visits)
        followed = {who for who in came if came[who] + window <= until}
        converted = {who for who in followed if signed.get(who, math.inf) <= came[who] + window}
        roots = mine & set(signed)
        inside = [far for root, far in trees.values() if root in roots]
        generations.update((name, far) for far in inside)
        direct = sorted(signed[who] for who in roots if name is None or not relay[who][1])
        start = min([*came.values(), *direct[:1]]) if came and direct else math.nan
        is_over = came and min(came.values()) + DAY <= until
        found[name] = {
            "visitors": len(came),
            "visits": sum(minute >= came[who] or name is None for who in came for minute in visits[who]),
            "pending": len(came.keys() - followed - set(signed)),
            "signatures": len(roots),
            "declared": len(roots) - len(direct),
            "rate": len(converted) / len(followed) if followed else math.nan,
            "downstream": sum(discount**far for far in inside if far),
            "total": sum(discount**far for far in inside),
            "half_seconds": 60 * (direct[(len(direct) - 1) // 2] - start) if direct else math.nan,
            "first_day_share": np.mean([each - start <= DAY for each in direct]) if direct and is_over else math.nan,
            "early": len({who for who in roots if launch <= signed[who] < launch + DAY}),
        }
    return found, generations, len(signed) - len(trees)


@settings(max_examples=30)
@given(campaigns(), st.sampled_from([1.0, 0.5, 0.0]), st.sampled_from([600, DAY, 3 * DAY]))
def test_random_campaigns_are_those_counted_by_hand(rows, discount, window):
    CASES["campaigns with relays"] += 1
    until, launch = 5 * DAY, DAY
    expected, generations, outside = recount(rows, window=window, until=until, launch=launch, discount=discount)
    result = measured(
        rows,
        columns=[*COLUMNS, "promo"],
        until=until,
        window=timedelta(minutes=window),
        downstream=discount,
        named_by=["relay", "promo"],
    )
    frame = result.frame
    names = [None if pd.isna(each) else each for each in frame["relay"]]
    listed = [*(each[0] for each in TABLE), None]
    assert set(names) == {*listed, *(one[-1] for one in arrivals(rows)[2].values())}
    assert names[-1] is None
    for place, name in enumerate(names):
        for measure, value in expected[name].items():
            if measure != "early":
                assert frame[measure].iloc[place] == pytest.approx(value, nan_ok=True), (name, measure)
    for name in ("rate", "downstream", "total"):
        low, middle, high = (frame[each].dropna() for each in (f"{name}_low", name, f"{name}_high"))
        assert ((low <= middle + 1e-12) & (middle <= high + 1e-12)).all()
    told = result.generations().frame
    assert {
        (None if pd.isna(row.relay) else row.relay, row.generation): row.signatures
        for row in told.itertuples()
        if row.signatures
    } == dict(generations)
    assert told["counted"].sum() == pytest.approx(frame["total"].sum())
    # Every root is in one row; with all downstream counted, so is everyone but those in no tree.
    signers = len({row[0] for row in rows if row[1] == "sign"})
    assert told["signatures"].sum() + outside == signers
    if discount == 1:
        assert frame["total"].sum() + outside == pytest.approx(signers)
    first_day = result.first_day().frame
    assert first_day["signatures"].sum() == sum(each["early"] for each in expected.values())


# The simulated campaign, whose truth is known

FINISHED = Campaign().closes_at + timedelta(days=60)
VISITORS = 20_000
MEASURES = ("rate", "signatures", "downstream", "total")


@functools.cache
def held(seeds):
    """Return by measure how often the interval of a relay holds its truth, and the mean error over the truth."""
    inside, errors = defaultdict(list), defaultdict(list)
    for seed in range(1, seeds + 1):
        sample = make_sample(seed, visitors=VISITORS, campaign=replace(Campaign(), cutoff_at=FINISHED))
        events = funnel.connect(sample.events, relays=sample.relays, cutoff=FINISHED)
        frame = Relays(window="60 days").measure(events).frame.dropna(subset="relay").set_index("relay")
        # Garwood's interval of a Poisson count.
        frame["signatures_low"] = chi2.ppf(0.025, 2 * frame["signatures"]) / 2
        frame["signatures_high"] = chi2.ppf(0.975, 2 * frame["signatures"] + 2) / 2
        for relay, truth in sample.truth["expected"]["relays"].items():
            both = truth["signatures"], truth["signatures_of_friends"]
            for measure, value in zip(MEASURES, (truth["sign"], *both, sum(both)), strict=True):
                row = frame.loc[relay]
                inside[measure].append(row[f"{measure}_low"] <= value <= row[f"{measure}_high"])
                errors[measure].append(row[measure] / value - 1)
        events.connection.close()
    return {name: float(np.mean(inside[name])) for name in MEASURES}, errors


def check_truth(seeds):
    """Intervals hold the truth about as often as they say, and what is found is right on average."""
    inside, errors = held(seeds)
    for measure in MEASURES:
        # Relays of a campaign are nearly independent; four standard errors, and what heavy trees cost.
        room = 4 * math.sqrt(0.95 * 0.05 / len(errors[measure]))
        assert inside[measure] > 0.95 - room - (0.02 if measure in ("downstream", "total") else 0), measure
        off = np.mean(errors[measure]) / (np.std(errors[measure], ddof=1) / math.sqrt(len(errors[measure])))
        assert abs(off) < 4, measure


def test_intervals_hold_the_truth_of_a_simulated_campaign():
    check_truth(3)


@pytest.mark.slow
def test_intervals_hold_the_truth_at_their_rate():
    check_truth(120)
    inside, errors = held(120)
    print(f"\n120 campaigns of {VISITORS:,} visitors, 12 relays each")
    for measure in MEASURES:
        print(f"{measure:<12} mean error {np.mean(errors[measure]):+.4f}, 95 % interval holds {inside[measure]:.3f}")


# Relays before launch and after, drawn from two laws of conviction: log-odds, mean and standard deviation.
LAWS = {"before": (0.45, 0.35), "after": (0.0, 0.35)}
SIDES = {"before": 8, "after": 5}


def relayed(convictions, generator=None):
    """Return a campaign of little else than relays, with these convictions by side."""
    base = Campaign()
    relays = []
    for side, values in convictions.items():
        for conviction in values:
            pull = 5.0 if generator is None else float(generator.gamma(4.0, 1.25))
            agreed = base.launched_at + timedelta(days=-5 if side == "before" else 3)
            relays.append(Relay(f"r{len(relays):02} {side}", "personality", agreed, 100_000, pull, float(conviction)))
    return replace(
        base,
        relays=tuple(relays),
        mentions=(),
        organic=dict.fromkeys(base.organic, 100.0),
        cutoff_at=FINISHED,
    )


@functools.cache
def true_difference():
    """Return the difference of the mean rates under both laws, by Gauss and Hermite's quadrature over conviction."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(15)
    convictions = {side: mean + sd * nodes for side, (mean, sd) in LAWS.items()}
    truth = make_sample(1, visitors=100, campaign=relayed(convictions)).truth["expected"]["relays"]
    rates = {side: [each["sign"] for name, each in truth.items() if name.endswith(side)] for side in LAWS}
    before, after = (np.average(rates[side], weights=weights) for side in LAWS)
    return float(before - after)


def waves_of(seed):
    """Return the row of the rate, of one campaign with relays drawn at random."""
    generator = np.random.default_rng(seed)
    convictions = {side: generator.normal(*LAWS[side], SIDES[side]) for side in LAWS}
    sample = make_sample(seed, visitors=5_000, campaign=relayed(convictions, generator))
    events = funnel.connect(sample.events, relays=sample.relays, cutoff=FINISHED)
    waves = Relays(window="60 days", launched_at=Campaign().launched_at).measure(events).waves()
    events.connection.close()
    return waves.frame.set_index("measure").loc["rate"]


@functools.cache
def waves(seeds):
    found = pd.DataFrame([waves_of(seed) for seed in range(1, seeds + 1)])
    assert found["before_relays"].eq(SIDES["before"]).all()
    assert found["after_relays"].eq(SIDES["after"]).all()
    truth = true_difference()
    inside = (found["difference_low"] <= truth) & (truth <= found["difference_high"])
    return found, float(inside.mean())


def check_waves(seeds):
    found, inside = waves(seeds)
    off = (found["difference"].mean() - true_difference()) / (found["difference"].std() / math.sqrt(seeds))
    assert abs(off) < 4
    assert inside > 0.95 - 4 * math.sqrt(0.95 * 0.05 / seeds)


def test_the_difference_of_early_relays_is_the_true_one():
    check_waves(4)


@pytest.mark.slow
def test_the_difference_of_early_relays_is_in_its_interval_at_its_rate():
    check_waves(150)
    found, inside = waves(150)
    print(
        f"\n150 campaigns with {SIDES} relays: true difference in rate {true_difference():.4f},"
        f" found {found['difference'].mean():.4f} on average, 95 % interval holds it in {inside:.3f}"
    )
