"""The reproduction number over time and the mean corrected for time, against R's EpiEstim and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import chi2, gamma, nbinom

from funnel.errors import DataError, DefinitionError
from funnel.stats import corrected_mean, discretised_interval, reproduction_number

# EpiEstim 2.2-4: data(Flu1918), Baltimore; data(Flu2009), a school; one serial interval for both.
FLU_1918 = [
    5, 1, 6, 15, 2, 3, 8, 7, 2, 15, 4, 17, 4, 10, 31, 11, 13, 36, 13, 33, 17, 15, 32, 27, 70, 58, 32, 69, 54, 80, 405,
    192, 243, 204, 280, 229, 304, 265, 196, 372, 158, 222, 141, 172, 553, 148, 95, 144, 85, 143, 87, 73, 70, 62, 116,
    44, 38, 60, 45, 60, 27, 51, 34, 22, 16, 11, 18, 11, 10, 8, 13, 3, 3, 6, 6, 13, 5, 6, 6, 5, 5, 1, 2, 2, 3, 8, 4, 1,
    2, 3, 1, 0,
]  # fmt: skip
FLU_2009 = [
    1, 1, 0, 2, 5, 3, 3, 3, 6, 2, 5, 9, 13, 12, 13, 11, 12, 6, 6, 6, 3, 1, 0, 2, 0, 0, 0, 0, 2, 0, 2, 0
]  # fmt: skip
SERIAL = [0, 0.233, 0.359, 0.198, 0.103, 0.053, 0.027, 0.014, 0.007, 0.003, 0.002, 0.001]


# The interval


def test_the_interval_is_that_of_epiestim():
    # EpiEstim 2.2-4, discr_si(0:12, 2.6, 1.5).
    expected = [
        0, 0.233172125407541203, 0.358579400315596875, 0.198110828540313560, 0.103342655427939259,
        0.052905175247813935, 0.026821461951616152, 0.013516198089437562, 0.006783437815353822, 0.003394351359299108,
        0.001694674109790384, 0.000844594465826809, 0.000420331323734757,
    ]  # fmt: skip
    assert discretised_interval(2.6, 1.5, shift=1, days=12) == pytest.approx(expected, abs=1e-14)


@given(st.floats(0, 3), st.floats(0.1, 10), st.floats(0.1, 8))
@settings(max_examples=25, deadline=None)
def test_the_interval_averages_the_gamma_over_the_day_of_signing(shift, rest, sd):
    days = 6
    law = gamma((rest / sd) ** 2, loc=shift, scale=sd**2 / rest)

    def within(day):  # signed at u of its day; the other, before that day begins
        return quad(lambda u: law.cdf(day - u), 0, 1, limit=200, points=[(day - shift) % 1])[0]

    ours = discretised_interval(shift + rest, sd, shift=shift, days=days)
    theirs = [within(day + 1) - within(day) for day in range(days + 1)]
    assert len(ours) == days + 1
    assert ours == pytest.approx(theirs, abs=1e-5)
    assert np.all(ours >= 0)


def test_long_intervals_sum_to_one_and_keep_their_mean():
    weights = discretised_interval(6.3, 4.2, shift=1, days=200)
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    assert weights @ np.arange(201) == pytest.approx(6.3, abs=1e-9)


# The reproduction number


def test_flu_of_1918_is_that_of_epiestim():
    # EpiEstim 2.2-4, estimate_R(method = "non_parametric_si"): windows 1 to 3, and the last two of 85.
    number = reproduction_number(FLU_1918, interval=SERIAL)
    assert len(number.mean) == 85
    expected = [1.41452021448074, 1.23793714655488, 1.35883499128295]
    assert number.mean[:3] == pytest.approx(expected, rel=1e-12)
    assert number.mean[-2:] == pytest.approx([0.997138645625596, 0.874431619447359], rel=1e-12)
    assert number.sd[:3] == pytest.approx([0.215712310414882, 0.186626046780260, 0.186650340715837], rel=1e-12)
    assert number.quantile(0.25)[:2] == pytest.approx([1.26367510465099, 1.10747835792127], rel=1e-12)
    low, high = number.interval()
    assert (low[0], high[0]) == pytest.approx((1.02369529300198, 1.86755481359553), rel=1e-12)
    assert (number.first[0], number.last[0], number.first[-1], number.last[-1]) == (1, 7, 85, 91)


def test_flu_of_2009_is_that_of_epiestim_s_snapshot():
    # EpiEstim 2.4, tests/testthat/_snaps/estimate_R.md, example 1.
    means = [
        1.7356089, 1.7490494, 1.5370427, 1.4316392, 1.4223487, 1.6349410, 1.6636221, 1.6156800, 1.4340033, 1.4083724,
        1.2477516, 1.0819346, 0.9369319, 0.8194289, 0.6908048, 0.5894141, 0.4989223, 0.4726133, 0.4173489, 0.2976950,
        0.2400240, 0.4577916, 0.6754931, 0.8634087, 1.0040161,
    ]  # fmt: skip
    number = reproduction_number(FLU_2009, interval=SERIAL)
    assert number.mean == pytest.approx(means, abs=5e-8)
    assert number.sd[[0, -1]] == pytest.approx([0.40908694, 0.44900963], abs=5e-9)
    for share, first, last in (
        (0.025, 1.02863184, 0.32600128), (0.5, 1.7035760, 0.9379335), (0.975, 2.6244959, 2.0565439),
    ):  # fmt: skip
        assert number.quantile(share)[[0, -1]] == pytest.approx([first, last], abs=5e-8)


def test_imported_cases_are_those_of_epiestim_s_snapshot():
    # The same, example 2: parametric_si, mean 2.6, standard deviation 1.5, over the 27 days.
    incidence = [1, 3, 1, 1, 3, 4, 1, 1, 0, 1, *[0] * 16, 1]
    imported = [1, 1, 1, 1, 2, 2, 1, 0, 0, 1, *[0] * 17]
    interval = discretised_interval(2.6, 1.5, shift=1, days=26)
    number = reproduction_number(incidence, imported=imported, interval=interval)
    means = [
        0.6413590, 0.3999222, 0.3956574, 0.4170468, 0.3515432, 0.1976371, 0.2561099, 0.1854957, 0.2764736, 0.4085199,
        0.6246688, 1.0775772, 1.7523399, 2.5831197, 3.4013907, 4.0476611, 4.4742953, 4.7233814, 4.8583931, 9.8571825,
    ]  # fmt: skip
    assert number.mean == pytest.approx(means, abs=5e-7)
    assert number.sd[[0, 7, -1]] == pytest.approx([0.2424109, 0.1854957, 6.9700806], abs=5e-7)
    assert number.quantile(0.025)[[0, -1]] == pytest.approx([0.257859602, 1.193750537], abs=5e-7)


def test_windows_that_end_within_the_mean_interval_are_not_a_number():
    # EpiEstim 2.2-4, estimate_R(data.frame(local, imported), "parametric_si", mean_si = 4.2, std_si = 2.1,
    # mean_prior = 2, std_prior = 1), windows of 3 days.
    imported = np.array([2, 0, 1, 0, 0, 3, 0, 0, 1, 0, 0, 0, 0, 1, 0])
    brought = np.array([0, 1, 1, 2, 0, 4, 5, 3, 6, 8, 2, 0, 4, 5, 7])
    number = reproduction_number(
        imported + brought,
        imported=imported,
        interval=discretised_interval(4.2, 2.1, shift=1, days=14),
        window=3,
        prior_shape=4,
        prior_scale=0.5,
    )
    means = [
        math.nan, 1.687264830788873, 1.983740701535628, 2.262073958831169, 2.284751375865456, 2.021791441789446,
        1.885001529655451, 1.512357434186778, 0.922103638612733, 0.609399664258913, 0.814021660015057,
        1.390641907557518,
    ]  # fmt: skip
    assert number.mean == pytest.approx(means, rel=1e-10, nan_ok=True)
    low, high = number.interval()
    assert low[[1, -1]] == pytest.approx([0.678367971128732, 0.849440204997996], rel=1e-10)
    assert high[[1, -1]] == pytest.approx([3.14782731811381, 2.06307662048248], rel=1e-10)
    assert math.isnan(low[0])
    assert math.isnan(number.sd[0])
    assert math.isnan(number.probability_above()[0])


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), max_size=20),
    st.lists(st.floats(0.01, 1), min_size=1, max_size=6),
    st.integers(1, 6),
)
def test_the_posterior_is_that_of_the_formulas_written_out(days, weights, window):
    imported = [seeds for _, seeds in days]
    everyone = [brought + seeds for brought, seeds in days]
    interval = [0.0, *(np.array(weights) / sum(weights))]
    number = reproduction_number(everyone, imported=imported, interval=interval, window=window)
    mean_interval = sum(s * w for s, w in enumerate(interval))
    assert len(number.mean) == max(len(days) - window, 0)
    for place in range(len(days) - window):
        first, last = place + 1, place + window
        brought, infectivity = 0, 0.0
        for t in range(first, last + 1):
            brought += days[t][0]
            infectivity += sum(interval[s] * everyone[t - s] for s in range(1, min(t, len(interval) - 1) + 1))
        assert number.referred[place] == brought
        assert number.infectivity[place] == pytest.approx(infectivity)
        if abs(last + 1 - mean_interval) < 1e-9:
            continue
        expected = (1 + brought) / (1 / 5 + infectivity) if last + 1 > mean_interval else math.nan
        assert number.mean[place] == pytest.approx(expected, nan_ok=True)


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), max_size=20),
    st.lists(st.floats(0.01, 1), min_size=1, max_size=6),
    st.integers(1, 6),
    st.floats(0.05, 20),
)
def test_where_few_bring_many_the_posterior_is_that_of_what_each_signer_could_bring(days, weights, window, k):
    imported = [seeds for _, seeds in days]
    everyone = [brought + seeds for brought, seeds in days]
    interval = [0.0, *(np.array(weights) / sum(weights))]
    series = {"imported": imported, "interval": interval, "window": window}
    alike, number = (reproduction_number(everyone, **series, dispersion=each) for each in (math.inf, k))
    assert alike.overdispersion[~np.isnan(alike.mean)] == pytest.approx(1)
    assert number.mean == pytest.approx(alike.mean, nan_ok=True)
    assert number.sd == pytest.approx(alike.sd * np.sqrt(number.overdispersion), nan_ok=True)
    for place in range(len(number.mean)):
        # A signer of day d brings a negative binomial number with mean R; a share of it falls into the window.
        shares = [
            sum(interval[t - d] for t in range(place + 1, place + window + 1) if 0 <= t - d < len(interval))
            for d, signers in enumerate(everyone)
            for _ in range(signers)
        ]
        r, bringing = number.mean[place], np.array([share for share in shares if share])
        if not math.isnan(r):
            varies = nbinom.var(k, k / (k + r * bringing)).sum()
            expected = varies / (r * bringing.sum()) if len(bringing) else 1.0
            assert number.overdispersion[place] == pytest.approx(expected)


def test_the_probability_to_grow_is_what_the_quantiles_say():
    number = reproduction_number(FLU_2009, interval=SERIAL)
    for share in (0.1, 0.5, 0.9):
        threshold = number.quantile(share)[3]
        assert number.probability_above(threshold)[3] == pytest.approx(1 - share)


def test_a_series_no_longer_than_a_window_has_none():
    for days in (0, 1, 7):
        number = reproduction_number([3] * days, interval=SERIAL)
        assert number.mean.shape == number.first.shape == number.quantile(0.5).shape == (0,)
    assert reproduction_number([3] * 8, interval=SERIAL).mean.shape == (1,)


def test_where_there_was_nobody_to_bring_anybody_the_prior_is_left():
    number = reproduction_number([0] * 20, interval=SERIAL)
    assert number.mean == pytest.approx(np.full(13, 5.0))
    assert number.sd == pytest.approx(np.full(13, 5.0))
    assert number.infectivity.tolist() == [0] * 13


def grown(random, r, *, days, interval, seeds, k=math.inf):
    """Grow a campaign day by day: seeds arrive, and everyone brings others, each after the interval's time."""
    brought, imported = np.zeros(days + len(interval), dtype=int), random.poisson(seeds, days)
    for day in range(days):
        signers = brought[day] + imported[day]
        if not signers:
            continue
        friends = random.poisson(r * signers) if math.isinf(k) else random.negative_binomial(k * signers, k / (k + r))
        brought[day : day + len(interval)] += random.multinomial(friends, interval)
    return brought[:days] + imported, imported


def coverage_of_reproduction(*, r, k, runs, seed, seeds=20, window=7):
    """Return how often the last window's intervals hold R, if signers count as alike and by k, and the mean of R."""
    random, interval = np.random.default_rng(seed), discretised_interval(2.6, 1.5, shift=1, days=20)
    interval /= interval.sum()
    held, means = np.zeros(2), []
    for _ in range(runs):
        incidence, imported = grown(random, r, days=40, interval=interval, seeds=seeds, k=k)
        for place, dispersion in enumerate((math.inf, k)):
            number = reproduction_number(
                incidence, imported=imported, interval=interval, window=window, dispersion=dispersion
            )
            low, high = number.interval()
            held[place] += low[-1] <= r <= high[-1]
        means.append(number.mean[-1])
    return *(held / runs), float(np.mean(means))


def test_simulated_campaigns_give_back_their_reproduction_number():
    held, _, mean = coverage_of_reproduction(r=0.7, k=math.inf, runs=300, seed=8)
    assert held == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 300))
    assert mean == pytest.approx(0.7, abs=0.02)


def test_where_few_bring_many_the_interval_holds_with_their_dispersion_only():
    alike, held, mean = coverage_of_reproduction(r=0.7, k=0.2, runs=300, seed=8)
    assert alike < 0.8
    assert held == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 300))
    assert mean == pytest.approx(0.7, abs=0.02)


@pytest.mark.slow
def test_the_coverage_of_reproduction_numbers_printed(capsys):
    for r, k, seeds, window in (
        (0.7, math.inf, 20, 7),
        (0.9, math.inf, 20, 7),
        (0.7, 1, 20, 7),
        (0.7, 0.2, 20, 7),
        (0.7, 0.2, 20, 3),
        (0.7, 0.2, 2, 3),
        (0.9, 0.1, 5, 7),
        (0.4, 0.1, 10, 3),
        (0.4, 0.1, 2, 3),
        (0.35, 0.036, 40, 3),
    ):
        alike, held, mean = coverage_of_reproduction(r=r, k=k, runs=2_000, seed=9, seeds=seeds, window=window)
        with capsys.disabled():
            print(
                f"\nR {r}, k {k}, {seeds} seeds a day, {window} days: posterior mean {mean:.3f} on average, 95 %"
                f" intervals hold R {alike:.3f} of the time if signers count as alike, {held:.3f} with their dispersion"
            )
        assert mean == pytest.approx(r, abs=0.08)
        assert held > 0.9
        # Signatures of one signer come together: Poisson knows nothing of it, and is too sure of itself.
        assert (alike > 0.93) == math.isinf(k)


# The mean corrected for time


def test_the_correction_divides_by_the_time_they_had():
    corrected = corrected_mean([3, 0, 1, 0], [1.0, 0.9, 0.5, 0.1])
    assert corrected.value == pytest.approx(4 / 2.5)
    assert (corrected.observed, corrected.seen) == (1, 0.625)


def test_without_overdispersion_the_interval_is_garwood_s():
    # R: poisson.test(20, 40)$conf.int is 0.3054129 0.7722094.
    corrected = corrected_mean([1] * 20 + [0] * 20, np.ones(40))
    assert corrected.overdispersion == 1
    assert (corrected.low, corrected.high) == pytest.approx((0.3054129, 0.7722094), abs=1e-7)


def test_overdispersion_makes_the_interval_that_of_fewer_signatures():
    counts = np.array([12, 0, 0, 4, 0, 0, 0, 0])
    corrected = corrected_mean(counts, np.full(8, 0.5), level=0.9)
    spread = ((counts - 2) ** 2).sum() / 16
    assert corrected.overdispersion == pytest.approx(spread)
    ends = chi2.ppf(0.05, 2 * 16 / spread) / 2, chi2.ppf(0.95, 2 * 16 / spread + 2) / 2
    assert (corrected.low, corrected.high) == pytest.approx(np.array(ends) * spread / 4)


def test_of_no_signature_and_of_no_time():
    nothing = corrected_mean([0, 0], [1, 0.5])
    assert (nothing.value, nothing.low) == (0, 0)
    assert nothing.high == pytest.approx(-math.log(0.025) / 1.5)
    early = corrected_mean([0, 1], [0, 0])
    assert math.isnan(early.value)
    assert (early.low, early.high, early.observed, early.seen) == (0, math.inf, 0.5, 0)


def test_signers_alike_may_be_tallied():
    one_by_one = corrected_mean([0, 0, 0, 2, 2, 5], [1, 1, 1, 0.5, 0.5, 0.2])
    tallied = corrected_mean([0, 2, 5], [1, 0.5, 0.2], [3, 2, 1])
    for name in ("value", "low", "high", "observed", "seen", "overdispersion"):
        assert getattr(tallied, name) == pytest.approx(getattr(one_by_one, name))


def campaign(random, r, k, *, seeds, cutoff, cycle):
    """Grow trees in continuous time up to the cutoff: what each signer has brought by then, and when they signed."""
    waiting = random.uniform(0, cutoff, seeds)
    counts, signed = [], []
    while len(waiting):
        friends = random.negative_binomial(k, k / (k + r), len(waiting))
        times = np.repeat(waiting, friends) + random.exponential(cycle, friends.sum())
        parent = np.repeat(np.arange(len(waiting)), friends)
        counts.append(np.bincount(parent[times <= cutoff], minlength=len(waiting)))
        signed.append(waiting)
        waiting = times[times <= cutoff]
    return np.concatenate(counts), np.concatenate(signed)


def coverage_of_correction(*, r, k, seeds, runs, seed):
    random = np.random.default_rng(seed)
    held, values, observed = 0, [], []
    for _ in range(runs):
        counts, signed = campaign(random, r, k, seeds=seeds, cutoff=10, cycle=5)
        corrected = corrected_mean(counts, -np.expm1(-(10 - signed) / 5))
        held += corrected.low <= r <= corrected.high
        values.append(corrected.value)
        observed.append(corrected.observed)
    error = float(np.std(values)) / math.sqrt(runs)
    return held / runs, float(np.mean(values)), error, float(np.mean(observed))


def test_the_correction_gives_back_the_mean_of_growing_campaigns():
    held, mean, error, observed = coverage_of_correction(r=0.8, k=0.5, seeds=400, runs=300, seed=11)
    assert mean == pytest.approx(0.8, abs=4 * error + 0.01)
    assert observed < 0.5
    assert held == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 300))


@pytest.mark.slow
def test_the_coverage_of_the_correction_printed(capsys):
    for r, k, seeds in ((0.8, math.inf, 400), (0.8, 0.5, 400), (0.5, 0.2, 100), (0.5, 0.2, 1_000), (1.3, 0.1, 2_000)):
        held, mean, error, observed = coverage_of_correction(r=r, k=min(k, 1e9), seeds=seeds, runs=2_000, seed=12)
        with capsys.disabled():
            print(
                f"\nR {r}, k {k}, {seeds:,} seeds: so far {observed:.3f}, corrected {mean:.3f} (error {error:.3f}), "
                f"95 % intervals hold R {held:.3f} of the time"
            )
        assert held > 0.88


# What is refused


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"incidence": [1, -1]},
            "A day of incidence is negative or missing. Give one number of 0 or more a day, 0 for none.",
        ),
        (
            {"imported": [0, math.nan, 0]},
            "A day of imported is negative or missing. Give one number of 0 or more a day, 0 for none.",
        ),
        ({"imported": [0, 0]}, "2 days of imported for 3 of incidence. Give one of each a day."),
        (
            {"imported": [0, 5, 0]},
            "A day has more imported than signatures. Give all of the day's in incidence, imported among them.",
        ),
        (
            {"interval": [0, 0.4]},
            "The interval is no distribution: its chances must be 0 or more and sum to 1. Give more days of it.",
        ),
        (
            {"interval": [0.2, 0.8]},
            "The interval has signatures on the day of the one that brought them. Take shorter steps of time.",
        ),
    ],
)
def test_what_is_no_series_is_refused(changes, sentence):
    series = {"incidence": [1, 2, 3], "interval": SERIAL} | changes
    with pytest.raises(DataError) as refused:
        reproduction_number(series.pop("incidence"), **series)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([1, 2], [1]), "2 counts, 1 seen and 2 signers. Give one of each a row."),
        (([1, -2], [1, 1]), "A count is negative or missing. Give how many each signer brought, 0 for none."),
        (([1], [1.2]), "A share seen is outside 0 to 1. Give the share of a signer's referrals that come this soon."),
        (
            ([1], [math.nan]),
            "A share seen is outside 0 to 1. Give the share of a signer's referrals that come this soon.",
        ),
        (([], []), "There are no signers, so there is no mean. Give the counts of 1 signer or more."),
    ],
)
def test_what_are_no_signers_is_refused(arguments, sentence):
    with pytest.raises(DataError) as refused:
        corrected_mean(*arguments)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        (
            lambda: discretised_interval(1, 1, shift=1, days=5),
            "mean=1 is not above shift=1. Give a shift of 0 or more and a longer mean.",
        ),
        (
            lambda: discretised_interval(2, 0, shift=1, days=5),
            "sd=0 is no standard deviation. Give a number above 0, in days.",
        ),
        (
            lambda: discretised_interval(2, 1, shift=1, days=0),
            "days=0 is no number of days. Give 1, 2, 3 or more.",
        ),
        (
            lambda: reproduction_number([1, 2], interval=SERIAL, window=0),
            "window=0 is no number of days. Give 1, 2, 3 or more.",
        ),
        (
            lambda: reproduction_number([1, 2], interval=SERIAL, prior_scale=0),
            "prior_shape=1 and prior_scale=0 are no gamma prior. Give two numbers above 0.",
        ),
        (
            lambda: reproduction_number([1, 2], interval=SERIAL, dispersion=0),
            "dispersion=0 is no dispersion. Give a number above 0, math.inf where signers are alike.",
        ),
        (
            lambda: reproduction_number([1, 2], interval=SERIAL).quantile(50),
            "share=50 is no probability. Write share=0.5 for the median.",
        ),
        (
            lambda: reproduction_number([1, 2], interval=SERIAL).interval(95),
            "level=95 is no share between 0 and 1. Write level=0.95 for 95 %.",
        ),
        (
            lambda: corrected_mean([1], [1], level=95),
            "level=95 is no share between 0 and 1. Write level=0.95 for 95 %.",
        ),
    ],
)
def test_what_is_no_option_is_refused(question, sentence):
    with pytest.raises(DefinitionError) as refused:
        question()
    assert str(refused.value) == sentence
