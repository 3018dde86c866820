"""The simulated campaign, whose truth is known: intervals hold what mentions brought as often as they say."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

import funnel
from funnel.mentions import Mention, Mentions
from funnel.sample import Campaign, make_sample
from funnel.stats.rates import garwood

VISITORS, EFFECT = 12_000, 120
AIRED = {"tv-01": 1.0, "radio-01": 1.6}  # more visits than usual, as the campaign is a fifth of its size
TORONTO = ZoneInfo("America/Toronto")
SEEDS, FEW = 200, 4


def with_mentions():
    campaign = Campaign()
    chosen = [
        replace(each, visits=each.visits * AIRED[each.mention]) for each in campaign.mentions if each.mention in AIRED
    ]
    return replace(campaign, mentions=tuple(chosen))


def connected(campaign, seed, **tables):
    sample = make_sample(seed, visitors=VISITORS, campaign=campaign)
    events = funnel.connect(sample.events, cutoff=campaign.cutoff_at, **tables)
    return events.where("not is_bot"), sample


def within(campaign, mention, *, until_signature):
    """Return the share of a mention's people who visit (or sign on that visit, after reading) within its window."""
    waits = [0.0]
    if until_signature:
        edges = np.linspace(0, 3_600, 2_000)
        weights = np.diff(campaign.reading.cdf(edges))
        waits = np.repeat((edges[1:] + edges[:-1]) / 120, np.rint(weights * 1e5).astype(int))
    left = EFFECT - mention.reaction_seconds / 60 - np.asarray(waits)
    return float((1 - 2 ** (-np.maximum(left, 0) / mention.half_life_minutes)).mean())


def held(seed):
    """Return whether each interval holds the truth, by what it is of: a list of truths and falsehoods each."""
    campaign = with_mentions()
    events, sample = connected(campaign, seed)
    table = [
        Mention(
            each.mention, each.aired_from, kind=each.kind, timezone=campaign.timezone, reshared_link=each.reshared_link
        )
        for each in campaign.mentions
    ]
    result = Mentions(effect="2 hours", mentions=table).measure(events)
    frame, lives = result.frame.set_index(["mention", "outcome"]), result.lives().frame.set_index("mention")
    found = {name: [] for name in ("visits", "signatures", "half-life", "delay", "second life", "p below 0.05")}
    for mention in campaign.mentions:
        truth = sample.truth["expected"]["mentions"][mention.mention]["broadcast"]
        visits, signing = (frame.loc[(mention.mention, outcome)] for outcome in ("visit", "sign"))
        brought = truth["visitors"] * within(campaign, mention, until_signature=False)
        signed = truth["visitors"] * truth["sign"] * campaign.sign_on_visit[0]
        signed *= within(campaign, mention, until_signature=True)
        found["visits"].append(visits["excess_low"] <= brought <= visits["excess_high"])
        found["signatures"].append(signing["excess_low"] <= signed <= signing["excess_high"])
        found["p below 0.05"].append(visits["p"] < 0.05)
        if np.isfinite(visits["half_life_minutes"]):
            low, high = visits["half_life_minutes_low"], visits["half_life_minutes_high"]
            found["half-life"].append(low <= mention.half_life_minutes <= high)
            found["delay"].append(visits["delay_minutes_low"] <= 1 <= visits["delay_minutes_high"])
    again = sample.truth["expected"]["mentions"]["tv-01"]["re_shared"]["visitors"]
    counted = garwood(float(lives.loc["tv-01", "second_visitors"]))
    found["second life"].append(counted.low <= again <= counted.high)
    return found


def alarms(seed):
    """Return p and the placebo's p of six mentions of nothing, in a campaign without any: one row each, by outcome."""
    campaign = replace(Campaign(), mentions=())
    events, _ = connected(campaign, seed)
    generator = np.random.default_rng(seed)
    days = generator.choice(np.arange(2, 20), 6, replace=False)
    table = [
        Mention(f"nothing-{day}", datetime(2018, 1, 14, tzinfo=TORONTO) + timedelta(days=int(day), minutes=int(minute)))
        for day, minute in zip(days, generator.integers(6 * 60, 21 * 60, 6), strict=True)
    ]
    frame = Mentions(effect="2 hours", mentions=table).measure(events).frame
    return frame[["p", "placebo_p"]].to_numpy()


def rates(seeds):
    runs = [held(seed) for seed in seeds]
    return {name: np.concatenate([run[name] for run in runs]) for name in runs[0]}


def test_intervals_hold_what_mentions_brought():
    found = rates(range(FEW))
    assert len(found["visits"]) == len(found["signatures"]) == FEW * len(AIRED)
    for name in ("visits", "signatures", "half-life"):
        assert found[name].mean() >= 0.75, name


def test_times_at_which_nothing_aired_are_seldom_told_from_chance():
    p = np.concatenate([alarms(seed) for seed in range(2)])
    assert len(p) == 2 * 6 * 2
    assert (p < 0.05).mean() <= 0.25


@pytest.mark.slow
def test_intervals_hold_what_mentions_brought_at_their_rate():
    found = rates(range(SEEDS))
    for name, each in found.items():
        print(f"{name}: {each.mean():.3f} of {len(each)}")
    for name in ("visits", "signatures", "half-life", "second life"):
        assert 0.90 <= found[name].mean() <= 0.99, name


@pytest.mark.slow
def test_times_at_which_nothing_aired_are_told_from_chance_at_the_stated_rate():
    p = np.concatenate([alarms(seed) for seed in range(SEEDS)])
    print(f"p below 0.05: {(p[:, 0] < 0.05).mean():.3f}; placebo's: {(p[:, 1] < 0.05).mean():.3f}; of {len(p)}")
    assert (p[:, 0] < 0.05).mean() <= 0.08
    assert (p[:, 1] < 0.05).mean() <= 0.08
