"""Referrals of simulated campaigns, whose truth is known: how often each interval holds it, early and late."""

import functools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest
from scipy.optimize import brentq

import funnel
from funnel import Campaign, Referrals, make_sample
from funnel.spread.measures import over_time_of
from tests.test_forest import BEGIN

VISITORS = 20_000
CAMPAIGN = Campaign()
END = CAMPAIGN.closes_at + pd.Timedelta(days=60)
# The data ends in the middle of the campaign, with the last arrival, or when everyone has finished.
CUTOFFS = {"middle": CAMPAIGN.launched_at + pd.Timedelta(days=10), "closing": CAMPAIGN.closes_at, "done": END}
GENERATIONS = 3
DAY = 86_400


# The campaign of the sample


def read(sample, cutoff):
    """Return the answers of a campaign read up to a cutoff, and R over time as if signers were alike."""
    rows = sample.events.filter(pc.less(sample.events["occurred_at"], cutoff))
    events = funnel.connect(rows, cutoff=cutoff)
    result = Referrals().measure(events)
    days = result.over_time().frame.iloc[:, 3:].dropna().to_numpy()
    alike = replace(result.spread)
    vars(alike)["offspring"] = replace(alike.offspring, k=math.inf)
    poisson = over_time_of(alike).iloc[:, 3:].dropna().to_numpy()
    events.connection.close()
    return result, days, poisson


@functools.cache
def campaigns(count):
    """Return by cutoff and interval whether it held the truth, one entry a campaign, or a campaign and day."""
    held = {}
    for seed in range(1, count + 1):
        sample = make_sample(seed, visitors=VISITORS, campaign=replace(CAMPAIGN, cutoff_at=END))
        truth = sample.truth["expected"]["referrals"]
        shares = truth["share_of_signers_by_generation"]
        answers = {name: read(sample, cutoff) for name, cutoff in CUTOFFS.items()}
        lineage = answers["done"][0].spread.lineage
        for name, (result, days, poisson) in answers.items():
            numbers = {row[0]: row[1:] for row in result.numbers.itertuples(index=False)}
            cutoff_us = int(CUTOFFS[name].timestamp()) * 10**6
            came = ((lineage.signed_us >= cutoff_us) & (lineage.signed_us[lineage.root] < cutoff_us)).sum()
            found = [("K-factor", numbers["k_factor"], truth["k_factor"])]
            found += [("signatures still to come", numbers["signatures still to come"], came)] * (name != "done")
            found += [("a seed dies out", numbers["a seed dies out"], 1.0)]
            found += [
                (f"K-factor of generation {row[0]}", row[4:], shares[row[0] + 1] / shares[row[0]])
                for row in result.frame.head(GENERATIONS).itertuples(index=False)
            ]
            found += [("reproduction number, each day", row, truth["k_factor"]) for row in days]
            found += [("the same, signers alike", row, truth["k_factor"]) for row in poisson]
            for interval, (value, low, high), real in found:
                held.setdefault((name, interval), []).append((value, low <= real <= high, real, high - low))
    return {key: np.array(rows, dtype=float) for key, rows in held.items()}


def coverage(held, cutoff, interval):
    return held[cutoff, interval][:, 1].mean()


def test_intervals_hold_the_truth_of_a_campaign_early_and_late():
    held = campaigns(4)
    intervals = ("K-factor", "signatures still to come", *(f"K-factor of generation {each}" for each in (0, 1, 2)))
    found = [held[key][:, 1] for key in held if key[1] in intervals]
    assert sum(map(len, found)) == 4 * (4 * 3 + 2)
    assert np.concatenate(found).mean() >= 0.8
    for cutoff in CUTOFFS:
        assert coverage(held, cutoff, "a seed dies out") == 1
        assert coverage(held, cutoff, "reproduction number, each day") > 0.8
        assert coverage(held, cutoff, "the same, signers alike") < 0.8


@pytest.mark.slow
def test_intervals_hold_the_truth_of_a_hundred_campaigns(capsys):
    runs = 100
    held = campaigns(runs)
    with capsys.disabled():
        print(f"\n{runs} campaigns of {VISITORS:,} visitors: how often 95 % intervals hold the truth")
        for (cutoff, interval), rows in sorted(held.items()):
            value, share, real, width = np.nanmean(np.where(np.isfinite(rows), rows, np.nan), axis=0)
            print(
                f"{cutoff:<9}{interval:<31}{len(rows):>6}  found {value:8.3f}  truth {real:8.3f}  held {share:.3f}"
                f"  wide {width:.3f}"
            )
    for cutoff in CUTOFFS:
        assert coverage(held, cutoff, "K-factor") >= 0.95 - 4 * math.sqrt(0.95 * 0.05 / runs)
        assert coverage(held, cutoff, "reproduction number, each day") >= 0.93
        assert coverage(held, cutoff, "the same, signers alike") < 0.7


# A petition that would grow without the media


R, K = 1.3, 0.3


def grown(seed, *, seeds=300, days=6):
    """Return events of trees that grow without end, up to a day: everyone brings a negative binomial number.

    Seeds come in the first two days, friends after a day on average, exponentially.
    """
    random = np.random.default_rng(seed)
    times, names, parents = random.uniform(0, 2 * DAY, seeds), np.arange(seeds), np.full(seeds, -1)
    signed, count = [(names, times, parents)], seeds
    while len(times):
        friends = random.negative_binomial(K, K / (K + R), len(times))
        came = np.repeat(times, friends) + random.exponential(DAY, friends.sum())
        by = np.repeat(names, friends)[came < days * DAY]
        times = came[came < days * DAY]
        names, parents = np.arange(count, count + len(times)), by
        count += len(times)
        signed.append((names, times, parents))
    names, times, parents = (np.concatenate(each) for each in zip(*signed, strict=True))
    frame = pd.DataFrame({"visitor_id": [f"s{name}" for name in names], "event": "sign"})
    frame["occurred_at"] = pd.Timestamp(BEGIN) + pd.to_timedelta(np.round(times * 1e6), unit="us")
    frame["referred_by"] = [f"s{parent}" if parent >= 0 else None for parent in parents]
    return funnel.connect(frame, timezone="UTC", cutoff=BEGIN + pd.Timedelta(days=days))


def dies_out():
    """Return the chance that the tree of a seed ends, from its equation: q is the generating function at q."""
    return brentq(lambda q: (1 + R * (1 - q) / K) ** -K - q, 0, 1 - 1e-6)


def extinctions(count):
    """Return one row a petition: chance to die out with both ends, K-factor, its lower end, number of signers."""
    rows = []
    for seed in range(count):
        events = grown(seed)
        result = Referrals(shared="sign").measure(events)
        numbers = result.numbers.set_index("measure")
        events.connection.close()
        rows.append([*numbers.loc["a seed dies out"], *numbers.loc["k_factor"]])
    return np.array(rows)


def check_extinctions(found, runs, least):
    real = dies_out()
    value, low, high = found[:, :3].T
    assert 0.6 < real < 0.9
    error = value.std(ddof=1) / math.sqrt(runs)
    assert abs(value.mean() - real) < 4 * error + 0.01
    assert ((low <= real) & (real <= high)).mean() >= least
    assert ((found[:, 4] <= R) & (found[:, 5] >= R)).mean() >= least


def test_the_chance_that_a_seed_dies_out_is_that_of_the_law_it_was_grown_from():
    check_extinctions(extinctions(6), 6, 0.6)


@pytest.mark.slow
def test_the_chance_that_a_seed_dies_out_over_a_hundred_petitions(capsys):
    found = extinctions(100)
    real = dies_out()
    with capsys.disabled():
        print(
            f"\n100 petitions with R {R}, k {K}: a seed dies out {found[:, 0].mean():.3f}, truth {real:.3f}, 95 %"
            f" intervals hold it {((found[:, 1] <= real) & (real <= found[:, 2])).mean():.2f} of the time; K-factor"
            f" {found[:, 3].mean():.3f}, held {((found[:, 4] <= R) & (found[:, 5] >= R)).mean():.2f}"
        )
    check_extinctions(found, 100, 0.85)
