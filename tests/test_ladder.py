"""How people climb: given rows to expected numbers, plain Python on random campaigns, lifelines, the sample's truth."""

import functools
import json
import math
import re
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from statsmodels.stats.proportion import proportion_confint

import funnel
from funnel import Campaign, ColumnError, DataError, DefinitionError, Step, charts, make_sample
from funnel.ladder import Friend, Ladder, Repeat
from funnel.language import Language
from tests.tables import tables_left
from tests.test_charts import drawn, lengths, strings, trace_of, words_on
from tests.test_forest import BEGIN, COLUMNS, by_hand

CASES = Counter()
DAY = 1_440
MORE = ("channel", "variant", "score")
USUAL = ["visit", "sign", "share"]
ALL = ["visit", "sign", "share", Friend(), "partner_click", Repeat()]


def on_ladder(rows, until=None, more=(), **options):
    """Return events given as rows (visitor, event, minute, referred_by, and `more` columns, short rows filled up)."""
    columns = ["visitor_id", "event", "minute", "referred_by", *more]
    frame = pd.DataFrame([(*row, *[None] * (len(columns) - len(row))) for row in rows], columns=columns)
    frame["occurred_at"] = [BEGIN + timedelta(minutes=minute) for minute in frame.pop("minute")]
    for name in columns[3:]:
        if frame[name].isna().all():
            frame[name] = frame[name].astype("string")
    cutoff = None if until is None else BEGIN + timedelta(minutes=until)
    return funnel.connect(frame, cutoff=cutoff, **options)


def counts(result):
    """Return by rung: reached, highest, skipped."""
    return {row.rung: (row.reached, row.highest, row.skipped) for row in result.frame.itertuples()}


def went(result):
    """Return the moves that somebody made, with how many: (from, to) -> visitors."""
    frame = result.transitions().frame
    return {(row.rung, row.to): row.visitors for row in frame.itertuples() if row.visitors}


# Which rung is reached, and when


def test_each_rung_counts_those_who_reached_it_those_who_stay_and_those_who_passed_it_by():
    rows = [
        ("ann", "visit", 0),
        ("bob", "visit", 0), ("bob", "sign", 1),
        ("cat", "visit", 0), ("cat", "sign", 1), ("cat", "share", 2),
        ("dan", "visit", 0), ("dan", "share", 5),
    ]  # fmt: skip
    result = Ladder(USUAL).measure(on_ladder(rows))
    assert counts(result) == {"visit": (4, 1, 0), "sign": (2, 1, 1), "share": (2, 2, 0)}
    assert result.frame["visitors"].tolist() == [4, 4, 4]
    assert result.frame["rate"].tolist() == [1, 0.5, 0.5]
    low, high = proportion_confint(2, 4, method="wilson")
    assert result.frame.loc[1, ["rate_low", "rate_high"]].tolist() == pytest.approx([low, high])


def test_rungs_are_in_order_of_demand_and_not_of_time():
    rows = [("ann", "share", 0), ("ann", "visit", 10), ("ann", "sign", 20)]
    result = Ladder(USUAL).measure(on_ladder(rows))
    assert counts(result) == {"visit": (1, 0, 0), "sign": (1, 0, 0), "share": (1, 1, 0)}
    # Who came with the highest rung never climbed.
    assert went(result) == {("share", "none yet"): 1}


def test_who_comes_by_a_higher_rung_is_on_the_ladder_and_has_skipped_the_lower():
    result = Ladder(USUAL).measure(on_ladder([("ann", "sign", 0), ("bob", "visit", 0), ("bob", "share", 3)]))
    assert counts(result) == {"visit": (1, 0, 1), "sign": (1, 1, 1), "share": (1, 1, 0)}
    assert went(result) == {("sign", "none yet"): 1, ("visit", "share"): 1, ("share", "none yet"): 1}


def test_at_one_instant_the_lower_rung_comes_first():
    rows = [("ann", "sign", 0), ("ann", "visit", 0), ("ann", "share", 5), ("ann", "partner_click", 5)]
    result = Ladder([*USUAL, "partner_click"]).measure(on_ladder(rows))
    assert went(result) == {
        ("visit", "sign"): 1,
        ("sign", "share"): 1,
        ("share", "partner_click"): 1,
        ("partner_click", "none yet"): 1,
    }


def test_a_lower_rung_reached_later_is_no_move():
    rows = [("ann", "visit", 0), ("ann", "share", 1), ("ann", "sign", 2), ("ann", "partner_click", 3)]
    result = Ladder([*USUAL, "partner_click"]).measure(on_ladder(rows))
    assert went(result) == {("visit", "share"): 1, ("share", "partner_click"): 1, ("partner_click", "none yet"): 1}
    assert counts(result)["sign"] == (1, 0, 0)


def test_the_first_time_counts_however_often_it_is_done_again():
    rows = [("ann", "visit", 4), ("ann", "sign", 9), ("ann", "visit", 0), ("ann", "sign", 7), ("ann", "sign", 8)]
    result = Ladder(["visit", "sign"]).measure(on_ladder(rows, 100))
    assert counts(result) == {"visit": (1, 0, 0), "sign": (1, 1, 0)}
    frame = result.times().frame
    assert frame[frame["rate"] == 1]["elapsed_seconds"].tolist() == [7 * 60]


def test_who_did_no_rung_is_not_on_the_ladder():
    rows = [("ann", "visit", 0), ("bob", "unsubscribe", 0), ("cat", "share", 1), ("ann", "sign", 1)]
    assert Ladder(["visit", "sign"]).measure(on_ladder(rows)).frame["visitors"].tolist() == [1, 1]


def test_steps_narrow_a_rung_and_name_it():
    rows = [("ann", "sign", 0, None, "tv"), ("ann", "give", 1, None, "web"), ("bob", "post", 2, None, "web")]
    ladder = Ladder([Step("sign", where="channel = 'tv'"), Step(["give", "post"], where={"channel": "web"}, name="do")])
    result = ladder.measure(on_ladder(rows, more=["channel"]))
    assert counts(result) == {"sign": (1, 0, 1), "do": (2, 2, 0)}


def test_nobody_on_the_ladder_is_an_answer():
    events = on_ladder([("ann", "visit", 0), ("ann", "sign", 1), ("bob", "share", 1)]).where("event = 'share'")
    result = Ladder(["visit", "sign"]).measure(events)
    assert counts(result) == {"visit": (0, 0, 0), "sign": (0, 0, 0)}
    assert result.frame[["rate_low", "rate_high"]].to_numpy().tolist() == [[0, 1], [0, 1]]
    assert result.summary() == "Nobody is on the ladder yet."
    assert result.times().frame.empty
    assert result.times().summary() == "Nobody is on the ladder yet."
    assert str(result)
    assert result.plot()
    assert json.loads(result.to_json())


# Bringing a friend, and coming back


def test_a_friend_is_brought_with_their_first_signature():
    rows = [("ann", "sign", 0), ("bob", "visit", 5, "ann"), ("bob", "sign", 60), ("bob", "sign", 70)]
    result = Ladder(["sign", Friend(), "share"]).measure(on_ladder([*rows, ("bob", "share", 90)]))
    assert counts(result)["bring a friend"] == (1, 1, 1)
    frame = result.times().frame
    frame = frame[frame["after"] == "sign"]
    # Ann after 60 minutes, Bob, who shares, after 30.
    assert frame[frame["elapsed_seconds"] < 30 * 60]["rate"].max() == 0
    assert frame[frame["elapsed_seconds"].between(30 * 60, 60 * 60 - 1)]["rate"].unique() == [0.5]
    assert frame["rate"].max() == 1


@pytest.mark.parametrize(
    ("rows", "reached"),
    [
        ([("ann", "sign", 0), ("bob", "sign", 0, "ann")], 0),  # at the same instant
        ([("ann", "sign", 5), ("bob", "sign", 1, "ann")], 0),  # the parent signed later
        ([("ann", "sign", 0, "bob"), ("bob", "sign", 1, "ann")], 0),  # a cycle
        ([("ann", "sign", 0, "cat"), ("bob", "sign", 1, "ann")], 0),  # the parent is in no tree
        ([("ann", "sign", 0), ("ann", "visit", 0, "ann"), ("bob", "visit", 1, "ann")], 0),  # oneself; no signature
        ([("ann", "visit", 0), ("bob", "sign", 1, "ann")], 0),  # the parent never signed
        ([("ann", "sign", 0), ("bob", "sign", 1, "ann"), ("cat", "sign", 2, "bob")], 2),
    ],
)
def test_who_is_whose_friend_is_as_in_referrals(rows, reached):
    rows = [*rows, ("zoe", "sign", 9, " ")]
    assert counts(Ladder(["sign", Friend()]).measure(on_ladder(rows)))["bring a friend"][0] == reached
    assert funnel.Referrals().measure(on_ladder(rows)).numbers.set_index("measure").loc["referred", "value"] == reached


def test_links_and_other_gestures_make_friends_too():
    rows = [("ann", "give", 0, None), ("ann", "post", 1, "L"), ("bob", "give", 2, "L")]
    frame = pd.DataFrame(rows, columns=["visitor_id", "event", "minute", "link_id"])
    frame["occurred_at"] = [BEGIN + timedelta(minutes=minute) for minute in frame.pop("minute")]
    ladder = Ladder(["give", Friend(of="give", shared="post", name="recruit")])
    assert counts(ladder.measure(funnel.connect(frame))) == {"give": (2, 1, 0), "recruit": (1, 1, 0)}


def test_a_friend_who_comes_before_oneself_does_not_count():
    """Ann's link brings Bob before she has done anything that is a rung: the next friend counts."""
    rows = [("ann", "sign", 0), ("bob", "sign", 1, "ann"), ("ann", "share", 10), ("cat", "sign", 20, "ann")]
    result = Ladder(["share", Friend()]).measure(on_ladder(rows))
    assert counts(result) == {"share": (1, 0, 0), "bring a friend": (1, 1, 0)}
    assert result.times().frame["elapsed_seconds"].max() == 600


@pytest.mark.parametrize(("minute", "again"), [(DAY + 9, 0), (DAY + 10, 1), (DAY + 11, 1), (9, 0), (-5 * DAY, 0)])
def test_coming_back_is_a_visit_a_day_after_signing_or_later(minute, again):
    rows = [("ann", "visit", 0), ("ann", "sign", 10), ("ann", "visit", minute)]
    assert counts(Ladder(["sign", Repeat()]).measure(on_ladder(rows)))["visit again"][0] == again


def test_who_never_signed_cannot_come_back():
    rows = [("ann", "visit", 0), ("ann", "visit", 5 * DAY), ("bob", "sign", 0)]
    assert counts(Ladder(["visit", "sign", Repeat()]).measure(on_ladder(rows)))["visit again"] == (0, 0, 0)


def test_signing_again_can_be_a_rung_too():
    rows = [("ann", "sign", 0), ("ann", "sign", 59), ("bob", "sign", 0), ("bob", "sign", 60), ("cat", "sign", 60)]
    ladder = Ladder(["sign", Repeat("sign", since="sign", after="1 hour", name="sign once more")])
    assert counts(ladder.measure(on_ladder(rows))) == {"sign": (3, 2, 0), "sign once more": (1, 1, 0)}


def test_a_step_may_come_again_under_a_name():
    rows = [("ann", "sign", 0), ("ann", "visit", 90, None, "tv"), ("bob", "sign", 0), ("bob", "visit", 90, None, "web")]
    ladder = Ladder(["sign", Repeat(Step("visit", where="channel = 'tv'", name="seen on tv"), after="1 hour")])
    assert counts(ladder.measure(on_ladder(rows, more=["channel"])))["seen on tv again"][0] == 1


# Groups


def test_groups_are_of_the_event_with_which_a_visitor_came():
    rows = [
        ("ann", "visit", 0, None, "tv"), ("ann", "sign", 1, None, "web"),
        ("bob", "sign", 0, None, "web"), ("bob", "visit", 0, None, "tv"),
        ("cat", "visit", 0, None, None), ("cat", "sign", 2, None, "tv"),
        ("dan", "unsubscribe", 0, None, "radio"), ("dan", "visit", 3, None, "web"),
    ]  # fmt: skip
    frame = Ladder(["visit", "sign"]).measure(on_ladder(rows, more=["channel"]), by="channel").frame
    told = {
        (None if pd.isna(row.channel) else row.channel, row.rung): (row.visitors, row.reached)
        for row in frame.itertuples()
    }
    # Bob's two events are at one instant: the lower rung's says where he came from.
    assert told == {
        ("tv", "visit"): (2, 2), ("tv", "sign"): (2, 2),
        (None, "visit"): (1, 1), (None, "sign"): (1, 1),
        ("web", "visit"): (1, 1), ("web", "sign"): (1, 0),
    }  # fmt: skip


def test_groups_sum_to_the_whole_those_of_nothing_too():
    scores = [1.0, None, math.nan, 2.0]
    rows = [(f"v{n}", "visit", n, None, ("tv", None)[n % 2], None, scores[n % 4]) for n in range(30)]
    rows += [(f"v{n}", "sign", 50, None, "x", ("a", "b", None)[n % 3]) for n in range(0, 30, 2)]
    events = on_ladder(rows, more=MORE)
    ladder = Ladder(["visit", "sign", "share"][:2], exposure="sign")
    whole = ladder.measure(events).frame.set_index("rung")[["visitors", "reached", "highest", "skipped"]]
    for by, groups in (("channel", 2), ("variant", 3), ("score", 3), ("wave", 1), (["score", "channel"], 4)):
        frame = ladder.measure(events, by=by).frame
        assert len(frame) == groups * 2, by
        summed = frame.groupby("rung")[["visitors", "reached", "highest", "skipped"]].sum()
        pd.testing.assert_frame_equal(summed, whole, check_like=True)


def test_a_variant_is_what_was_shown_first():
    rows = [
        ("ann", "visit", 0), ("ann", "thanks_shown", 2, None, None, "b"), ("ann", "thanks_shown", 3, None, None, "a"),
        ("bob", "visit", 0), ("bob", "thanks_shown", 1), ("bob", "thanks_shown", 2, None, None, "a"),
        ("cat", "visit", 0, None, None, "a"),
    ]  # fmt: skip
    result = Ladder(["visit", "thanks_shown"]).measure(on_ladder(rows, more=MORE), by="variant")
    told = {None if pd.isna(row.variant) else row.variant: row.reached for row in result.frame.itertuples() if row[2]}
    assert {name: told.get(name) for name in ("a", "b", None)} == {"a": 1, "b": 1, None: 0}
    assert any("Groups by what was shown" in note for note in result.notes)


def test_the_event_that_shows_a_variant_can_be_named():
    rows = [("ann", "visit", 0, None, None, "x"), ("ann", "assigned", 1, None, None, "y"), ("ann", "sign", 1)]
    ladder = Ladder(["visit", "sign"], exposure=Step("assigned"))
    assert ladder.measure(on_ladder(rows, more=MORE), by="variant").frame["variant"].tolist() == ["y", "y"]


def test_waves_begin_with_the_day_on_which_the_first_came():
    minutes = {"a": 0, "b": 7 * DAY - 1, "c": 7 * DAY, "d": 21 * DAY + 5}
    rows = [(who, "visit", minute) for who, minute in minutes.items()] + [("a", "sign", 1)]
    frame = Ladder(["visit", "sign"]).measure(on_ladder(rows), by="wave").frame
    waves = frame[frame["rung"] == "visit"].set_index("wave")["visitors"].to_dict()
    assert waves == {date(2018, 1, 14): 2, date(2018, 1, 21): 1, date(2018, 2, 4): 1}
    # In Montreal the first came the evening before, so that the second wave starts a day earlier.
    events = on_ladder(rows, timezone="America/Toronto")
    frame = Ladder(["visit", "sign"], wave="1 day").measure(events, by="wave").frame
    assert sorted(set(frame["wave"])) == [date(2018, 1, 13), date(2018, 1, 20), date(2018, 2, 3)]


def test_a_column_called_wave_is_a_column():
    rows = [("ann", "visit", 0, None, "first"), ("ann", "sign", 1, None, "second")]
    frame = Ladder(["visit", "sign"]).measure(on_ladder(rows, more=["wave"]), by="wave").frame
    assert frame["wave"].tolist() == ["first", "first"]


# Moves


def test_the_moves_of_a_rung_add_up_and_carry_intervals():
    rows = [(f"v{n}", "visit", 0) for n in range(20)]
    rows += [(f"v{n}", "sign", 1) for n in range(8)] + [(f"v{n}", "share", 2) for n in range(5, 11)]
    frame = Ladder(USUAL).measure(on_ladder(rows)).transitions().frame
    told = {(row.rung, row.to): row.visitors for row in frame.itertuples()}
    assert told == {
        ("visit", "sign"): 8, ("visit", "share"): 3, ("visit", "none yet"): 9,
        ("sign", "share"): 3, ("sign", "none yet"): 5,
        ("share", "none yet"): 6,
    }  # fmt: skip
    assert frame.groupby("rung")["share"].sum().tolist() == pytest.approx([1, 1, 1])
    low, high = proportion_confint(8, 20, method="wilson")
    assert frame.loc[0, ["share", "share_low", "share_high"]].tolist() == pytest.approx([0.4, low, high])


def test_a_rung_on_which_nobody_stood_has_no_shares():
    rows = [("ann", "share", 0), ("bob", "visit", 0), ("bob", "share", 1), ("bob", "sign", 2)]
    frame = Ladder(USUAL).measure(on_ladder(rows)).transitions().frame
    row = frame[(frame["rung"] == "sign") & (frame["to"] == "share")].iloc[0]
    assert (row["visitors"], row["share_low"], row["share_high"]) == (0, 0, 1)
    assert math.isnan(row["share"])


# Times


def test_times_are_kaplan_meiers_with_those_who_have_not_climbed_yet_followed_to_the_cutoff():
    draw = np.random.default_rng(5)
    many, until = 300, 3 * DAY
    came = draw.integers(0, 2 * DAY, many)
    waits = draw.integers(1, 4 * DAY, many)
    channel = np.where(np.arange(many) % 3 > 0, "tv", "web")
    rows = [(f"v{n}", "visit", int(came[n]), None, channel[n]) for n in range(many)]
    climbs = came + waits <= until
    # Every second one skips signing.
    rows += [(f"v{n}", ("sign", "share")[n % 2], int(came[n] + waits[n])) for n in range(many) if climbs[n]]
    result = Ladder(USUAL).measure(on_ladder(rows, until, more=["channel"]))
    followed = np.minimum(waits, until - came) * 60.0
    for by, names in ((None, ["a higher rung"]), ("channel", ["tv", "web"])):
        told = result.times(by)
        frame = told.frame[told.frame["after"] == "visit"]
        assert frame["outcome"].unique().tolist() == names
        for name in names:
            chosen = channel == name if by else np.ones(many, dtype=bool)
            curve = frame[frame["outcome"] == name]
            fitted = KaplanMeierFitter().fit(followed[chosen], climbs[chosen])
            expected = 1 - fitted.predict(curve["elapsed_seconds"]).to_numpy()
            np.testing.assert_allclose(curve["rate"], expected, atol=1e-9)
            assert curve["elapsed_seconds"].max() == followed[chosen].max()
            assert curve["at_risk"].iloc[0] == chosen.sum()
    assert multivariate_logrank_test(followed, channel, climbs).p_value > 0.01
    assert len(told.notes) == 1


def test_groups_that_climb_at_different_rates_are_said_to():
    rows = [(f"v{n}", "visit", 0, None, ("tv", "web")[n % 2]) for n in range(100)]
    rows += [(f"v{n}", "sign", 10 + n) for n in range(0, 100, 2)]
    told = Ladder(USUAL[:2]).measure(on_ladder(rows, DAY, more=["channel"])).times("channel")
    assert told.notes[1].startswith("From “visit”, the groups climb on at different rates, more than chance allows")
    shown = Ladder(USUAL[:2], exposure="visit").measure(on_ladder(rows, DAY, more=["variant"])).times("variant")
    assert "Groups by what was shown" in shown.notes[-1]


def test_times_say_how_many_had_climbed_on_when_all_groups_were_still_followed():
    rows = [(f"v{n}", "visit", 0, None, "tv") for n in range(10)] + [(f"v{n}", "sign", 5 + n) for n in range(5)]
    rows += [(f"w{n}", "visit", 30, None, "web") for n in range(4)] + [("w0", "sign", 39)]
    result = Ladder(["visit", "sign"]).measure(on_ladder(rows, 90, more=["channel"]))
    # The web was followed for an hour; the clock of television goes on.
    assert result.times().summary().replace("\u00a0", " ") == "By 1 h 30 min after “visit”, 42.9% had climbed on."
    assert result.times("channel").summary().replace("\u00a0", " ") == (
        "By 1 h after “visit”, from 25.0% (web) to 50.0% (television) had climbed on."
    )


def test_everyone_at_the_instant_of_the_cutoff_has_been_followed_for_no_time():
    frame = Ladder(USUAL[:2]).measure(on_ladder([("ann", "visit", 0), ("bob", "visit", 0), ("bob", "sign", 0)])).times()
    assert frame.frame[["elapsed_seconds", "rate", "at_risk"]].to_numpy().tolist() == [[0, 0.5, 2]]


# Asks


ASKED = [
    ("ann", "visit", 0), ("ann", "asked", 10), ("ann", "share", 11), ("ann", "asked", 20), ("ann", "asked", 30),
    ("ann", "share", 30), ("ann", "asked", 40), ("ann", "share", 45),
    ("bob", "visit", 0), ("bob", "share", 5), ("bob", "asked", 10), ("bob", "asked", 10), ("bob", "unsubscribe", 12),
    ("bob", "asked", 20),
    ("cat", "visit", 0), ("cat", "asked", 0), ("cat", "unsubscribe", 200), ("cat", "share", 71),
    ("dan", "visit", 0),
    ("eve", "visit", 170), ("eve", "asked", 180), ("eve", "share", 181),
]  # fmt: skip


def test_answers_belong_to_the_ask_before_them():
    """Within an hour of the ask and before the next; complete to minute 200, so that Eve's ask is pending."""
    result = Ladder(["visit", "share"]).measure(on_ladder(ASKED, 200))
    frame = result.fatigue("asked", within="1 hour").frame.set_index("asks")
    told = frame[["visitors", "pending", "responded", "harmed", "harmed_before"]].to_numpy().tolist()
    assert told == [
        [4, 1, 1, 0, 0],  # Ann, Bob (who shares unasked) and Dan; Eve is pending; Cat was asked as she came
        [4, 1, 1, 1, 0],  # Ann answers, Bob unsubscribes; Cat answers too late; Eve is pending
        [2, 0, 0, 0, 1],  # Ann, whose answer comes with the third ask, and Bob, gone before
        [1, 0, 1, 0, 0],  # Ann, at the instant of the third ask; the fourth is not told apart
    ]
    low, high = proportion_confint(1, 3, method="wilson")
    row = frame.loc[1]
    assert row[["response_rate", "response_rate_low", "response_rate_high"]].tolist() == pytest.approx(
        [1 / 3, low, high]
    )
    assert row[["harm_rate", "harm_rate_low", "harm_rate_high"]].tolist() == pytest.approx([1 / 3, low, high])
    assert frame.loc[2, ["harm_rate", "harm_rate_low"]].tolist() == [0, 0]
    assert frame.loc[2, "harm_rate_high"] == pytest.approx(proportion_confint(0, 1, method="wilson")[1])


@pytest.mark.parametrize(("within", "answered"), [("59 seconds", 0), ("60 seconds", 1)])
def test_the_time_to_answer_includes_its_end(within, answered):
    rows = [("ann", "asked", 0), ("ann", "share", 1), ("ann", "unsubscribe", 1), ("bob", "visit", 9)]
    result = Ladder(["visit", "share"]).measure(on_ladder(rows, 100))
    told = result.fatigue("asked", within=within).frame.set_index("asks").loc[1]
    # Ann came with her share, and was asked before: nobody has a time without having been asked but Bob.
    assert (told["responded"], told["harmed"]) == (answered, answered)
    assert result.fatigue("asked", within=within).frame["visitors"].tolist() == [1, 1, 0, 0]


def test_asks_answers_and_harm_may_be_any_events():
    rows = [("ann", "visit", 0), ("ann", "a", 1), ("ann", "b", 2), ("ann", "give", 3), ("ann", "block", 9)]
    result = Ladder(["visit", "give"]).measure(on_ladder(rows, 2 * DAY))
    frame = result.fatigue(["a", "b"], response=Step("give"), harm="block", within="1 day").frame
    assert frame[["visitors", "responded", "harmed"]].to_numpy().tolist() == [
        [1, 0, 0],
        [1, 0, 0],
        [1, 1, 1],
        [0, 0, 0],
    ]


def test_fatigue_says_that_it_is_observed():
    notes = Ladder(["visit", "share"]).measure(on_ladder(ASKED, 200)).fatigue("asked").notes
    assert notes[0].startswith("This is observed and not tried")
    assert "within 7\u00a0days of the ask" in notes[1]


# What a signer brings


def test_signatures_brought_are_those_of_signers_by_their_highest_rung():
    rows = [
        ("ann", "sign", 0), ("ann", "share", 1),
        ("bob", "sign", 10, "ann"), ("cat", "sign", 20, "ann"), ("cat", "share", 21),
        ("dan", "sign", 30, "cat"), ("eve", "sign", 40, "nobody"), ("fay", "sign", 50),
    ]  # fmt: skip
    result = Ladder(["visit", "sign", "share", Friend()]).measure(on_ladder([*rows, ("gus", "visit", 0)], 30 * DAY))
    frame = result.value().frame.set_index("rung")
    # Bob, Dan and Fay; Ann and Cat. Eve is in no tree. Ann has Bob, Cat and Dan below her, Cat has Dan.
    assert frame[["signers", "brought", "downstream"]].to_numpy().tolist() == [[0, 0, 0], [3, 0, 0], [2, 3, 4]]
    # All have been followed for longer than any friend took: nothing to correct.
    assert frame["k_factor"].tolist()[1:] == [0, 1.5]
    # 3 brought by 5 signers: 1 / (1 - 0.6) signatures for each one brought.
    assert frame.loc["share", "value"] == pytest.approx(1.5 / 0.4)
    assert math.isnan(frame.loc["visit", "k_factor"])
    whole = funnel.Referrals().measure(on_ladder(rows, 30 * DAY)).numbers.set_index("measure")
    assert frame["brought"].sum() == whole.loc["referred", "value"] == 3
    assert frame["signers"].sum() == whole.loc["signatures", "value"] == 5
    k_factor = whole.loc["k_factor"]
    assert k_factor["high"] > 1
    assert frame.loc["share", "value_high"] == math.inf
    assert frame.loc["share", "value_low"] == pytest.approx(frame.loc["share", "k_factor_low"] / (1 - k_factor["low"]))


def test_where_each_brings_more_than_one_what_they_bring_in_all_has_no_end():
    rows = [
        ("a", "sign", 0),
        ("b", "sign", 1, "a"),
        ("c", "sign", 2, "a"),
        ("d", "sign", 3, "b"),
        ("e", "sign", 3, "b"),
    ]
    rows += [(f"{who}{n}", "sign", 4, who) for who in "cde" for n in range(2)]
    frame = Ladder(["visit", "sign"]).measure(on_ladder([*rows, ("z", "visit", 0)])).value().frame
    assert frame["value"].tolist()[1] == math.inf


def test_signers_who_are_not_on_the_ladder_have_a_row_of_their_own():
    rows = [("ann", "sign", 0), ("bob", "sign", 1, "ann"), ("bob", "share", 2), ("bob", "partner_click", 3)]
    frame = Ladder(["share", "partner_click"]).measure(on_ladder(rows, DAY)).value().frame
    assert [None if pd.isna(each) else each for each in frame["rung"]] == ["share", "partner_click", None]
    assert frame["signers"].tolist() == [0, 1, 1]
    assert frame["brought"].tolist() == [0, 0, 1]


def test_the_rung_of_a_friend_says_who_signs():
    rows = [("ann", "give", 0), ("bob", "give", 1, "ann"), ("bob", "sign", 2)]
    ladder = Ladder(["give", Friend(of="give")])
    frame = ladder.measure(on_ladder(rows, DAY)).value().frame
    assert frame[["rung", "signers", "brought"]].to_numpy().tolist() == [["give", 2, 1]]
    assert frame["k_factor"].tolist() == pytest.approx([0.5])


def test_signers_of_whom_none_is_in_a_tree_bring_nothing_that_could_be_shared_out():
    rows = [("ann", "visit", 0), ("ann", "sign", 1, "nobody")]
    with pytest.raises(DataError) as caught:
        Ladder(["visit", "sign"]).measure(on_ladder(rows)).value()
    assert str(caught.value) == (
        "Nobody who signed is in a tree, so there are no signatures to share out: every signer names a referrer who did"
        " not sign before. Is referred_by the visitor whose link was used?"
    )


def test_nobody_who_brought_anybody_is_said_so():
    result = Ladder(["visit", "sign"]).measure(on_ladder([("ann", "visit", 0), ("ann", "sign", 1, " ")], DAY))
    assert result.value().notes[0] == "Nobody on the ladder has brought anybody yet."


# Plain Python


NAMES = ["ann", "bob", "cat", "dan", "eve"]
EVENTS = ["visit", "sign", "share", "partner_click", "unsubscribe"]
campaigns_of_few = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(EVENTS),
        st.integers(0, 5).map(lambda step: step * 720),
        st.sampled_from([None, None, *NAMES, "nobody"]),
        st.sampled_from(["tv", "web", None]),
    ),
    max_size=30,
)
# One of each, so that there is something to ask for.
ALWAYS = [("zoe", event, place, None, "tv") for place, event in enumerate(EVENTS)]


def reached_by_hand(rows):
    """Return by visitor the minute of each rung of ALL that they reached, by place, one visitor at a time."""
    events = defaultdict(list)
    for who, event, minute, *_ in rows:
        events[who].append((minute, event))
    signers, _, _ = by_hand([(*row[:4], None) for row in rows], str)
    found = {}
    for who, done in events.items():
        firsts = {name: min((at for at, event in done if event == name), default=None) for name in EVENTS}
        times = {0: firsts["visit"], 1: firsts["sign"], 2: firsts["share"], 4: firsts["partner_click"]}
        times = {place: at for place, at in times.items() if at is not None}
        if not times:
            continue
        entered = min(times.values())
        friends = [row[6] for row in signers.values() if row[0] == who and row[4] and row[6] >= entered]
        if friends:
            times[3] = min(friends)
        if firsts["sign"] is not None:
            back = [at for at, event in done if event == "visit" and at >= max(firsts["sign"] + DAY, entered)]
            if back:
                times[5] = min(back)
        found[who] = times
    return found


def climb_by_hand(times):
    """Return the rungs stood on, in order of time: (place, minute, next place or None, next minute)."""
    path = []
    for at, place in sorted((at, place) for place, at in times.items()):
        if not path or place > path[-1][0]:
            path.append((place, at))
    return [(*one, *other) for one, other in zip(path, [*path[1:], (None, None)], strict=True)]


@settings(max_examples=6, deadline=None)
@given(campaigns_of_few)
def test_random_campaigns_climb_as_by_hand(rows):
    check_by_hand(rows)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(campaigns_of_few)
def test_many_more_random_campaigns_climb_as_by_hand(rows):
    check_by_hand(rows)


def check_by_hand(rows):
    CASES["ladders"] += 1
    rows = [*ALWAYS, *rows]
    until = 6 * 720
    result = Ladder(ALL).measure(on_ladder(rows, until, more=["channel"]))
    people = reached_by_hand(rows)
    names = [*USUAL, "bring a friend", "partner_click", "visit again"]
    expected = {
        name: (
            sum(place in times for times in people.values()),
            sum(place == max(times) for times in people.values()),
            sum(place not in times and place < max(times) for times in people.values()),
        )
        for place, name in enumerate(names)
    }
    assert counts(result) == expected
    assert set(result.frame["visitors"]) == {len(people)}
    assert result.frame["highest"].sum() == len(people)
    stays = [stay for times in people.values() for stay in climb_by_hand(times)]
    moves = Counter((names[here], "none yet" if to is None else names[to]) for here, _, to, _ in stays)
    assert went(result) == moves
    check_times(result, stays, names, until)
    check_groups(rows, result, people)
    check_value(rows, result, people, names)


def check_times(result, stays, names, until):
    frame = result.times().frame
    for place, name in enumerate(names[:-1]):
        lasted = [(60.0 * ((until if then is None else then) - at), then is not None) for here, at, _, then in stays
                  if here == place]  # fmt: skip
        curve = frame[frame["after"] == name]
        if not lasted:
            assert curve.empty
            continue
        fitted = KaplanMeierFitter().fit(*zip(*lasted, strict=True))
        np.testing.assert_allclose(curve["rate"], 1 - fitted.predict(curve["elapsed_seconds"]).to_numpy(), atol=1e-9)


def check_groups(rows, result, people):
    """The entering event's channel: that of the earliest, then the lowest rung, then the least, nothing last."""
    order = ["visit", "sign", "share", "partner_click"]
    channels = {}
    for who in people:
        mine = [(at, order.index(event), channel is None, channel or "") for other, event, at, _, channel in rows
                if other == who and event in order]  # fmt: skip
        channels[who] = min(mine)[3] or None
    frame = Ladder(ALL).measure(result.climbers.events, by="channel").frame
    told = {
        (None if pd.isna(row.channel) else row.channel): row.visitors
        for row in frame.itertuples()
        if row.rung == "visit"
    }
    assert told == Counter(channels.values())
    assert frame.groupby("rung", sort=False)["reached"].sum().tolist() == result.frame["reached"].tolist()


def check_value(rows, result, people, names):
    """Up from each signer in a tree, who counts for all above; by the highest rung but that of the friend."""
    signers, _, _ = by_hand([(*row[:4], None) for row in rows], str)
    parents = {who: row[0] if row[4] else None for who, row in signers.items() if row[4] is not None}
    expected = {name: [0, 0, 0] for name in names if name != "bring a friend"}
    direct, below = Counter(), Counter()
    for parent in parents.values():
        direct[parent] += 1
        above = parent
        while above is not None:
            below[above] += 1
            above = parents[above]
    for who in parents:
        highest = names[max(place for place in people[who] if names[place] != "bring a friend")]
        expected[highest] = [
            old + new for old, new in zip(expected[highest], (1, direct[who], below[who]), strict=True)
        ]
    frame = result.value().frame.set_index("rung")
    assert frame[["signers", "brought", "downstream"]].to_numpy().tolist() == list(expected.values())


@settings(max_examples=10, deadline=None)
@given(campaigns_of_few, st.sampled_from([720, 1_440, 2_000]))
def test_random_asks_are_answered_as_by_hand(rows, within):
    CASES["asks"] += 1
    rows = [*ALWAYS, *rows]
    until = 5 * 720
    rows = [row for row in rows if row[2] <= until]
    result = Ladder(["visit", "share"]).measure(on_ladder(rows, until, more=["channel"]))
    asked = result.fatigue("sign", response="partner_click", within=timedelta(minutes=within)).frame
    told = asked[["visitors", "pending", "responded", "harmed", "harmed_before"]].to_numpy().tolist()
    assert told == asks_by_hand(rows, within, until)


def asks_by_hand(rows, within, until):
    found = [[0] * 5 for _ in range(4)]
    for who in {row[0] for row in rows}:
        at = defaultdict(set)
        for other, event, minute, *_ in rows:
            if other == who:
                at[event].add(minute)
        entered = min(at["visit"] | at["share"], default=None)
        if entered is None:
            continue
        asks = sorted(at["sign"])
        spells = [] if asks and asks[0] <= entered else [(0, entered, asks[0] if asks else math.inf)]
        ends = [*asks[1:3], *[math.inf] * 3]
        spells += [(place + 1, start, ends[place] if place < 2 else math.inf) for place, start in enumerate(asks[:3])]
        gone = min(at["unsubscribe"], default=math.inf)
        for number, start, end in spells:
            row = found[number]
            row[0] += 1
            if start + within > until:
                row[1] += 1
                continue
            row[2] += any(start <= answer <= start + within and answer < end for answer in at["partner_click"])
            row[3] += start <= gone <= start + within and gone < end
            row[4] += gone < start
    return found


def test_the_order_of_rows_changes_nothing():
    draw = np.random.default_rng(8)
    rows = [
        (f"v{draw.integers(40)}", str(draw.choice(EVENTS)), int(draw.integers(60)) * 60,
         str(draw.choice([" ", " ", " ", "v1", "v2"])), str(draw.choice(["tv", "web", " "])))
        for _ in range(400)
    ]  # fmt: skip
    told = []
    for _ in range(2):
        result = Ladder(ALL).measure(on_ladder(rows, 90 * 60, more=["channel"]), by=["channel", "wave"])
        parts = [result, result.times("channel"), result.value(), result.fatigue("sign")]
        told.append([part.to_json() for part in parts])
        rows.reverse()
    assert told[0] == told[1]


# What is refused


@pytest.mark.parametrize(
    ("rungs", "message"),
    [
        ("visit", "`rungs` takes a list of rungs, the lowest first; got 'visit'. Give for example ['visit', 'sign',"
                  " 'share']."),
        (["visit"], "A ladder has 2 to 20 rungs; got 1. Give for example Ladder(['visit', 'sign'])."),
        ([f"r{n}" for n in range(21)],
         "A ladder has 2 to 20 rungs; got 21. Give for example Ladder(['visit', 'sign'])."),
        ([Friend(), "sign"],
         "The lowest rung is how people come to the ladder, so it is an event; got Friend(of='sign', shared=None,"
         " name='bring a friend'). Put for example 'visit' before it."),
        (["visit", Step("sign", optional=True)],
         "Rung 'sign' is optional by nature, as all are. Leave `optional` out."),
        (["visit", "sign", "visit"], "Two rungs are named 'visit'. Give each a name of its own, with name=."),
        (["visit", 3], "A step needs the name of an event, or several; got 3. Give for example Step('sign')."),
    ],
)  # fmt: skip
def test_what_is_no_ladder_is_refused(rungs, message):
    with pytest.raises(DefinitionError) as caught:
        Ladder(rungs)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Friend(name=" "), "A rung's name is words; got ' '. Leave it out for the usual one."),
        (lambda: Repeat(name=7), "A rung's name is words; got 7. Leave it out for the usual one."),
        (lambda: Repeat(Step("visit", optional=True)),
         "Step 'visit' of a rung is optional by nature. Leave `optional` out."),
        (lambda: Repeat(after="a while"), "after='a while' is not a length of time. Give a number and a unit, for"
                                          " example '7 days' or '90 minutes'."),
        (lambda: Ladder(USUAL, wave="36 hours"),
         "wave='36 hours' is no whole number of days. Give for example '7 days'."),
        (lambda: Friend(of=""),
         "A step needs the name of an event, or several; got ''. Give for example Step('sign')."),
    ],
)  # fmt: skip
def test_a_rung_that_makes_no_sense_is_refused(make, message):
    with pytest.raises(DefinitionError) as caught:
        make()
    assert str(caught.value) == message


EVENTS_THERE = [("ann", "visit", 0, " ", "tv", "a"), ("ann", "sign", 1, " ", "tv", "a")]


@pytest.mark.parametrize(
    ("rungs", "by", "kind", "message"),
    [
        (["visit", "sing"], None, DataError,
         "No event is named 'sing'. Did you mean 'sign'? Known: sign (1), visit (1)."),
        (["visit", Repeat("visit", since="signed")], None, DataError,
         "No event is named 'signed'. Did you mean 'sign'? Known: sign (1), visit (1)."),
        (["visit", Friend("friend")], None, DataError,
         "No event is named 'friend'. Known: sign (1), visit (1)."),
        (["visit", Friend(Step("sign", where="chanel = 'tv'"))], None, ColumnError,
         "No column named 'chanel'. Did you mean 'channel'? Known: channel, event, occurred_at, referred_by, score,"
         " variant, visitor_id."),
        (["visit", "sign"], "chanel", ColumnError,
         "No column named 'chanel'. Did you mean 'channel'? Known: channel, event, occurred_at, referred_by, score,"
         " variant, visitor_id."),
        (["visit", "sign"], "visitor_id", DefinitionError,
         "A breakdown by 'visitor_id' would show persons one by one. Choose another column."),
        (["visit", "sign"], 7, DefinitionError,
         "`by` takes the name of a column, or several; got 7. Give for example by='channel'."),
        (["visit", "sign"], "variant", DataError,
         "No event is named 'thanks_shown'. Known: sign (1), visit (1)."),
    ],
)  # fmt: skip
def test_what_events_do_not_have_is_refused(rungs, by, kind, message):
    events = on_ladder(EVENTS_THERE, more=MORE)
    with pytest.raises(kind) as caught:
        Ladder(rungs).measure(events, by)
    assert str(caught.value) == message
    assert not tables_left(events)


def test_friends_need_to_be_known_by_a_column():
    frame = pd.DataFrame({"visitor_id": ["ann"] * 2, "event": ["visit", "sign"], "occurred_at": [BEGIN] * 2})
    events = funnel.connect(frame)
    with pytest.raises(ColumnError) as caught:
        Ladder(["visit", Friend()]).measure(events)
    assert str(caught.value) == (
        "Rung 'bring a friend' needs to know who brought whom: no column named 'referred_by' or 'link_id'."
        " Known: event, occurred_at, visitor_id."
    )
    with pytest.raises(ColumnError) as caught:
        Ladder(["visit", "sign"]).measure(events).value()
    assert str(caught.value).startswith("What a signer brings needs to know who brought whom")


def test_what_is_no_events_is_refused():
    with pytest.raises(DefinitionError) as caught:
        Ladder(USUAL).measure(pd.DataFrame())
    assert str(caught.value) == "A ladder is measured over events; got DataFrame. Give funnel.connect(source)."


def test_a_column_that_results_have_themselves_cannot_be_a_group():
    rows = [("ann", "visit", 0, None, "x"), ("ann", "sign", 0, None, "x")]
    with pytest.raises(DefinitionError) as caught:
        Ladder(["visit", "sign"]).measure(on_ladder(rows, more=["rung"]), by="rung")
    assert str(caught.value) == (
        "Results have a column 'rung' of their own. Give yours another name, with columns={'my_rung': 'rung'}."
    )


def test_too_many_groups_are_refused():
    rows = [(f"v{n}", "visit", 0, None, f"c{n}") for n in range(1_001)] + [("v0", "sign", 1)]
    with pytest.raises(DefinitionError) as caught:
        Ladder(["visit", "sign"]).measure(on_ladder(rows, more=["channel"]), by="channel")
    assert str(caught.value) == (
        "A breakdown by 'channel' makes more than 1,000 groups. Choose a column with fewer values, or narrow the"
        " events."
    )


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"asks": "thanks"}, "No event is named 'thanks'."),
        ({"asks": "visit", "harm": "gone"}, "No event is named 'gone'."),
        ({"asks": "visit", "within": "0 days"}, "within='0 days' is not longer than zero."),
    ],
)
def test_asks_that_are_none_are_refused(asked, message):
    result = Ladder(["visit", "share"]).measure(on_ladder(ASKED))
    with pytest.raises((DefinitionError, DataError), match=re.escape(message)):
        result.fatigue(**asked)


# How it is told


@functools.cache
def told_whole():
    rows = [(f"v{n}", "visit", n, None, ("tv", None, "web")[n % 3], None) for n in range(60)]
    rows += [(f"v{n}", "sign", 100 + n) for n in range(0, 60, 2)]
    rows += [(f"v{n}", "thanks_shown", 101 + n, None, None, ("a", "b")[n % 4 // 2]) for n in range(0, 60, 2)]
    rows += [(f"v{n}", "share", 200 + n) for n in range(0, 60, 6)]
    rows += [(f"v{n}", "sign", 400 + n, "v0") for n in range(1, 9, 2)] + [("v4", "partner_click", 500)]
    rows += [("v6", "visit", 2 * DAY), ("v8", "unsubscribe", 300)]
    return Ladder(ALL).measure(on_ladder(rows, 30 * DAY, more=MORE))


def answers(result):
    return [result, result.transitions(), result.times(), result.times("channel"), result.fatigue(), result.value()]


def test_the_summary_says_how_far_people_came():
    assert told_whole().summary().replace("\u00a0", " ") == (
        "60 people came to the ladder: 100.0% reached “visit”, 56.7% reached “sign”, 16.7% reached “share”, 1.7%"
        " reached “bring a friend”, 1.7% reached “partner click” and 1.7% reached “visit again”. 1 person stands at the"
        " top, “visit again”. Of those who took a first step, most stand at “sign”: 67.6% [50.8 to 80.9] have not"
        " climbed on from there, and those who have went most often to “share”."
    )
    flat = Ladder(USUAL).measure(on_ladder([("ann", "visit", 0), ("bob", "sign", 0), ("cat", "share", 1)]))
    assert flat.summary().endswith("1 person stands at the top, “share”.")
    short = Ladder(["visit", "sign"]).measure(
        on_ladder([("ann", "visit", 0), ("ann", "sign", 9)]).where("event='visit'")
    )
    assert "Nobody has gone further than “visit” yet." in short.summary()


def test_a_ladder_shows_itself_as_it_is_typed():
    assert repr(Ladder(["visit", Step("sign", name="x"), Friend(), Repeat(after="2 days")], wave="1 day")) == (
        "Ladder(['visit', Step(event='sign', name='x'), Friend(), Repeat(after='2 days')], wave='1 day')"
    )


ENGLISH = {"the", "of", "who", "and", "people", "rung", "rungs", "reached", "higher", "ladder", "friend", "none", "yet"}
ENGLISH |= {"signers", "asks", "highest", "skipped", "answered", "visit", "share", "brings", "other"}


def test_french_is_french_all_through():
    for one, other in zip(answers(told_whole().speaking("fr")), answers(told_whole()), strict=True):
        assert one.title != other.title
        assert len(one.notes) == len(other.notes)
        text = " ".join([one.title, *one.notes, str(one)])
        assert not ENGLISH & set(re.findall(r"[^\W\d]+", text.lower())), text
    french = told_whole().summary("fr")
    assert french != told_whole().summary()
    assert not ENGLISH & set(re.findall(r"[^\W\d]+", french.lower())), french
    for answer in (told_whole().times(), told_whole().times("channel")):
        assert not ENGLISH & set(re.findall(r"[^\W\d]+", answer.summary("fr").lower())), answer.summary("fr")


def test_every_answer_is_json_and_a_page(tmp_path):
    for place, answer in enumerate(answers(told_whole())):
        written = json.loads(answer.to_json(tmp_path / f"{place}.json"))
        assert len(written["rows"]) == len(answer.frame)
        assert written["title"] == answer.title
        assert answer.to_html(tmp_path / f"{place}.html").read_text(encoding="utf-8").startswith("<!")
    whole = json.loads(told_whole().to_json())
    assert whole["summary"] == told_whole().summary()
    assert len(whole["transitions"]) == len(told_whole().transitions().frame)


def test_no_answer_tells_who_anybody_is():
    people = {f"v{n}" for n in range(60)}
    for answer in answers(told_whole()):
        assert not {"visitor_id", "parent", "root", "link_id", "referred_by"} & set(answer.frame.columns)
        assert not people & {value for value in answer.frame.to_numpy().ravel() if isinstance(value, str)}


def test_an_answer_that_is_gone_leaves_no_table():
    events = on_ladder([("ann", "visit", 0, " "), ("ann", "sign", 1)])
    result = Ladder(["visit", "sign", Friend(), Repeat()]).measure(events, by="wave")
    result.value(), result.times("wave")
    assert tables_left(events) == [result.climbers.table]
    result.climbers.drop()
    assert not tables_left(events)


@pytest.mark.parametrize("kind", ["text", "categories", "numbers"])
def test_visitors_of_any_type_give_the_same_numbers(kind):
    rows = [
        ("zoe", "visit", 0, None), ("zoe", "sign", 1, None), ("ann", "visit", 2, "zoe"), ("ann", "sign", 3, None),
        ("ann", "visit", DAY + 3, None), ("bob", "visit", 4, "zoe"),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=COLUMNS[:4])
    frame["occurred_at"] = [BEGIN + timedelta(minutes=minute) for minute in frame.pop("minute")]
    names = ["zoe", "bob", "ann"]
    for column in ("visitor_id", "referred_by"):
        if kind == "categories":
            frame[column] = pd.Categorical(frame[column], categories=names)
        elif kind == "numbers":
            frame[column] = frame[column].map({name: place for place, name in enumerate(names)})
    result = Ladder(["visit", "sign", Friend(), Repeat()]).measure(funnel.connect(frame), by="event")
    assert counts(result) == {
        "visit": (3, 1, 0),
        "sign": (2, 0, 0),
        "bring a friend": (1, 1, 1),
        "visit again": (1, 1, 0),
    }
    assert result.value().frame[["signers", "brought"]].to_numpy().tolist() == [[0, 0], [1, 1], [1, 0]]


# Charts


GROUPED = Ladder(["visit", "sign", "share"])


def figure_of(name, *, language="en", **options):
    frame, by = {
        "rungs": (told_whole().frame, ()),
        "rungs by channel": (GROUPED.measure(told_whole().climbers.events, by="channel").frame, ("channel",)),
        "times": (told_whole().times().frame, None),
        "times by channel": (told_whole().times("channel").frame, None),
    }[name]
    if by is None:
        return drawn(functools.partial(charts.ladder_times, frame), language=language, **options)
    return drawn(functools.partial(charts.ladder_rungs, frame, by=by), language=language, **options)


NAMED = ["rungs", "rungs by channel", "times", "times by channel"]


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("code", ["en", "fr"])
def test_every_colour_is_a_role_of_the_theme(name, theme, code):
    figure = figure_of(name, language=code, theme=theme)
    used = {each for each in strings(figure) if re.fullmatch(r"#[0-9a-fA-F]{3,8}|rgba?\(.*\)", each)}
    assert used <= {*charts.themes[theme].values(), "rgba(0,0,0,0)"}
    assert figure["layout"]["paper_bgcolor"] == "rgba(0,0,0,0)"


@pytest.mark.parametrize("name", NAMED)
def test_every_word_of_a_chart_comes_from_the_catalogue(name, monkeypatch):
    def marked(self, source):
        return f"⟦{source}⟧"

    def marked_plural(self, one, many, n, /, **values):
        return f"⟦{many.format(n=self.number(n), **values)}⟧"

    figure_of(name)
    with monkeypatch.context() as patched:
        patched.setattr(Language, "_translation", marked)
        patched.setattr(Language, "plural", marked_plural)
        texts = list(words_on(figure_of(name, language="fr")))
    for text in texts:
        rest = re.sub(r"</?b>|<br>", " ", text)
        while "⟦" in rest:
            rest = re.sub(r"⟦[^⟦⟧]*⟧", " ", rest)
        # Units, and the names of groups and rungs that are the reader's own.
        known = {"s", "min", "h", "tv", "web", "bring", "a", "friend", "visit", "again", "higher", "rung"}
        assert set(re.findall(r"[^\W\d]+", rest.replace(".", " "))) <= known, text


@pytest.mark.parametrize("draw", [charts.ladder_rungs, charts.ladder_times])
def test_a_frame_without_rows_gives_a_figure_that_says_so(draw):
    frame = told_whole().frame if draw is charts.ladder_rungs else told_whole().times().frame
    figure = drawn(functools.partial(draw, frame.iloc[:0]))
    assert [each["text"] for each in figure["layout"]["annotations"]] == ["Nothing to show yet."]
    assert drawn(functools.partial(draw, frame), title="")["layout"]["margin"]["t"] < 24


def test_the_highest_rung_is_on_top_and_its_two_parts_are_those_who_reached_it():
    figure = figure_of("rungs")
    higher, here = figure["data"]
    assert trace_of(figure, "Highest so far") == here
    frame = told_whole().frame
    assert [a + b for a, b in zip(higher["x"], here["x"], strict=True)] == pytest.approx(frame["rate"].tolist())
    assert here["x"] == pytest.approx((frame["highest"] / 60).tolist())
    low, high = figure["layout"]["yaxis"]["range"]
    assert low > high  # pixels from the top
    assert here["y"] == sorted(here["y"], reverse=True)
    said = [each["text"].replace("\u00a0", " ") for each in figure["layout"]["annotations"]]
    low, high = proportion_confint(10, 60, method="wilson")
    assert "<b>share</b>  10" in said
    assert f"16.7% [{low:.1%} to {high:.1%}] reached it".replace("% to", " to").replace("%]", "]") in said


def test_a_group_says_its_name_above_its_rungs():
    said = [each["text"] for each in figure_of("rungs by channel")["layout"]["annotations"]]
    assert sorted(each for each in said if each in ("tv", "web", "not given")) == ["not given", "tv", "web"]


def test_only_five_groups_are_drawn_over_time_and_that_is_said():
    rows = [(f"v{n}", "visit", n, None, f"c{n % 8}") for n in range(80)] + [
        (f"v{n}", "sign", 99) for n in range(0, 80, 3)
    ]
    frame = Ladder(["visit", "sign"]).measure(on_ladder(rows, DAY, more=["channel"])).times("channel").frame
    assert frame["outcome"].nunique() == 8
    figure = drawn(functools.partial(charts.ladder_times, frame))
    assert len([trace for trace in figure["data"] if trace.get("name")]) == 5
    assert figure["layout"]["annotations"][-1]["text"] == "The 5 largest of 8 groups."
    assert max(length for trace in figure["data"] for length in lengths(trace)) <= len(frame)


# The simulated campaign


VISITORS = 5_000


@functools.cache
def simulated(seed):
    """Return, of a campaign, events that go on for sixty days after the last arrival, and what they were drawn from."""
    campaign = Campaign()
    campaign = replace(campaign, cutoff_at=campaign.closes_at + timedelta(days=60))
    sample = make_sample(seed, visitors=VISITORS, campaign=campaign)
    events = funnel.connect(sample.events, cutoff=campaign.cutoff_at)
    return events.where("not is_bot"), sample.truth["expected"]


def held(seed, read):
    """Note for each rung and page whether the interval holds the truth; and the ways of a sharer's friends."""
    events, truth = simulated(seed)
    referrals = truth["referrals"]
    ladder = Ladder(["sign", "share", Friend(), "partner_click"])
    result = ladder.measure(events, by="variant")
    rates = truth["experiment"]["all_signers"]["by_variant"]
    for row in result.frame.itertuples():
        if row.rung in ("share", "partner_click"):
            read[f"{row.rung} by variant"].append(row.rate_low <= rates[row.variant][row.rung] <= row.rate_high)
    whole = result.totals.set_index("rung")
    friend = whole.loc["bring a friend"]
    true = 1 - referrals["share_of_signers_who_bring_nobody"]
    read["bring a friend"].append(friend["rate_low"] <= true <= friend["rate_high"])
    # Shares go with 1.4 links each (0.7 share once, 0.2 twice, 0.1 three times), whoever shares brings the K-factor.
    each = referrals["k_factor"] * 1.4 / referrals["shares_per_signer"]
    early = events.between(None, "2018-01-26", timezone="America/Toronto")
    for name, some in (("brought by a sharer, in the end", events), ("brought by a sharer, after 12 days", early)):
        value = Ladder(["sign", "share"]).measure(some).value().frame.set_index("rung").loc["share"]
        read[name].append(value["k_factor_low"] <= each <= value["k_factor_high"])
        read[f"{name}: error"].append(value["k_factor"] / each - 1)
        if some is events:
            came = value["downstream"] / value["signers"]
            read[f"{name}: in all, over what came"].append(value["value"] / came - 1)
    within = result.times("variant").frame
    for page in rates:
        # Of who signed and has not yet shared or clicked, nobody is left to climb after sixty days.
        curve = within[(within["outcome"] == page) & (within["after"] == "sign")].iloc[-1]
        expected = 1 - (1 - rates[page]["share"]) * (1 - rates[page]["partner_click"])
        read["climbs on by variant"].append(curve["rate_low"] <= expected <= curve["rate_high"])
    return read


def test_intervals_hold_the_truth_of_a_campaign():
    read = defaultdict(list)
    for seed in range(3):
        held(seed, read)
    for name in ("share by variant", "partner_click by variant", "climbs on by variant"):
        assert len(read[name]) == 12
        assert np.mean(read[name]) >= 0.75
    assert abs(np.mean(read["brought by a sharer, in the end: error"])) < 0.2
    assert abs(np.mean(read["brought by a sharer, in the end: in all, over what came"])) < 0.15


@pytest.mark.slow
def test_intervals_hold_the_truth_at_their_rate():
    read = defaultdict(list)
    for seed in range(200):
        held(seed, read)
        simulated.cache_clear()
    print(f"\n200 campaigns of {VISITORS:,} visitors")
    for name, values in read.items():
        print(f"{name:<60}{np.mean(values):>9.4f} of {len(values)}")
    for name in ("share by variant", "partner_click by variant", "climbs on by variant"):
        assert 0.92 <= np.mean(read[name]) <= 0.98
    for name in ("bring a friend", "brought by a sharer, in the end", "brought by a sharer, after 12 days"):
        assert np.mean(read[name]) >= 0.88
    assert abs(np.mean(read["brought by a sharer, in the end: error"])) < 0.03
