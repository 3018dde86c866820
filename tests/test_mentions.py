"""What is asked of mentions and how it is counted: given rows, a recount in plain Python, what is refused, edges."""

import json
import math
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

import funnel
from funnel import ColumnError, DataError, DefinitionError, Step
from funnel.mentions import Mention, Mentions
from funnel.stats.slots import slot_excess

TORONTO = "America/Toronto"
COLUMNS = ["visitor_id", "event", "at", "referred_by", "relay", "mention", "link_id", "channel"]
CASES = Counter()


def connected(rows, *, zone="UTC", cutoff="2018-01-15", **options):
    """Return events given as (visitor, event, local time, then the other columns, as many as there are)."""
    full = [(*row, *[None] * (len(COLUMNS) - len(row))) for row in rows]
    frame = pd.DataFrame(full, columns=COLUMNS)
    frame["occurred_at"] = pd.to_datetime(frame.pop("at")).dt.tz_localize(zone)
    end = datetime.fromisoformat(cutoff).replace(tzinfo=ZoneInfo(zone))
    return funnel.connect(frame, cutoff=end, **options)


def visits(day, clock, number, *, event="visit", **columns):
    """Return so many visits of so many visitors, a second apart, from a time of the clock on."""
    begin = datetime.fromisoformat(f"{day} {clock}")
    others = [columns.get(name) for name in COLUMNS[3:]]
    return [
        (f"{day} {clock} {event} {each}", event, begin + timedelta(seconds=each), *others) for each in range(number)
    ]


# Monday 8 January is the first day of the data; 9 to 12 are working days. By day: from 9:00 (the three hours before
# noon), and from 12:00 (the window).
LEVELS = {"2018-01-09": (18, 30), "2018-01-10": (20, 24), "2018-01-11": (22, 36), "2018-01-12": (20, 60)}


def week(levels=LEVELS):
    rows = [("first", "visit", "2018-01-08 00:00"), ("first", "sign", "2018-01-08 00:01")]
    for day, (before, window) in levels.items():
        rows += visits(day, "09:10", before) + visits(day, "12:20", window)
    return rows


NOON = Mention("noon", "2018-01-12 12:00", timezone="UTC")


def asked(rows, *mentions, **options):
    events = connected(rows, **options)
    return Mentions(mentions=mentions or (NOON,)).measure(events)


def of(result, mention="noon", outcome="visit"):
    frame = result.frame
    return frame[(frame["mention"] == mention) & (frame["outcome"] == outcome)].iloc[0]


# Given rows


def test_the_excess_is_over_the_same_hours_of_other_days_at_the_level_of_the_hours_before():
    row = of(asked(week()))
    # 20 in the hours before; other days went from 60 to 90: 30 expected.
    assert (row["observed"], row["expected"], row["excess"], row["ratio"], row["days"]) == (60, 30, 30, 2, 3)
    # R: fisher.test(matrix(c(60, 20, 90, 60), 2)), as scipy's fisher_exact and conditional odds_ratio.
    assert row["p"] == pytest.approx(0.0289805604)
    assert (row["ratio_low"], row["ratio_high"]) == pytest.approx((1.0576678, 3.8648521), abs=1e-6)
    assert row["excess_low"] > 0
    assert row["note"] is None


def test_signatures_and_visits_that_a_link_explains_are_not_counted():
    brought = [
        ("friend", "visit", "2018-01-12 12:30", "first"),
        ("friend", "sign", "2018-01-12 12:31"),
        ("of a relay", "visit", "2018-01-12 12:30", None, "singer"),
        ("of a relay", "sign", "2018-01-12 12:31"),
        ("of the clip", "visit", "2018-01-12 12:30", None, None, "NOON "),
        ("of the clip", "sign", "2018-01-12 12:31"),
        ("earlier", "visit", "2018-01-12 12:40"),
        ("earlier", "visit", "2018-01-12 12:50", "first"),
        ("alone", "sign", "2018-01-12 12:31"),
    ]
    result = asked(week() + brought)
    # Of these only the visit before the friend's link was used.
    assert of(result)["observed"] == 61
    assert of(result, outcome="sign")["observed"] == 1


def test_who_first_came_in_a_window_and_comes_again_is_in_no_baseline():
    first = visits("2018-01-10", "12:10", 40)
    again = [(who, "visit", at + timedelta(days=1), *rest) for who, _, at, *rest in first]
    signed = [(who, "sign", at + timedelta(days=1, minutes=1), *rest) for who, _, at, *rest in first[:9]]
    other = Mention("other", "2018-01-10 12:00", timezone="UTC")
    result = asked([*week(), *first, *again, *signed], NOON, other)
    # Of the 11th the 36 usual ones alone; the 10th is the other's.
    assert of(result)["expected"] == pytest.approx(20 * (30 + 36) / (18 + 22))
    assert of(result, "other")["observed"] == 24 + 40
    # By day they count.
    assert result.looked.tally.every["sign"].sum() == result.looked.tally.counts["sign"].sum() + 9


def test_days_of_the_same_kind_are_compared_where_there_are_two():
    saturdays = {"2018-01-13": (10, 20), "2018-01-14": (10, 20), "2018-01-15": (5, 99)}
    rows = week(LEVELS | saturdays)
    row = of(asked(rows, Mention("noon", "2018-01-13 12:00", timezone="UTC"), cutoff="2018-01-16"))
    # One other weekend day alone, so all days are taken, each but the first.
    assert row["days"] == 6
    rows = week(LEVELS | saturdays | {"2018-01-20": (10, 20)})
    result = Mentions(mentions=[Mention("noon", "2018-01-13 12:00", timezone="UTC")]).measure(
        connected(rows, cutoff="2018-01-21")
    )
    assert (of(result)["days"], of(result)["expected"]) == (2, 20)


def test_only_days_within_reach_are_compared():
    events = connected(week())
    assert of(Mentions(mentions=[NOON], baseline="2 days").measure(events))["days"] == 2
    assert of(Mentions(mentions=[NOON], baseline="3 days").measure(events))["days"] == 3
    # Friday has one working day within a day of it, so Saturday is taken as well.
    alone = of(Mentions(mentions=[NOON], baseline="1 day").measure(events))
    assert (alone["days"], alone["expected"]) == (2, 20 * 36 / 22)


def test_hours_of_other_mentions_are_in_no_baseline():
    other = Mention("other", "2018-01-10 14:00", timezone="UTC")
    row = of(asked(week(), NOON, other))
    # The window of the other, 14:00 to 17:00 on the 10th, touches that day's noon to 15:00.
    assert row["days"] == 2
    assert row["expected"] == pytest.approx(20 * (30 + 36) / (18 + 22))


def test_the_hours_before_begin_where_another_window_ends():
    other = Mention("other", "2018-01-12 07:00", timezone="UTC")
    rows = [*week(), *visits("2018-01-12", "09:50", 3, event="visit")]
    row = of(asked(rows, NOON, other))
    # Its window ends at 10:00, after every visit of these hours: none is left in the two hours before noon, on any day.
    assert row["observed"] == 60
    assert row["expected"] == 30


def test_a_day_that_varies_more_than_chance_widens_the_interval_and_is_told():
    levels = {**LEVELS, "2018-01-09": (18, 80), "2018-01-10": (40, 20)}
    result = asked(week(levels))
    row = of(result)
    table = np.array([[80, 20, 36], [18, 40, 22]], dtype=float)
    expected = np.outer(table.sum(1), table.sum(0)) / table.sum()
    assert row["dispersion"] == pytest.approx(((table - expected) ** 2 / expected).sum() / 2)
    assert row["p"] > 0.05
    assert any("quasi-Poisson" in note for note in result.notes)


def test_what_friends_added_counts_for_the_first_life_in_proportion():
    rows = week()
    for day, number in {"2018-01-09": 3, "2018-01-10": 3, "2018-01-11": 3, "2018-01-12": 12}.items():
        rows += visits(day, "09:20", 3, event="sign") + visits(day, "12:30", number, event="sign")
    # Six friends of two of the twelve.
    for each in range(6):
        who = f"2018-01-12 12:30 sign {each % 2}"
        rows += [(f"friend {each}", "visit", "2018-01-13 08:00", who), (f"friend {each}", "sign", "2018-01-13 08:01")]
    life = asked(rows).lives().frame.iloc[0]
    assert life["first_life"] == 12 - 3
    assert life["first_downstream"] == pytest.approx(9 * 6 / 12)
    assert life["total"] == pytest.approx(9 + 4.5)
    assert life["total_low"] < 9 < life["total_high"]


def test_the_second_life_is_counted_from_the_links_of_the_mention():
    rows = [
        *week(),
        ("ann", "visit", "2018-01-13 09:00", None, None, None, "CLIP"),
        ("ann", "visit", "2018-01-13 10:00"),
        ("ann", "sign", "2018-01-13 10:01"),
        ("bob", "visit", "2018-01-13 11:00", "ann"),
        ("bob", "sign", "2018-01-13 11:01"),
        ("cat", "visit", "2018-01-13 11:00", None, None, "noon"),
        ("dan", "visit", "2018-01-13 11:00", "ann", None, "noon"),
    ]
    mention = Mention("noon", "2018-01-12 12:00", timezone="UTC", reshared_link="clip", audience=1_000)
    life = asked(rows, mention).lives().frame.iloc[0]
    # Dan came by the link of a signer as well, and counts for that tree.
    assert (life["second_visitors"], life["second_visits"]) == (2, 3)
    assert (life["second_life"], life["second_downstream"]) == (1, 1)
    assert life["total"] == life["first_life"] + life["first_downstream"] + 2
    assert life["per_thousand"] == pytest.approx(life["total"])


def test_channels_have_baselines_of_their_own():
    rows = [("first", "visit", "2018-01-08 00:00"), ("first", "sign", "2018-01-08 00:01")]
    for day, (before, window) in LEVELS.items():
        rows += visits(day, "09:10", before, channel="direct") + visits(day, "12:20", window, channel="direct")
        rows += visits(day, "09:40", 10, channel="social") + visits(day, "12:50", 10, channel="social")
    frame = asked(rows).by_channel().frame.set_index("channel")
    assert frame.loc["direct", ["observed", "expected", "excess"]].tolist() == [60, 30, 30]
    assert frame.loc["social", ["observed", "expected", "excess"]].tolist() == [10, 10, 0]


def test_minutes_add_up_to_the_window():
    result = asked(week())
    frame = result.minutes("noon", step=10).frame
    inside = frame[frame["is_window"]]
    assert inside["observed"].sum() == 60
    assert inside["expected"].sum() == pytest.approx(30)
    assert frame.loc[~frame["is_window"], "expected"].sum() == pytest.approx(20)
    assert (frame["minute"].min(), frame["minute"].max()) == (-180, 170)
    at = frame.loc[frame["observed"] == 60, "at"]
    assert at.tolist() == [pd.Timestamp("2018-01-12 12:20", tz="UTC")]


# A recount in plain Python


def recounted(moments, start, others, *, effect, before, reach, weekends=(5, 6)):
    """Return window, hours before, and both of each comparable day, in UTC; `others` are all starts of mentions."""
    first, last = moments[0].date(), datetime(2018, 2, 12, tzinfo=UTC)

    def count(begin, minutes):
        return sum(begin <= each < begin + timedelta(minutes=minutes) for each in moments)

    def is_clean(begin):
        low, high = begin - timedelta(minutes=before), begin + timedelta(minutes=effect)
        inside = low >= moments[0].replace(second=0, microsecond=0) and high <= last
        return inside and not any(low < other + timedelta(minutes=effect) and other < high for other in others)

    days = [start + timedelta(days=each) for each in range(-reach, reach + 1) if each]
    usable = [day for day in days if day.date() > first and is_clean(day)]
    alike = [day for day in usable if (day.weekday() in weekends) == (start.weekday() in weekends)]
    chosen = alike if len(alike) >= 2 else usable
    pairs = [(count(day, effect), count(day - timedelta(minutes=before), before)) for day in chosen]
    return count(start, effect), count(start - timedelta(minutes=before), before), pairs


@pytest.mark.parametrize("seed", range(4))
def test_counts_are_those_of_a_recount(seed):
    rng = random.Random(seed)
    begin = datetime(2018, 1, 10, 5, 17, tzinfo=UTC)
    moments = sorted(begin + timedelta(minutes=rng.uniform(0, 33 * 1_440 - 400)) for _ in range(1_500))
    frame = pd.DataFrame({"visitor_id": range(1_500), "event": "visit", "occurred_at": moments})
    frame.loc[::5, "event"] = "sign"
    events = funnel.connect(frame, cutoff=datetime(2018, 2, 12, tzinfo=UTC))
    days = rng.sample(range(2, 30), 5)
    starts = [begin.replace(hour=0, minute=0) + timedelta(days=day, minutes=rng.randrange(200, 1_000)) for day in days]
    effect, reach = rng.choice([45, 90, 180]), rng.choice([3, 10, 28])
    table = [Mention(f"m{place}", start) for place, start in enumerate(starts)]
    result = Mentions(mentions=table, effect=f"{effect} minutes", baseline=f"{reach} days").measure(events)
    stamps = [each.to_pydatetime() for each in pd.to_datetime(frame["occurred_at"])]
    for outcome in ("visit", "sign"):
        kept = [at for at, event in zip(stamps, frame["event"], strict=True) if event == outcome]
        kept = [moments[0], *kept] if kept[0] != moments[0] else kept
        for place, start in enumerate(starts):
            window, hours, pairs = recounted(kept, start, starts, effect=effect, before=180, reach=reach)
            row = of(result, f"m{place}", outcome)
            CASES["mention and outcome"] += 1
            if not pairs:
                assert row["note"] == "no comparable day"
                continue
            expected = slot_excess(window, hours, *zip(*pairs, strict=True))
            assert (row["observed"], row["days"]) == (window, len(pairs))
            assert row["expected"] == pytest.approx(expected.expected)
            assert row["p"] == pytest.approx(expected.p)


def test_the_placebo_ranks_the_window_among_all_others():
    rng = random.Random(3)
    begin = datetime(2018, 1, 10, tzinfo=UTC)
    moments = [begin, *sorted(begin + timedelta(minutes=rng.uniform(0, 8 * 1_440)) for _ in range(899))]
    frame = pd.DataFrame({"visitor_id": range(900), "event": "visit", "occurred_at": moments})
    frame.loc[::5, "event"] = "sign"
    start = datetime(2018, 1, 15, 14, 30, tzinfo=UTC)
    end = datetime(2018, 1, 18, tzinfo=UTC)
    events = funnel.connect(frame, cutoff=end)
    result = Mentions(mentions=[Mention("m", start)], effect="60 minutes").measure(events)
    kept = [at for at, event in zip(moments, frame["event"], strict=True) if event == "visit"]
    minute = [int((each - begin).total_seconds() // 60) for each in kept]
    counts = np.bincount(minute, minlength=8 * 1_440)
    own = 5 * 1_440 + 870

    def is_clean(at):
        return at >= 180 and at + 60 <= len(counts) and (at + 60 <= own or at - 180 >= own + 60)

    def score(at):
        days = [at + 1_440 * each for each in range(-8, 9) if each]
        days = [day for day in days if 1_440 <= day < len(counts) and is_clean(day)]
        weekend = (begin + timedelta(minutes=at)).weekday() >= 5
        alike = [day for day in days if ((begin + timedelta(minutes=day)).weekday() >= 5) == weekend]
        chosen = alike if len(alike) >= 2 else days
        if not chosen:
            return math.nan
        usual, earlier = (sum(counts[day + a : day + b].sum() for day in chosen) for a, b in ((0, 60), (-180, 0)))
        hours, usual, earlier = counts[at - 180 : at].sum() + 0.5, usual + 0.5, earlier + 0.5
        expected = hours * usual / earlier
        error = math.sqrt(expected + expected**2 * (1 / hours + 1 / usual + 1 / earlier))
        return (counts[at : at + 60].sum() - expected) / error

    others = [score(at) for at in range(len(counts)) if is_clean(at)]
    others = [each for each in others if not math.isnan(each)]
    mine = score(own)
    row = result.placebo().frame.iloc[0]
    assert row["score"] == pytest.approx(mine)
    assert row["windows"] == len(others)
    assert row["placebo_p"] == pytest.approx((1 + sum(each >= mine - 1e-9 for each in others)) / (1 + len(others)))


# Windows that overlap


def busy(seed=1):
    """Return eleven days of visits, with a piece at noon on the 16th and another at 12:40, and both again as one."""
    rng = np.random.default_rng(seed)
    begin = datetime(2018, 1, 9, tzinfo=UTC)
    minutes = np.arange(11 * 1_440)
    rate = np.full(len(minutes), 1.0)
    for start, total, half in ((7 * 1_440 + 720, 600, 12), (7 * 1_440 + 760, 300, 12)):
        since = minutes - start
        rate += np.where(since >= 0, total * np.log(2) / half * np.exp2(-np.maximum(since, 0) / half), 0)
    counts = rng.poisson(rate)
    at = np.repeat(minutes, counts)
    moments = [begin + timedelta(minutes=int(each), seconds=float(rng.uniform(0, 60))) for each in at]
    frame = pd.DataFrame({"visitor_id": range(len(at)), "event": "visit", "occurred_at": moments})
    frame.loc[0, "event"] = "sign"
    return funnel.connect(frame, cutoff=begin + timedelta(days=11))


def test_overlapping_mentions_are_told_apart():
    one, other = Mention("one", "2018-01-16 12:00Z"), Mention("other", "2018-01-16 12:40Z")
    result = Mentions(mentions=[one, other], effect="2 hours").measure(busy())
    first, second = of(result, "one"), of(result, "other")
    assert first["excess_low"] < 600 < first["excess_high"]
    assert second["excess_low"] < 300 < second["excess_high"]
    assert first["half_life_minutes_low"] < 12 < first["half_life_minutes_high"]
    assert first["note"] == second["note"] == "told apart from others"
    assert any(note.startswith("The window of “one” overlaps others") for note in result.notes)


def test_mentions_of_one_minute_are_counted_together_with_the_reason():
    one, other = Mention("one", "2018-01-16 12:00Z"), Mention("other", "2018-01-16 12:00Z")
    result = Mentions(mentions=[one, other], effect="2 hours").measure(busy())
    first, second = of(result, "one"), of(result, "other")
    assert first["excess"] > 800
    assert math.isnan(second["excess"])
    assert (first["together_with"], second["together_with"]) == ("other", "one")
    assert "“one” and “other” began at the same minute: what they brought is counted together." in result.notes
    assert second["note"] == "counted with others"


# No baseline: said, not guessed


@pytest.mark.parametrize(
    ("aired", "note", "sentence"),
    [
        (
            "2018-01-08 12:00",
            "first day of the data",
            "“noon” has no baseline: it aired on the first day of the data, and nothing tells what was usual then.",
        ),
        (
            "2018-01-14 22:30",
            "window not over",
            "“noon” is not measured: its window is not over in these data.",
        ),
        (
            "2018-01-25 12:00",
            "outside the data",
            "“noon” aired outside the data, which have nothing to say of it.",
        ),
    ],
)
def test_a_mention_without_a_baseline_has_no_numbers_and_a_reason(aired, note, sentence):
    result = asked(week(), Mention("noon", aired, timezone="UTC"), Mention("fine", "2018-01-12 12:00", timezone="UTC"))
    assert of(result)["note"] == note
    assert math.isnan(of(result)["excess"])
    life = result.lives().frame.set_index("mention").loc["noon"]
    assert life[["first_life", "total", "total_low", "per_thousand"]].isna().all()
    assert sentence in result.notes


def test_a_mention_whose_hours_before_are_not_in_the_data_has_no_baseline():
    rows = [("a", "visit", "2018-01-08 23:00"), ("a", "sign", "2018-01-08 23:01"), *week()[2:]]
    result = asked(rows, Mention("noon", "2018-01-09 01:00", timezone="UTC"))
    assert of(result)["note"] == "no hours before it"
    assert "“noon” has no baseline: the hours before it are not in the data." in result.notes
    assert result.summary() == "No mention has a baseline, so what they brought cannot be told."


def test_a_mention_without_a_comparable_day_has_no_baseline():
    every = [Mention(f"m{day}", f"2018-01-{day:02} 12:00", timezone="UTC") for day in range(9, 15)]
    result = asked(week(), *every)
    assert set(result.frame["note"]) == {"no comparable day"}


def test_an_outage_is_in_no_baseline_and_a_window_it_touches_is_not_measured():
    begin = datetime(2018, 1, 8, tzinfo=UTC)
    rows = [
        (f"{hour} {each}", "visit", (begin + timedelta(hours=hour, minutes=each)).replace(tzinfo=None))
        for hour in range(10 * 24)
        if hour not in (2 * 24 + 13, 4 * 24 + 13)
        for each in range(6)
    ]
    rows.append(("s", "sign", "2018-01-08 00:05"))
    down = Mention("down", "2018-01-12 12:00", timezone="UTC")
    result = asked(rows, down, Mention("noon", "2018-01-11 12:00", timezone="UTC"), cutoff="2018-01-18")
    assert of(result, "down")["note"] == "tracker down"
    # 9, 15, 16 and 17 January; the 10th and the 12th have an hour without events.
    assert of(result)["days"] == 4
    assert (
        "“down” is not measured: in its window or the hours before, the tracker seems to have been down."
        in result.notes
    )
    assert "2 hours without any event, in which the tracker may have been down, are left out." in result.notes


def test_a_baseline_without_any_count_gives_a_ratio_with_a_lower_end_only():
    levels = {**dict.fromkeys(LEVELS, (20, 0)), "2018-01-12": (20, 7)}
    result = asked(week(levels))
    row = of(result)
    assert (row["expected"], row["excess"], row["ratio"], row["ratio_high"]) == (0, 7, math.inf, math.inf)
    assert row["ratio_low"] > 1
    assert (
        "On days comparable with “noon” nothing was counted in these hours, so the ratio has a lower end only."
        in result.notes
    )


def test_windows_are_elapsed_time_in_the_night_when_clocks_change():
    # Clocks went forward at 2:00 on Sunday 11 March 2018: 30 visits from 1:30 and 30 from 3:10, forty minutes later.
    rows = [("a", "visit", "2018-02-20 00:00"), ("a", "sign", "2018-02-20 00:01")]
    for day in ("2018-03-04", "2018-03-10", "2018-03-17", "2018-03-18"):
        rows += visits(day, "00:10", 10) + visits(day, "01:30", 10) + visits(day, "03:10", 5)
    rows += visits("2018-03-11", "00:10", 10) + visits("2018-03-11", "01:30", 30) + visits("2018-03-11", "03:10", 30)
    mention = Mention("night", "2018-03-11 01:30", timezone=TORONTO)
    events = connected(rows, zone=TORONTO, cutoff="2018-03-25")
    result = Mentions(mentions=[mention], effect="60 minutes").measure(events)
    row = of(result, "night")
    # One hour from 1:30 reaches 3:30 by the clock here, and 2:30 on the other days.
    assert (row["observed"], row["expected"]) == (60, 10)
    assert (
        "Clocks change around “night”: its window is elapsed time, and those of other days begin at the same clock"
        " time." in result.notes
    )


# What is refused


def wrong(error, sentence, call):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == sentence


def test_a_naive_time_without_a_zone_is_refused():
    wrong(
        DefinitionError,
        "aired_from='2018-01-21 20:40' has no zone. Give timezone='America/Toronto' as well, or an offset as in"
        " '2018-01-21 20:40:00+00:00'.",
        lambda: Mention("tv-01", "2018-01-21 20:40"),
    )


def test_a_mention_that_ends_before_it_begins_is_refused():
    wrong(
        DefinitionError,
        "Mention 'tv-01' ends before it begins: aired_to 2018-01-21 20:30 is before aired_from 2018-01-21 20:40. Swap"
        " them, or leave aired_to out for what has no length.",
        lambda: Mention("tv-01", "2018-01-21 20:40", "2018-01-21 20:30", timezone=TORONTO),
    )


def test_mentions_outside_the_data_are_refused_when_none_is_inside():
    tv = Mention("tv-01", "2019-01-21 20:40", timezone="UTC")
    wrong(
        DataError,
        "Mention 'tv-01' is outside the data: aired 2019-01-21 20:40, and the events run from 2018-01-08 00:00 to"
        " 2018-01-15 00:00 (UTC). Give events from before it aired to after, or check its time zone.",
        lambda: asked(week(), tv),
    )
    wrong(
        DataError,
        "All 2 mentions are outside the data: aired 2019-01-21 20:40 to 2019-01-22 07:00, and the events run from"
        " 2018-01-08 00:00 to 2018-01-15 00:00 (UTC). Give events from before it aired to after, or check its time"
        " zone.",
        lambda: asked(week(), tv, Mention("radio-01", "2019-01-22 07:00", timezone="UTC")),
    )


def test_events_without_a_table_of_mentions_are_refused():
    wrong(
        DataError,
        "Nothing says what was aired: there is no table of mentions beside the events. Give funnel.connect(source,"
        " mentions='mentions.csv'), or Mentions(mentions=[funnel.Mention('tv-01', aired_from='2018-01-21 20:40',"
        " timezone='America/Toronto')]).",
        lambda: Mentions().measure(connected(week())),
    )


def test_a_table_beside_the_events_is_read():
    table = pd.DataFrame({"mention": ["noon"], "aired_from": ["2018-01-12 12:00"], "audience": [2_000]})
    events = connected(week(), timezone="UTC", mentions=table)
    result = Mentions().measure(events)
    assert of(result)["excess"] == 30
    assert result.lives().frame["audience"].tolist() == [2_000]


def test_an_empty_table_of_mentions_is_refused():
    table = pd.DataFrame({"mention": pd.Series(dtype=str), "aired_from": pd.Series(dtype="datetime64[us, UTC]")})
    wrong(
        DataError,
        "The table of mentions beside the events is empty. Give it a row a mention.",
        lambda: Mentions().measure(connected(week(), mentions=table)),
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"effect": "90 seconds"}, "effect='90 seconds' is no whole number of minutes. Give for example '3 hours'."),
        ({"baseline": "36 hours"}, "baseline='36 hours' is no whole number of days. Give for example '28 days'."),
        ({"visited": "sign"}, "`visited` and `of` are both 'sign'. Give each an event, or a name, of its own."),
        ({"mentions": [NOON, NOON]}, "Two mentions are named 'noon'. Give each a name of its own."),
        (
            {"mentions": ["tv"]},
            "`mentions` takes a list of mentions; got ['tv']. Give for example [funnel.Mention('tv-01',"
            " aired_from='2018-01-21 20:40', timezone='America/Toronto')].",
        ),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(options, sentence):
    wrong(DefinitionError, sentence, lambda: Mentions(**options))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"mention": " "}, "mention=' ' is no name. Give for example Mention('tv-01', ...)."),
        ({"audience": 0}, "audience=0 is no number of people. Give one above 0, or leave it out."),
        (
            {"timezone": "Toronto"},
            "No time zone named 'Toronto'. Did you mean 'America/Toronto'? Give an IANA name, such as 'America/Toronto'"
            " or 'UTC'.",
        ),
        ({"aired_from": "noon"}, "aired_from='noon' is no date or time. Write it as 2018-01-14 or 2018-01-14 18:30."),
    ],
)
def test_a_mention_that_cannot_be_is_refused(options, sentence):
    wrong(
        DefinitionError,
        sentence,
        lambda: Mention(**{"mention": "tv", "aired_from": "2018-01-12 12:00", "timezone": "UTC"} | options),
    )


def test_names_that_are_not_known_are_refused():
    result = asked(week())
    wrong(
        DefinitionError,
        "No mention is named 'non'. Did you mean 'noon'? Known: noon.",
        lambda: result.minutes("non"),
    )
    wrong(
        DefinitionError,
        "outcome='signs' is not counted. Did you mean 'sign'? Known: visit, sign.",
        lambda: result.minutes("noon", outcome="signs"),
    )
    wrong(
        DefinitionError,
        "step=0 is no number of minutes. Give 1, 2, ... up to 60.",
        lambda: result.minutes("noon", step=0),
    )


def test_channels_need_a_column():
    begin = datetime(2018, 1, 8, tzinfo=UTC)
    frame = pd.DataFrame({"visitor_id": [1, 2], "event": ["visit", "sign"], "occurred_at": [begin, begin]})
    events = funnel.connect(frame, cutoff=begin + timedelta(days=12))
    result = Mentions(mentions=[NOON]).measure(events)
    wrong(
        ColumnError,
        "No column named 'channel'. Give events that have one: funnel.with_channels(events) reads it from tags and"
        " referrers. Known: event, occurred_at, visitor_id.",
        result.by_channel,
    )


def test_what_is_no_events_is_refused():
    wrong(
        DefinitionError,
        "Mentions are measured over events; got DataFrame. Give funnel.connect(source).",
        lambda: Mentions().measure(pd.DataFrame()),
    )


# Days


def days(*, jump=400, control=False, seed=5):
    """Return 48 days of signatures from 28 February on: 100 a day, half on weekends, and a jump on 5 April."""
    rng = np.random.default_rng(seed)
    begin, rows, who = datetime(2018, 2, 28), [], 0
    for day in range(48):
        on = begin + timedelta(days=day)
        mean = 50 if on.weekday() >= 5 else 100
        for _ in range(rng.poisson(mean) + (jump if on == datetime(2018, 4, 5) else 0)):
            rows.append(
                (f"{who}", "sign", on + timedelta(minutes=float(rng.uniform(0, 1_440))), None, None, None, None, "fr")
            )
            who += 1
        for _ in range(rng.poisson(mean / 2) if control else 0):
            rows.append(
                (f"{who}", "sign", on + timedelta(minutes=float(rng.uniform(0, 1_440))), None, None, None, None, "en")
            )
            who += 1
    rows.append(("v", "visit", begin + timedelta(minutes=1)))
    return connected(rows, cutoff="2018-04-17")


TV = Mention("talk", "2018-04-05 10:00", timezone="UTC")


def test_days_have_a_counterfactual_by_both_models():
    found = Mentions(mentions=[TV]).measure(days()).days("talk", lasting="1 day")
    frame = found.frame
    assert frame["model"].value_counts().to_dict() == {"interrupted series": 48, "local level": 1}
    for model in ("interrupted series", "local level"):
        (row,) = frame[(frame["model"] == model) & frame["is_effect"]].to_dict("records")
        assert str(row["on"]) == "2018-04-05"
        assert row["excess_low"] < 400 < row["excess_high"]
        assert (
            row["cumulative"] == pytest.approx(row["excess"]) == pytest.approx(row["observed"] - row["counterfactual"])
        )
    # Good Friday and Easter Monday, 30 March and 2 April 2018, are days of their own.
    assert found.found.shape == ("trend", "weekdays", "holidays")
    assert found.summary().startswith("In 1 day from “talk” on there were ")
    assert "too much for chance alone (p\u00a0<\u00a00.0001)." in found.summary()


def test_a_control_tells_what_would_have_happened():
    result = Mentions(mentions=[TV]).measure(days(control=True))
    found = result.days("talk", control="channel = 'en'", lasting="1 day")
    assert "control" in found.found.shape
    assert found.found.counts.sum() + found.found.control.sum() == result.looked.tally.every["sign"].sum()
    (row,) = found.frame[(found.frame["model"] == "interrupted series") & found.frame["is_effect"]].to_dict("records")
    assert row["excess_low"] < 400 < row["excess_high"]


def test_days_without_an_effect_may_be_chance():
    found = Mentions(mentions=[TV]).measure(days(jump=0, seed=7)).days("talk")
    assert "which may well be chance" in found.summary()


@pytest.mark.parametrize("part", ["none", "all"])
def test_a_control_that_holds_for_none_or_all_is_refused(part):
    result = Mentions(mentions=[TV]).measure(days())
    condition = {"none": "channel = 'de'", "all": "channel = 'fr'"}[part]
    wrong(
        DataError,
        f'control="{condition}" holds for {part} of the unlinked sign events. Give a condition that holds for some of'
        " them: those that the mention cannot have touched, such as \"language = 'en'\".",
        lambda: result.days("talk", control=condition),
    )


def test_days_that_cannot_be_fitted_are_refused():
    result = asked(week(), NOON, Mention("early", "2018-01-08 05:00", timezone="UTC"))
    wrong(
        DataError,
        "Mention 'early' is of the first day of the data, so no day before tells what was usual. Ask about another, or"
        " give earlier events.",
        lambda: result.days("early"),
    )
    wrong(
        DefinitionError,
        "lasting='5 hours' is no whole number of days. Give for example '2 days'.",
        lambda: result.days("noon", lasting="5 hours"),
    )
    wrong(
        DataError,
        "Beside those of mention 'noon' and of others, 3 days were seen whole, and 4 are needed. Give more events, or a"
        " shorter `lasting`.",
        lambda: result.days("noon", lasting="30 days"),
    )


# How it is told


def test_every_answer_prints_plots_and_tells_itself_in_both_languages():
    events = funnel.connect("data/sample").where("not is_bot")
    result = Mentions(effect="90 minutes").measure(events)
    assert result.summary().startswith("“tv-01” brought most: in the 1\u00a0h 30\u00a0min from its beginning, ")
    told = json.loads(result.to_json())
    assert len(told["rows"]) == 14
    assert len(told["lives"]) == 7
    for code in ("en", "fr"):
        spoken = result.speaking(code)
        assert spoken.summary()
        for answer in (
            spoken,
            spoken.lives(),
            spoken.by_channel(),
            spoken.minutes("tv-01"),
            spoken.days(),
            spoken.placebo(),
        ):
            assert str(answer)
            assert json.loads(answer.to_json())
            if answer.has_chart:
                assert answer.plot().data
    lives = result.lives().frame.set_index("mention")
    tv = lives.loc["tv-01"]
    parts = tv[["first_life", "first_downstream", "second_life", "second_downstream"]].sum()
    assert tv["total"] == pytest.approx(parts)


def test_steps_say_what_a_visit_and_a_signature_are():
    rows = [(who, {"visit": "look", "sign": "give"}[event], *rest) for who, event, *rest in week()]
    events = connected(rows)
    result = Mentions(mentions=[NOON], visited=Step("look", name="a look"), of="give").measure(events)
    assert of(result, outcome="a look")["excess"] == 30


def test_tables_go_with_the_answer():
    events = connected(week())
    result = Mentions(mentions=[NOON]).measure(events)
    del result
    Mentions(mentions=[NOON]).measure(events)
    count = events.connection.execute("select count(*) from duckdb_tables()").fetchall()[0][0]
    assert count <= 4
