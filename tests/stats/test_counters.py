"""Counters read now and then, by hand, and on two of the UK Parliament's petitions."""

import math
from pathlib import Path

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnel.errors import DataError, DefinitionError
from funnel.stats.counters import Silence, binned, increments, silences

REAL = Path(__file__).parents[3] / "shared" / "data"

real = pytest.mark.skipif(not REAL.is_dir(), reason="The petitions' counters are not beside the repository.")


def test_a_fall_is_kept_apart_and_never_becomes_a_count():
    found = increments([0, 1, 2, 3], [10, 15, 9, 20], longest=5)
    assert found.change.tolist() == [5, -6, 11]
    assert found.is_fall.tolist() == [False, True, False]
    assert (found.gained, found.removed) == (16, 6)


def test_readings_come_in_any_order():
    found = increments([3, 0, 1], [20, 10, 15], longest=5)
    assert (found.begin.tolist(), found.end.tolist(), found.change.tolist()) == ([0, 1], [1, 3], [5, 5])


def test_an_interval_longer_than_allowed_is_a_gap():
    assert increments([0, 5, 11], [0, 5, 9], longest=5).is_gap.tolist() == [False, True]


def test_gains_are_spread_over_bins_and_the_unknown_is_left_out():
    found = increments([1, 3, 4, 5, 9], [0, 20, 15, 18, 58], longest=3)
    bins = binned(found, [0, 2, 4, 6, 8])
    # 20 evenly over 1 to 3; the fall from 3 to 4 is unknown, and so is the gap from 5 on.
    assert bins.count[:3].tolist() == [10, 10, 3]
    assert bins.covered.tolist() == [0.5, 0.5, 0.5, 0]
    assert math.isnan(bins.count[3])


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(-4, 9)), min_size=1, max_size=12),
    st.integers(3, 9),
)
@settings(max_examples=80, deadline=None)
def test_bins_are_those_of_a_second_by_second_count(steps, longest):
    times = np.concatenate([[0], np.cumsum([length for length, _ in steps])])
    readings = 50 + np.concatenate([[0], np.cumsum([change for _, change in steps])])
    found = increments(times, readings, longest=longest)
    assert found.gained - found.removed == readings[-1] - readings[0]
    seconds = [
        change / length if change >= 0 and length <= longest else math.nan
        for length, change in steps
        for _ in range(length)
    ]
    seconds += [math.nan] * (-len(seconds) % 5 + 5)
    each = np.array(seconds).reshape(-1, 5)
    bins = binned(found, np.arange(0, len(seconds) + 1, 5))
    assert bins.covered == pytest.approx(np.isfinite(each).mean(axis=1))
    counts = np.where(np.isfinite(each).any(axis=1), np.nansum(each, axis=1), math.nan)
    assert bins.count == pytest.approx(counts, nan_ok=True)


def test_a_run_without_events_is_an_outage_where_many_were_due():
    counts = np.array([4, 0, 5, 0, 0, 0, 0, 6, 3, 0])
    assert silences(counts, np.full(10, 4.0)) == [Silence(3, 6, 16.0, math.exp(-16))]
    assert silences(counts, np.full(10, 0.4)) == []


def test_a_missing_bin_ends_a_run():
    counts = [0, 0, math.nan, 0, 0]
    assert [(run.first, run.last) for run in silences(counts, [9.0] * 5)] == [(0, 1), (3, 4)]


def test_chance_rarely_makes_an_outage():
    random = np.random.default_rng(2)
    found = sum(len(silences(random.poisson(2, 500), np.full(500, 2.0), chance=0.05)) > 0 for _ in range(400))
    assert found / 400 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


# Real counters


def petition(number, file, reading, time):
    frame = pandas.read_csv(REAL / f"uk_petition_{number}" / file)
    minutes = pandas.to_datetime(frame[time]).astype("datetime64[us]").astype("int64") / 60e6
    return minutes.to_numpy(), frame[reading].to_numpy()


def minute_of(text):
    return pandas.Timestamp(text).timestamp() / 60


@real
def test_the_petition_for_a_second_referendum_falls_six_times():
    # Readings of June and July 2016; fraudulent signatures were removed on the 26th.
    times, readings = petition(131215, "signature_data.csv", "total", "time")
    found = increments(times, readings, longest=20)
    falls = found.change[found.is_fall]
    assert len(falls) == 6
    assert falls.min() == -75_169
    assert found.end[found.change.argmin()] == pytest.approx(minute_of("2016-06-26 12:50:01"), abs=0.1)
    assert found.gained - found.removed == 4_095_690 - 827_789
    assert not found.is_gap.any()


@real
def test_the_peak_of_the_petition_for_a_second_referendum():
    times, readings = petition(131215, "signature_data.csv", "total", "time")
    start = minute_of("2016-06-25 09:00")
    bins = binned(increments(times, readings, longest=20), start + 60 * np.arange(160))
    # Last reading less first of the hour from 16:00 is 129,171: 2,153 a minute, if the hour is 60 minutes and the
    # readings 58 apart. What came in the whole hour is more, and the first morning more again.
    inside = (times >= start + 7 * 60) & (times < start + 8 * 60)
    assert readings[inside][-1] - readings[inside][0] == 129_171
    assert round(129_171 / 60) == 2_153
    elapsed = times[inside][-1] - times[inside][0]
    assert bins.count[7] / 60 == pytest.approx(129_171 / elapsed, rel=0.01)
    whole = np.interp(start + 60 * np.arange(160), times, readings)
    assert np.nanmax(bins.count) == np.diff(whole).max() == pytest.approx(144_225, abs=1)
    fall = int((minute_of("2016-06-26 12:50") - start) // 60)
    assert bins.covered[fall] == pytest.approx(1 - 2 / 60, abs=0.002)
    assert 0 < bins.count[fall] < 60_000


@real
def test_the_petition_for_an_election_never_falls_and_has_gaps():
    times, readings = petition(700143, "petition_counts_clean.csv", "signatures", "observed_at")
    found = increments(times, readings, longest=120)
    assert not found.is_fall.any()
    assert found.gained == 3_004_622 - 201_079
    # 27 to 28 November 2024, and 15 to 25 December among them.
    assert found.is_gap.sum() == (np.diff(times) > 120).sum() > 3
    assert (found.end - found.begin).max() == pytest.approx(832_199.8 / 60, abs=0.1)
    start = minute_of("2024-11-24 16:00")
    inside = (times >= start) & (times < start + 60)
    assert readings[inside][-1] - readings[inside][0] == 118_965
    bins = binned(found, [start, start + 60])
    assert bins.count[0] == pytest.approx(np.diff(np.interp([start, start + 60], times, readings))[0])


# What is refused


@pytest.mark.parametrize(
    ("question", "error", "sentence"),
    [
        (
            lambda: increments([1], [1], longest=1),
            DataError,
            "1 times and 1 readings. Give one of each a reading, 2 or more.",
        ),
        (
            lambda: increments([1, 2], [1, -1], longest=1),
            DataError,
            "A time is missing, or a reading is negative or missing. Leave that reading out.",
        ),
        (
            lambda: increments([1, 1], [1, 2], longest=1),
            DataError,
            "Two readings are of the same time. Keep one of them.",
        ),
        (
            lambda: increments([1, 2], [1, 2], longest=0),
            DefinitionError,
            "longest=0 is no length of time. Give a number above 0, in the unit of times.",
        ),
        (
            lambda: binned(increments([1, 2], [1, 2], longest=1), [3, 2]),
            DefinitionError,
            "The edges of bins do not grow. Give 2 or more, each later than the one before.",
        ),
        (lambda: silences([1], [1, 2]), DataError, "1 counts and 2 expected. Give one of each a bin."),
        (
            lambda: silences([1], [math.nan]),
            DataError,
            "A count is negative, or an expected count is negative or missing. Give 0 or more.",
        ),
        (
            lambda: silences([1], [1], chance=5),
            DefinitionError,
            "chance=5 is no probability between 0 and 1. Write chance=0.001.",
        ),
    ],
)
def test_what_is_no_counter_is_refused(question, error, sentence):
    with pytest.raises(error) as refused:
        question()
    assert str(refused.value) == sentence
