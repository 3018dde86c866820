"""Experiments on the simulated campaign, whose truth is known: what holds, what errs, and what a naive reading does.

Each simulation has a small version that is part of every run, and a slow one that prints its table.
"""

import math
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import pytest

import funnel
from funnel import Campaign, Conversion, Count, Experiment, Guardrail, Referred, make_sample
from funnel.experiments import Trial
from funnel.sample import Thanks
from funnel.stats import sample_ratio, z_test

CONTROL = "thanks_only"
DAY = 86_400
Z = 1.959964


def noise(share, runs):
    """Return how far a share seen in so many runs may be from the true one: four standard errors."""
    return 4 * math.sqrt(share * (1 - share) / runs)


@contextmanager
def journeys_of(experiment, sample, cutoff):
    """Give the journeys of an experiment; their memory goes when they are done with: campaigns here are many."""
    events = funnel.connect(sample.events, cutoff=cutoff)
    yield experiment.journeys(events)
    events.connection.close()


# The true differences and their intervals


TRUTHS = {
    "share": "share_within_3_days",
    "partner_click": "partner_click_within_3_days",
    "unsubscribe": "unsubscribe",
    "share per visitor": "shares",
    "sign brought directly": "referred_signatures_first_generation",
    "sign brought": "referred_signatures_whole_tree",
}
SHARES = ("share", "partner_click", "unsubscribe")
NAMES = ("plain", "bootstrap", "simultaneous", "predicted")
PAGES = Experiment(
    "thanks_page",
    control=CONTROL,
    primary=Conversion("share"),
    secondary=[Conversion("partner_click"), Count("share", window="90 days"), Referred("sign", window="90 days")],
    guardrails=[Guardrail("unsubscribe", margin=0.005)],
)


def measured(seed, *, visitors):
    """Return one experiment: its frame beside the truth, and how many units brought how many by measure and variant.

    The data goes on for four months after the last arrival, so that a window of ninety days is nearly for ever: of the
    signatures a link brings at all, all but one in some thousands come before.
    """
    campaign = Campaign()
    campaign = replace(campaign, cutoff_at=campaign.closes_at + timedelta(days=120))
    sample = make_sample(seed, visitors=visitors, campaign=campaign)
    with journeys_of(PAGES, sample, campaign.cutoff_at) as journeys:
        frame, values = journeys.measure().frame, values_of(journeys.found)
    assert not frame["pending"].any()
    true = sample.truth["expected"]["experiment"]["seeded_signers"]["difference_to_thanks_only"]
    within = {"unsubscribe": float(campaign.unsubscribe_delay.cdf(np.array(3 * DAY)))}
    frame = frame[frame["variant"] != CONTROL].copy()
    frame["truth"] = [
        true[row.variant][TRUTHS[row.outcome]] * within.get(row.outcome, 1.0) for row in frame.itertuples()
    ]
    return frame, values


def values_of(found):
    """Return for each measure that is a mean and each variant how many units have which value."""
    counts = defaultdict(Counter)
    for place, measure in enumerate(found.design.measures):
        if measure.kind == "mean":
            query = f"select variant, y_{place}, count(*) from {found.units} where is_unit group by all"
            for variant, value, units in found.connection.execute(query).fetchall():
                counts[measure.label, variant][value] += units
    return counts


def coverage(seeds, *, visitors):
    """Return for each outcome and variant how often each interval holds the truth, and for each outcome all at once."""
    held, counts, sizes = defaultdict(lambda: defaultdict(list)), defaultdict(Counter), []
    for seed in seeds:
        frame, values = measured(seed, visitors=visitors)
        sizes.append(frame.loc[frame["outcome"] == "share", "visitors"].mean())
        for key, found in values.items():
            counts[key].update(found)
        at_once = defaultdict(list)
        for row in frame.itertuples():
            cell = held[row.outcome, row.variant]
            cell["plain"].append(row.difference_low <= row.truth <= row.difference_high)
            at_once[row.outcome].append(row.simultaneous_low <= row.truth <= row.simultaneous_high)
            if math.isfinite(row.bootstrap_low):
                cell["bootstrap"].append(row.bootstrap_low <= row.truth <= row.bootstrap_high)
        for outcome, each in at_once.items():
            held[outcome, "all at once"]["simultaneous"].append(all(each))
    found = {key: {name: float(np.mean(each)) for name, each in cell.items()} for key, cell in held.items()}
    for outcome, variant in held:
        if (outcome, variant) in counts:
            arms = counts[outcome, variant], counts[outcome, CONTROL]
            found[outcome, variant]["predicted"] = predicted(*arms, units=float(np.mean(sizes)))
    return found, held


def predicted(treatment, control, *, units):
    """Return the coverage of a 95 % t interval of a difference of means that its cumulants foretell.

    Edgeworth: Hall 1992, The bootstrap and Edgeworth expansion, section 2.6, with skewness and kurtosis those of the
    difference; the term that goes with the degrees of freedom is what t has for it.
    """
    cumulants = np.zeros(3)
    for sign, arm in ((1, treatment), (-1, control)):
        values, weights = np.array(list(arm.keys()), dtype=float), np.array(list(arm.values()), dtype=float)
        about = values - np.average(values, weights=weights)
        second, third, fourth = (float(np.average(about**power, weights=weights)) for power in (2, 3, 4))
        cumulants += [second / units, sign * third / units**2, (fourth - 3 * second**2) / units**3]
    skewness, kurtosis = cumulants[1] / cumulants[0] ** 1.5, cumulants[2] / cumulants[0] ** 2
    density = math.exp(-(Z**2) / 2) / math.sqrt(2 * math.pi)
    missed = skewness**2 * (Z**4 + 2 * Z**2 - 3) / 18 - kurtosis * (Z**2 - 3) / 12
    return 0.95 - 2 * Z * density * missed


def test_the_true_differences_lie_inside_their_intervals():
    _, held = coverage(range(3), visitors=12_000)
    plain = np.concatenate([cell["plain"] for cell in held.values() if cell["plain"]])
    at_once = np.concatenate([cell["simultaneous"] for cell in held.values() if cell["simultaneous"]])
    assert (len(plain), len(at_once)) == (3 * 6 * 3, 3 * 6)
    assert plain.mean() > 0.85
    assert at_once.mean() > 0.8


@pytest.mark.slow
def test_the_true_differences_lie_inside_their_intervals_at_the_stated_rate_printed(capsys):
    runs, visitors = 200, 20_000
    found, _ = coverage(range(runs), visitors=visitors)
    with capsys.disabled():
        print(f"\n\n95 % intervals of the differences to {CONTROL}: how often they hold the truth ({runs} campaigns)")
        print(f"{'outcome':22} {'variant':12} {'plain':>8} {'bootstrap':>10} {'at once':>8} {'foretold':>9} {'n':>5}")
        for (outcome, variant), cell in found.items():
            plain, drawn, at_once, foretold = (f"{cell[name]:.3f}" if name in cell else "" for name in NAMES)
            print(f"{outcome:22} {variant:12} {plain:>8} {drawn:>10} {at_once:>8} {foretold:>9} {runs:5}")
    for (outcome, variant), cell in found.items():
        skewed = [found[outcome, each]["predicted"] for each in ("both", "partner", "share") if outcome not in SHARES]
        for name in NAMES[:3]:
            if name in cell:
                low, high = band(outcome, shortfalls=skewed if variant == "all at once" else [cell.get("predicted")])
                assert low - noise(0.95, runs) <= cell[name] <= high + noise(0.95, runs), (outcome, variant, name)
    shares = [cell["plain"] for (outcome, _), cell in found.items() if outcome in SHARES[:2] and "plain" in cell]
    # Two outcomes of three comparisons with one control each: as much as three independent ones at the least.
    assert np.mean(shares) == pytest.approx(0.95, abs=noise(0.95, 3 * runs))
    # BCa's ends come short where few units bring anyone and the tail is guessed from a handful: with skewnesses of 6 to
    # 24, these 850 an arm are as 30 to 500 in tests/stats/test_levels.py. The t interval is the one to go by.
    brought = [cell for cell in found.values() if "bootstrap" in cell]
    t, bootstrap = (np.mean([cell[name] for cell in brought]) for name in ("plain", "bootstrap"))
    assert t > bootstrap > 0.9
    assert t == pytest.approx(0.95, abs=noise(0.95, 1.5 * runs))


def band(outcome, *, shortfalls):
    """Return the least and greatest coverage that the literature foretells for 95 %, before Monte-Carlo error.

    Shares of few successes are too coarse for 95 % exactly, by up to two points and mostly upwards (Newcombe 1998;
    Brown, Cai and DasGupta 2001). Means of skewed counts fall short as their cumulants say; several at once by no more
    than the sum.
    """
    if outcome in SHARES:
        return 0.93, 0.98
    return 0.95 - sum(max(0.0, 0.95 - each) for each in shortfalls), 0.96


# People who know each other are alike: a naive reading, and that of root signers


def alike(*, friends_per_share):
    """Return a campaign without any difference between its pages, where friends inherit the page and resemble."""
    campaign = Campaign()
    page = Thanks(share=0.1, partner_click=0.05, unsubscribe=0.01)
    return replace(
        campaign,
        cutoff_at=campaign.closes_at + timedelta(days=30),
        thanks=dict.fromkeys(campaign.variants, page),
        inherit_variant=True,
        circle_spread=0.9,
        friends_per_share=friends_per_share,
    )


def inherited(campaign, **options):
    """Return the experiment of a campaign whose pages are inherited."""
    return Experiment(
        "thanks_page",
        control=CONTROL,
        primary=Conversion("share"),
        shares=campaign.variants,
        referred="inherit",
        **options,
    )


def rows_of(events):
    """Return by variant all its signers and those who shared within three days, whoever brought them."""
    with duckdb.connect() as connection:
        connection.register("events", events)
        rows = connection.execute(
            """
            -- one row a variant
            with shown as (
                select visitor_id, min(occurred_at) as shown_at, arg_min(variant, occurred_at) as variant
                from events
                where event = 'thanks_shown'
                group by all
            ),
            sharers as (
                select distinct shown.visitor_id
                from shown
                join events using (visitor_id)
                where event = 'share' and occurred_at between shown_at and shown_at + interval 3 days
            )
            select variant, count(*), count(sharers.visitor_id)
            from shown
            left join sharers using (visitor_id)
            group by all
            """
        ).fetchall()
    return {variant: (signers, sharers) for variant, signers, sharers in rows}


def readings(seed, campaign, *, visitors):
    """Return the p-values of one campaign by analysis, the split's among them."""
    sample = make_sample(seed, visitors=visitors, campaign=campaign)
    naive = rows_of(sample.events)
    signers, sharers = naive[CONTROL]
    with journeys_of(inherited(campaign), sample, campaign.cutoff_at) as journeys:
        answer = journeys.measure()
        trees = answer.clusters().frame
    return {
        "share: all signers, z test": [
            z_test(shared, shown, sharers, signers).p
            for variant, (shown, shared) in naive.items()
            if variant != CONTROL
        ],
        "share: root signers": list(answer.frame["p"].dropna()),
        "share: trees, clusters()": list(trees.loc[trees["outcome"] == "share", "p"].dropna()),
        "split: all signers": [
            sample_ratio([naive[variant][0] for variant in campaign.variants], list(campaign.variants.values())).p
        ],
        "split: root signers": [answer.split().frame["p"][0]],
    }


def rejections(every, level):
    """Return how often each analysis has p below the level, over campaigns and variants."""
    return {name: float(np.mean([p < level for found in every for p in found[name]])) for name in every[0]}


def test_where_friends_are_alike_root_signers_keep_the_level_that_rows_lose():
    every = [readings(seed, alike(friends_per_share=7), visitors=10_000) for seed in range(6)]
    seen = rejections(every, 0.05)
    assert seen["share: all signers, z test"] > 0.15 > seen["share: root signers"]
    assert rejections(every, 0.001)["split: all signers"] > 0.5
    assert rejections(every, 0.001)["split: root signers"] == 0


@pytest.mark.slow
def test_the_levels_of_naive_and_root_signer_analyses_printed(capsys):
    runs = 200
    every = {}
    for friends in (3, 7):
        campaign = alike(friends_per_share=friends)
        every[friends] = [readings(seed, campaign, visitors=10_000) for seed in range(runs)]
    seen = {friends: rejections(found, 0.05) for friends, found in every.items()}
    with capsys.disabled():
        print(f"\n\nno true difference, friends inherit the page and resemble: p < 5 % ({runs} campaigns)")
        print(f"{'friends a link':30} " + " ".join(f"{friends:>8}" for friends in seen))
        for name in seen[7]:
            print(f"{name:30} " + " ".join(f"{found[name]:8.3f}" for found in seen.values()))
    # Three comparisons with one control are worth one and a half at the least (correlation of a half).
    for found in seen.values():
        assert abs(found["share: root signers"] - 0.05) < noise(0.05, 1.5 * runs)
        assert abs(found["split: root signers"] - 0.05) < noise(0.05, runs)
        assert found["share: all signers, z test"] > found["share: root signers"]
        assert found["split: all signers"] > 0.3
    assert seen[7]["share: all signers, z test"] > 0.05 + noise(0.05, 1.5 * runs)
    # Trees of very unequal size are as if fewer: CR1 then errs more often, up to twice its 5 % (Carter, Schnepel and
    # Steigerwald 2017, Review of Economics and Statistics 99:698; MacKinnon and Webb 2017, J. Applied Econometrics
    # 32:233). The fewer friends, the less.
    assert abs(seen[3]["share: trees, clusters()"] - 0.05) < noise(0.05, 1.5 * runs)
    assert seen[7]["share: trees, clusters()"] < 0.1 + noise(0.1, 1.5 * runs)


# Variants recruit differently: the split of all signers is no check


def recruiting():
    """Return the campaign with its true differences, where friends inherit the page."""
    campaign = Campaign()
    return replace(campaign, cutoff_at=campaign.closes_at + timedelta(days=30), inherit_variant=True)


def test_the_split_of_all_signers_is_broken_by_those_a_page_brings():
    every = [readings(seed, recruiting(), visitors=8_000) for seed in range(3)]
    seen = rejections(every, 0.001)
    assert (seen["split: all signers"], seen["split: root signers"]) == (1, 0)


@pytest.mark.slow
def test_the_split_of_all_and_of_root_signers_printed(capsys):
    runs = 200
    every = [readings(seed, recruiting(), visitors=8_000) for seed in range(runs)]
    with capsys.disabled():
        print(f"\n\npages drawn evenly, some bring more friends, who inherit them ({runs} campaigns)")
        print(f"{'':22} {'p < 5 %':>8} {'p < 0.1 %':>10}")
        for name in ("split: all signers", "split: root signers"):
            print(f"{name:22} {rejections(every, 0.05)[name]:8.3f} {rejections(every, 0.001)[name]:10.3f}")
    assert rejections(every, 0.001)["split: all signers"] > 0.99
    assert abs(rejections(every, 0.05)["split: root signers"] - 0.05) < noise(0.05, runs)
    # At 0.1 %, more than two of 200 come once in a thousand times.
    assert rejections(every, 0.001)["split: root signers"] <= 2 / runs


# False verdicts


RULES = {
    "fixed, read once": {"looks": "fixed"},
    "fixed, read at five looks": {"looks": "fixed"},
    "five planned looks": {"looks": 5},
    "anytime, read at five looks": {"looks": "anytime"},
}
LOOKS = 5


def adopted(seed, campaign, *, visitors):
    """Return by rule whether any of its looks says to adopt a variant: five as visitors come, of a planned size."""
    sample = make_sample(seed, visitors=visitors, campaign=campaign)
    with journeys_of(inherited(campaign), sample, campaign.cutoff_at) as journeys:
        found = journeys.found
        query = f"select exposed_at from {found.units} where is_unit order by exposed_at"
        exposed = found.connection.execute(query).fetchnumpy()["exposed_at"]
        cutoffs = [int(exposed[len(exposed) * look // LOOKS - 1]) + 3 * DAY * 10**6 for look in range(1, LOOKS + 1)]
        said = {}
        for rule, options in RULES.items():
            size = {} if rule == "fixed, read at five looks" else {"planned": len(exposed)}
            design = replace(found.design, **options, **size)
            read = cutoffs[-1:] if rule == "fixed, read once" else cutoffs
            said[rule] = "adopt" in [decision(found, design, cutoff) for cutoff in read]
    return said


def decision(found, design, cutoff):
    """Return what the verdict says to do at an earlier cutoff, in microseconds since 1970.

    From the journeys of all the data: rates are over those whose window was over by then, and all that counts of them
    had happened.
    """
    at = datetime.fromtimestamp(cutoff / 1e6, UTC)
    return Trial(replace(found, design=design, events=replace(found.events, cutoff=at))).measure().decision.code


def test_an_earlier_cutoff_of_the_same_journeys_gives_the_rates_of_that_day():
    campaign = alike(friends_per_share=3)
    sample = make_sample(1, visitors=10_000, campaign=campaign)
    at = campaign.launched_at + timedelta(days=8)
    with journeys_of(inherited(campaign), sample, at) as journeys:
        then = journeys.measure().frame
    with journeys_of(inherited(campaign), sample, campaign.cutoff_at) as journeys:
        found = journeys.found
        again = Trial(replace(found, events=replace(found.events, cutoff=at))).measure().frame
    same = ["variant", "visitors", "total", "difference_low", "difference_high", "p"]
    assert then[same].equals(again[same])
    assert then["visitors"].sum() > 500


def test_few_verdicts_adopt_what_makes_no_difference():
    campaign = alike(friends_per_share=7)
    every = [adopted(seed, campaign, visitors=10_000) for seed in range(2)]
    assert sum(each["fixed, read once"] + each["five planned looks"] for each in every) <= 1
    assert not any(each["anytime, read at five looks"] for each in every)


@pytest.mark.slow
def test_false_verdicts_printed(capsys):
    runs = 200
    campaign = alike(friends_per_share=7)
    every = [adopted(seed, campaign, visitors=10_000) for seed in range(runs)]
    seen = {rule: sum(each[rule] for each in every) / runs for rule in RULES}
    with capsys.disabled():
        print(f"\n\nno true difference: how often a verdict says to adopt a variant ({runs} campaigns)")
        for rule, share in seen.items():
            print(f"{rule:30} {share:8.3f}")
    # Only a difference upwards is adopted, so a two-sided 5 % leaves about half of it.
    for rule in ("fixed, read once", "five planned looks", "anytime, read at five looks"):
        assert seen[rule] <= 0.05, rule
    assert seen["fixed, read at five looks"] > seen["fixed, read once"]
