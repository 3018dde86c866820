"""Small counts stay hidden: brute force over all tables a reader cannot rule out, linear programs, the real frames."""

import itertools
import math
import random
import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from statsmodels.stats.proportion import proportion_confint

import funnel
from funnel import Experiment
from funnel.errors import DataError, DefinitionError
from funnel.language import language
from funnel.privacy import KINDS, intervals, kind_of, safe, safe_together, suppress, told

CASES = Counter()
TOTAL = "total"
BY_CHANNEL = [
    # channel, step, visitors, dropped, pending
    ("friend", "visit", 400, 0, 0),
    ("friend", "sign", 120, 280, 0),
    ("press", "visit", 300, 0, 0),
    ("press", "sign", 70, 230, 0),
    ("radio", "visit", 12, 0, 0),
    ("radio", "sign", 11, 1, 0),
]


def cross(rows):
    """Return a table with its margins as counts by (row, column), and the sums that hold."""
    height, width = len(rows), len(rows[0])
    counts = {(i, j): value for i, row in enumerate(rows) for j, value in enumerate(row)}
    counts |= {(i, TOTAL): sum(row) for i, row in enumerate(rows)}
    counts |= {(TOTAL, j): sum(row[j] for row in rows) for j in range(width)}
    counts[TOTAL, TOTAL] = sum(map(sum, rows))
    lines = [[(i, j) for j in range(width)] for i in (*range(height), TOTAL)]
    lines += [[(i, j) for i in range(height)] for j in (*range(width), TOTAL)]
    ends = [(i, TOTAL) for i in (*range(height), TOTAL)] + [(TOTAL, j) for j in (*range(width), TOTAL)]
    return counts, [dict.fromkeys(line, 1) | {end: -1} for line, end in zip(lines, ends, strict=True)]


def every_table(rows, hidden, more):
    """Return all tables a reader cannot rule out, by trying every value in every hidden inner cell.

    A reader knows that hidden counts are no zeros. Where no shown total limits a cell, values up to `more` above the
    true one are tried. The answer is an array a cell, by its name, a value a table.
    """
    counts, _ = cross(rows)
    inner = [cell for cell in counts if TOTAL not in cell]
    choices = [range(1, 1 + limit(counts, cell, hidden, more)) if cell in hidden else [counts[cell]] for cell in inner]
    assume(math.prod(map(len, choices)) < 500_000)
    grid = np.stack([each.ravel() for each in np.meshgrid(*choices, indexing="ij")])
    values = dict(zip(inner, grid, strict=True))
    for end in (cell for cell in counts if TOTAL in cell):
        lines = [cell for cell in inner if all(a in (TOTAL, b) for a, b in zip(end, cell, strict=True))]
        values[end] = sum(values[cell] for cell in lines)
    fits = np.ones(grid.shape[1], dtype=bool)
    for cell, value in counts.items():
        fits &= values[cell] >= 1 if cell in hidden else values[cell] == value
    return {cell: value[fits] for cell, value in values.items()}


def limit(counts, cell, hidden, more):
    ends = [(cell[0], TOTAL), (TOTAL, cell[1]), (TOTAL, TOTAL)]
    return min([counts[cell] + more, *(counts[end] for end in ends if end not in hidden)])


def furthest(counts, relations, hidden, unpublished=()):
    """Return the greatest value of each unknown count by linear programs written out here."""
    unknown = sorted((set(hidden) | set(unpublished)) & set(counts), key=repr)
    rows = [[relation.get(name, 0) for name in unknown] for relation in relations]
    right = [
        -sum(each * counts[name] for name, each in relation.items() if name not in unknown) for relation in relations
    ]
    limits = [(0 if name in unpublished else 1, None) for name in unknown]
    found = {}
    for place, name in enumerate(unknown):
        cost = [-float(place == each) for each in range(len(unknown))]
        solved = linprog(cost, A_eq=rows, b_eq=right, bounds=limits)
        found[name] = math.inf if solved.status == 3 else -solved.fun
    return found


# Tables of counts


def test_hiding_small_counts_alone_tells_them_and_ours_does_not():
    counts, relations = cross([[20, 4, 50], [30, 60, 3], [25, 35, 45]])
    small = {name for name, count in counts.items() if 0 < count < 10}
    assert intervals(counts, relations, small) == {(0, 1): (4, 4), (1, 2): (3, 3)}
    found = suppress(counts, relations)
    assert found.small == small
    assert found.covering == {(0, 2), (1, 1)}
    # By hand: 4 + t, 50 - t, 3 + t, 60 - t with each from 1 on, so t from -2 to 49.
    assert intervals(counts, relations, found.hidden) == {
        (0, 1): (2, 53),
        (0, 2): (1, 52),
        (1, 1): (11, 62),
        (1, 2): (1, 52),
    }


def test_two_small_counts_whose_sum_is_small_need_a_third():
    counts = {"a": 4, "b": 3, "c": 200, "d": 90, "all": 297}
    relations = [{"a": 1, "b": 1, "c": 1, "d": 1, "all": -1}]
    assert intervals(counts, relations, {"a", "b"}) == {"a": (1, 6), "b": (1, 6)}
    assert suppress(counts, relations).covering == {"d"}


def test_a_complement_nobody_shows_is_protected():
    counts = {"all": 12, "did": 11, "did not": 1}
    relations = [{"all": 1, "did": -1, "did not": -1}]
    assert suppress(counts, relations, unpublished=["did not"]).hidden == {"did"}


def test_zeros_are_shown_unless_told():
    counts, relations = cross([[0, 40], [30, 50]])
    assert suppress(counts, relations).hidden == set()
    found = suppress(counts, relations, hide_zeros=True)
    assert found.small == {(0, 0)}
    assert len(found.covering) == 3
    with_zero, sums = cross([[4, 0, 30], [20, 0, 60]])
    assert {cell for cell in suppress(with_zero, sums).hidden if not with_zero[cell]} == set()


def test_a_dear_count_is_hidden_last():
    counts, relations = {"a": 4, "b": 30, "all": 34}, [{"a": 1, "b": 1, "all": -1}]
    assert suppress(counts, relations, weights={"all": 100}).hidden == {"a", "b"}
    assert suppress(counts, relations, weights={"b": 100}).hidden == {"a", "all"}


@pytest.mark.parametrize("k", [4, 0, -10, 7.5, True, "10"])
def test_no_threshold_is_under_five(k):
    with pytest.raises(
        DefinitionError,
        match=re.escape(f"Counts of fewer than 5 are never published; got k={k!r}. Give a whole number from 5 on."),
    ):
        suppress({"a": 4}, k=k)


def test_counts_are_not_negative_and_relations_hold():
    with pytest.raises(DataError, match=re.escape("A count is 0 or more; 'a' is -1. Leave out what is not known.")):
        suppress({"a": -1})
    with pytest.raises(
        DataError, match=re.escape("A relation does not hold: {'a': 1, 'b': -1}. The counts in it must add up to 0.")
    ):
        suppress({"a": 20, "b": 21}, [{"a": 1, "b": -1}])


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.sampled_from([0, 1, 2, 4, 5, 7, 9]), min_size=3, max_size=3), min_size=2, max_size=2),
    st.booleans(),
)
def test_no_table_of_all_that_fit_gives_a_small_count_away(rows, is_turned):
    CASES["tables tried whole"] += 1
    rows = [list(row) for row in zip(*rows, strict=True)] if is_turned else rows
    counts, relations = cross(rows)
    found = suppress(counts, relations, k=5)
    assert found.small == {cell for cell, count in counts.items() if 0 < count < 5}
    tables = every_table(rows, found.hidden, 12)
    for cell in found.small:
        assert tables[cell].max() >= max(5, counts[cell] + 3)
        assert len(set(tables[cell])) > 1


@settings(max_examples=60)
@given(st.lists(st.lists(st.integers(0, 6), min_size=2, max_size=2), min_size=2, max_size=2), st.randoms())
def test_intervals_are_those_of_all_tables(rows, chance):
    CASES["intervals"] += 1
    counts, relations = cross(rows)
    free = [cell for cell, count in counts.items() if count]
    hidden = set(chance.sample(free, k=chance.randint(0, len(free))))
    tables = every_table(rows, hidden, 24)  # no finite interval reaches further: all are 24 at most
    for cell, (low, high) in intervals(counts, relations, hidden).items():
        assert low == tables[cell].min()
        assert high == tables[cell].max() if math.isfinite(high) else tables[cell].max() >= counts[cell] + 24


@settings(max_examples=5)
@given(st.lists(st.sampled_from([0, 1, 3, 8, 9, 12, 25, 60, 400]), min_size=27, max_size=27), st.randoms())
def test_three_linked_tables_hold_against_linear_programs_in_any_order(values, chance):
    CASES["linked tables"] += 1
    counts, relations = cube(values)
    found = suppress(counts, relations)
    most = furthest(counts, relations, found.hidden)
    assert found.small == {name for name, count in counts.items() if 0 < count < 10}
    assert all(most[name] > max(10, counts[name] + 5) - 1e-6 for name in found.small)
    names = list(counts)
    chance.shuffle(names)
    chance.shuffle(relations)
    assert suppress({name: counts[name] for name in names}, relations) == found


def cube(values):
    """Return a table of three columns of three values each, with all its margins."""
    inner = dict(zip(itertools.product("abc", repeat=3), values, strict=True))
    counts, relations = dict(inner), []
    for axes in itertools.chain.from_iterable(itertools.combinations(range(3), size) for size in (1, 2, 3)):
        for name in itertools.product("abc", repeat=3 - len(axes)):
            rest = iter(name)
            end = tuple(TOTAL if axis in axes else next(rest) for axis in range(3))
            members = [cell for cell in inner if all(a in (TOTAL, b) for a, b in zip(end, cell, strict=True))]
            counts[end] = sum(inner[cell] for cell in members)
            relations.append(dict.fromkeys(members, 1) | {end: -1})
    return counts, relations


def test_little_is_hidden_beside_the_least_that_will_do():
    chance, ours, least = random.Random(5), 0, 0
    for _ in range(5):
        rows = [[chance.choice([2, 4, 12, 30, 80]) for _ in range(3)] for _ in range(2)]
        counts, relations = cross(rows)
        found = suppress(counts, relations)
        others = sorted(set(counts) - found.small, key=repr)
        for size in range(len(found.covering) + 1):
            tried = (found.small | set(more) for more in itertools.combinations(others, size))
            if any(protects(counts, relations, hidden, found.small) for hidden in tried):
                break
        ours, least = ours + len(found.covering), least + size
    print(f"\ncovering counts: {ours} hidden, {least} would do")
    assert least <= ours <= 1.25 * least


def protects(counts, relations, hidden, small):
    found = intervals(counts, relations, hidden)
    return all(found[name][1] >= max(10, counts[name] + 5) for name in small)


# Frames


def funnel_frame(rows, by=("channel",)):
    """Return a frame of a funnel of two steps, as `FunnelResult.frame` has it, from its counts."""
    frame = pd.DataFrame(rows, columns=[*by, "step", "visitors", "dropped", "pending"])
    frame.insert(len(by) + 1, "after", [None if step == "visit" else "visit" for step in frame["step"]])
    before = frame["visitors"].shift().where(frame["after"].notna())
    over = before - frame["pending"]
    for name in ("step_rate", "overall_rate"):
        did = frame["visitors"].where(over > 0)
        low, high = proportion_confint(did, over.where(over > 0), method="wilson")
        frame[name], frame[f"{name}_low"], frame[f"{name}_high"] = did / over.where(over > 0), low, high
    frame["median_seconds"] = frame["p90_seconds"] = frame["visitors"].where(frame["after"].notna()) * 1.5
    return frame


def row_of(frame, **values):
    """Return the one row with these values."""
    fits = np.logical_and.reduce([frame[name] == value for name, value in values.items()])
    (row,) = frame[fits].to_dict("records")
    return row


def test_a_group_of_twelve_of_whom_eleven_signed_is_hidden():
    published = safe(funnel_frame(BY_CHANNEL))
    radio = row_of(published.frame, channel="radio", step="sign")
    assert all(
        math.isnan(radio[name]) for name in ("visitors", "dropped", "step_rate", "step_rate_low", "median_seconds")
    )
    press = row_of(published.frame, channel="press", step="sign")
    assert press["visitors"] == 70
    assert (published.small, published.k) == (1, 10)
    assert published.hidden == published.mask.to_numpy().sum()


def test_what_is_shown_is_unchanged():
    frame = funnel_frame(BY_CHANNEL)
    published = safe(frame)
    for name in ("channel", "step", "visitors", "dropped", "pending"):
        kept = ~published.mask[name]
        assert published.frame[name][kept].tolist() == frame[name][kept].tolist()
    assert frame["visitors"].tolist() == [400, 120, 300, 70, 12, 11]
    assert np.allclose(
        published.frame["step_rate"].dropna(), frame["step_rate"][published.frame["step_rate"].notna()], atol=5e-4
    )


def test_the_whole_funnel_beside_it_hides_one_more_group():
    whole = funnel_frame([("visit", 712, 0, 0), ("sign", 201, 511, 0)], by=())
    channel, total = safe_together([funnel_frame(BY_CHANNEL), whole])
    assert total.hidden == 0
    assert math.isnan(row_of(channel.frame, channel="radio", step="sign")["visitors"])
    assert channel.covering > safe(funnel_frame(BY_CHANNEL)).covering
    counts, relations, unseen = told_by([(("channel",), funnel_frame(BY_CHANNEL)), ((), whole)])
    hidden = hidden_in([(("channel",), channel), ((), total)])
    most = furthest(counts, relations, hidden, unseen)
    assert most["missed", "radio"] >= 10
    assert most["dropped", "radio", "sign"] >= 10


def told_by(tables):
    """Return counts, sums and what no column shows of funnels of two steps by no column or one, written out here."""
    counts, relations, unseen = {}, [], []
    for by, frame in tables:
        groups = [((), frame)] if not by else frame.groupby(list(by))
        for key, mine in groups:
            visit, sign = mine.to_dict("records")
            place = key or ("all",)
            for row in (visit, sign):
                for name in ("visitors", "dropped", "pending"):
                    counts[name, *place, row["step"]] = int(row[name])
            counts["missed", *place] = int(visit["visitors"] - sign["visitors"])
            unseen.append(("missed", *place))
            relations.append(
                {("visitors", *place, "visit"): 1, ("visitors", *place, "sign"): -1, ("missed", *place): -1}
            )
            relations.append({("missed", *place): 1, ("dropped", *place, "sign"): -1, ("pending", *place, "sign"): -1})
    for name, step in itertools.product(("visitors", "dropped", "pending"), ("visit", "sign")):
        for by, frame in tables:
            if by:
                groups = frame[by[0]].unique()
                relations.append({(name, group, step): 1 for group in groups} | {(name, "all", step): -1})
    return counts, relations, unseen


def hidden_in(tables):
    """Return the names of the counts that are hidden."""
    return {
        (column, *(tuple(row[name] for name in by) or ("all",)), row["step"])
        for by, published in tables
        for place, row in enumerate(published.frame.to_dict("records"))
        for column in ("visitors", "dropped", "pending")
        if published.mask[column].iloc[place]
    }


@settings(max_examples=15)
@given(st.data())
def test_no_group_of_random_funnels_on_one_page_can_be_worked_out(data):
    CASES["pages"] += 1
    tables, sizes = [], st.sampled_from([0, 1, 2, 6, 9, 11, 30, 250])
    cells = data.draw(st.lists(st.tuples(sizes, sizes, sizes), min_size=6, max_size=6))
    groups = list(itertools.product(("a", "b", "c"), ("phone", "tablet")))
    for by, side in ((("channel",), 0), (("device",), 1), ((), None)):
        sums = {}
        for group, cell in zip(groups, cells, strict=True):
            key = () if side is None else (group[side],)
            sums[key] = [a + b for a, b in zip(sums.get(key, [0, 0, 0]), cell, strict=True)]
        rows = [
            row
            for key, (did, lost, pending) in sums.items()
            for row in ((*key, "visit", did + lost + pending, 0, 0), (*key, "sign", did, lost, pending))
        ]
        tables.append((by, funnel_frame(rows, by=by)))
    published = list(zip((by for by, _ in tables), safe_together([frame for _, frame in tables]), strict=True))
    counts, relations, unseen = told_by(tables)
    hidden = hidden_in(published)
    most = furthest(counts, relations, hidden, unseen)
    small = {name for name, count in counts.items() if 0 < count < 10}
    assert small <= hidden | set(unseen)
    assert all(most[name] > max(10, counts[name] + 5) - 1e-6 for name in small)
    again = safe_together([each.frame for _, each in published])
    assert [each.hidden for each in again] == [0, 0, 0]
    turned = safe_together([frame for _, frame in tables][::-1])[::-1]
    for (_, one), other in zip(published, turned, strict=True):
        pd.testing.assert_frame_equal(one.frame, other.frame)


def test_a_quantile_has_ten_on_either_side():
    rows = [("visit", 500, 0, 0), ("sign", 60, 440, 0)]
    sign = row_of(safe(funnel_frame(rows, by=())).frame, step="sign")
    assert sign["median_seconds"] == 90
    assert math.isnan(sign["p90_seconds"])  # of 60, six are later
    assert row_of(safe(funnel_frame(rows, by=()), k=6).frame, step="sign")["p90_seconds"] == 90


def test_a_rate_over_few_whose_time_is_up_is_hidden_although_they_are_in_no_column():
    frame = funnel_frame([("visit", 500, 0, 0), ("sign", 60, 240, 200)], by=())
    low, high = proportion_confint(1, 21, method="wilson")  # one of 21
    frame.loc[1, ["step_rate", "step_rate_low", "step_rate_high"]] = 1 / 21, low, high
    sign = row_of(safe(frame).frame, step="sign")
    assert math.isnan(sign["step_rate"])
    assert sign["overall_rate"] == 0.2
    assert sign["visitors"] == 60


def test_the_ends_of_a_rate_do_not_tell_the_few_who_still_have_time():
    fine = funnel_frame([("visit", 200, 0, 0), ("sign", 20, 177, 3)], by=())
    exact = row_of(fine, step="sign")
    z = 1.959963984540054
    size = (
        z**2
        * exact["step_rate_low"]
        * (1 - exact["step_rate_low"])
        / (exact["step_rate"] - exact["step_rate_low"]) ** 2
    )
    assert round(size) == 197  # so three are pending
    sign = row_of(safe(fine).frame, step="sign")
    assert math.isnan(sign["pending"])
    assert sign["step_rate"] == 0.102
    fits = [
        n
        for n in range(20, 201)
        for did in range(21)
        if [round(float(each), 3) for each in (did / n, *proportion_confint(did, n, method="wilson"))]
        == [sign["step_rate"], sign["step_rate_low"], sign["step_rate_high"]]
    ]
    assert math.isnan(sign["step_rate_low"]) or 200 - min(fits) >= 10


def test_a_curve_is_told_only_where_ten_were_decided_since():
    times = np.arange(60.0)
    gone = np.array([0, 1, 1, 3, 4, 6, 2, 0, 0, 12, *[1] * 50])
    at_risk = 500 - np.concatenate([[0], np.cumsum(gone)[:-1]])
    frame = pd.DataFrame(
        {"outcome": "sign", "after": "visit", "elapsed_seconds": times, "rate": 1 - (at_risk - gone) / 500}
    )
    frame["rate_low"], frame["rate_high"], frame["at_risk"] = frame["rate"] * 0.9, frame["rate"] * 1.1, at_risk
    shown = safe(frame).frame.dropna()
    assert shown["elapsed_seconds"].iloc[0] == 0
    assert shown["elapsed_seconds"].iloc[-1] == 59
    assert len(shown) > 5
    assert (-shown["at_risk"].diff().dropna() >= 10).all()
    assert (shown["rate"].diff().dropna() * 500 > 10 - 1e-6).all()


def test_an_outcome_that_few_had_has_no_curve():
    frame = pd.DataFrame({"outcome": "share", "after": "sign", "elapsed_seconds": [0.0, 5.0], "rate": [0.0, 7 / 900]})
    frame["rate_low"], frame["rate_high"], frame["at_risk"] = 0.0, 0.1, [900, 893]
    assert safe(frame).frame["rate"].isna().all()


def test_days_on_which_few_more_signed_are_left_out_of_a_cohort():
    frame = pd.DataFrame(
        {
            "entered_on": "2018-01-14",
            "visitors": 1000,
            "age_days": [1, 2, 3, 7],
            "overall_rate": [0.2, 0.204, 0.25, 0.25],
        }
    )
    published = safe(frame)
    assert published.frame["overall_rate"].isna().sum() == 1  # 4 more on the second day: it, or one beside it
    assert published.derived == 1


def test_a_comparison_that_rests_on_few_is_hidden_though_they_are_in_no_column():
    frame = pd.DataFrame(
        {
            "column": "device",
            "group": ["phone", "tablet"],
            "variant": "share",
            "visitors": [900, 150],
            "control_visitors": [910, 160],
        }
    )
    for place, (did, control) in enumerate([(90, 60), (20, 4)]):
        p, p0 = did / frame.loc[place, "visitors"], control / frame.loc[place, "control_visitors"]
        low, high = proportion_confint(did, frame.loc[place, "visitors"], method="wilson")
        low0, high0 = proportion_confint(control, frame.loc[place, "control_visitors"], method="wilson")
        frame.loc[place, "difference"] = p - p0
        frame.loc[place, "difference_low"] = p - p0 - math.hypot(p - low, high0 - p0)
        frame.loc[place, "difference_high"] = p - p0 + math.hypot(high - p, p0 - low0)
    published = safe(frame).frame
    assert published["difference"].notna().tolist() == [True, False]
    assert published["visitors"].tolist() == [900, 150]


def test_a_frame_of_no_known_kind_hides_rows_of_few():
    frame = pd.DataFrame({"mention": ["radio", "press"], "visitors": [8, 300], "excess": [2.5, 120.25]})
    published = safe(frame)
    assert kind_of(frame) == "other"
    assert published.frame["excess"].isna().tolist() == [True, False]
    assert published.mask["visitors"].tolist() == [True, False]


def test_a_kind_that_is_none_is_refused():
    with pytest.raises(DefinitionError, match=re.escape(f"'funel' is no kind of frame. Known: {', '.join(KINDS)}.")):
        safe(pd.DataFrame({"visitors": [3]}), "funel")


def test_frames_that_disagree_on_a_count_each_keep_their_own():
    one = funnel_frame([("visit", 500, 0, 0), ("sign", 60, 440, 0)], by=())
    other = funnel_frame([("visit", 400, 0, 0), ("sign", 8, 392, 0)], by=())
    first, second = safe_together([one, other])
    assert first.frame["visitors"].tolist() == [500, 60]
    assert second.frame["visitors"].isna().tolist() == [False, True]


def test_the_page_says_what_is_hidden():
    words = language("en")
    published = safe(funnel_frame(BY_CHANNEL))
    assert (published.hidden, published.small, published.covering, published.derived) == (11, 1, 1, 9)
    assert told([published], words) == (
        "11 numbers are hidden here, so that nothing can be learned of a group of fewer than 10 people: 1 count of so"
        " few, 1 count that would reveal one of them and 9 numbers made of such counts."
    )
    nothing = safe(funnel_frame([("visit", 500, 0, 0), ("sign", 60, 440, 0)], by=()), k=5)
    assert told([nothing], words) == "No number here is of fewer than 5 people, so nothing is hidden."
    assert told([], words) == ""


# The frames of the sample


@pytest.fixture(scope="module")
def results():
    events = funnel.connect("data/sample")
    question = funnel.Funnel(
        ["visit", "sign"], follow_ups=["share", "partner_click"], window="7 days", follow_up_window="3 days"
    )
    journeys = question.journeys(events)
    whole, channel = journeys.measure(), journeys.measure(by="channel")
    referrals = funnel.Referrals(of="sign").measure(events)
    relays = funnel.Relays(of="sign", visited="visit").measure(events)
    credit = funnel.Attribution(to="sign", by="channel").measure(events)
    ladder = funnel.Ladder(["visit", "sign", "share", "partner_click"]).measure(events)
    test = Experiment(
        "thanks_page",
        control="thanks_only",
        window="3 days",
        exposure="thanks_shown",
        primary=funnel.Conversion("share"),
        secondary=[funnel.Conversion("partner_click")],
        guardrails=[funnel.Guardrail("unsubscribe", margin=0.005)],
        segments=["device"],
    ).measure(events)
    return {
        "funnel": whole.frame,
        "channel": channel.frame,
        "device": journeys.measure(by="device").frame,
        "both": journeys.measure(by=["channel", "device"]).frame,
        "follow_ups": whole.follow_ups,
        "follow_ups by channel": channel.follow_ups,
        **{name: getattr(whole, name)().frame for name in ("cohorts", "times", "curves", "sensitivity")},
        "experiment": test.frame,
        **{name: getattr(test, name)().frame for name in ("segments", "split", "posterior", "horizon", "looks")},
        "generations": referrals.frame,
        **{name: getattr(referrals, name)().frame for name in ("over_time", "cycle", "trees", "offspring")},
        "relays": relays.frame,
        "waves": relays.waves().frame,
        "first_day": relays.first_day().frame,
        "credit": credit.frame,
        "paths": credit.paths().frame,
        "ladder": ladder.frame,
        "transitions": ladder.transitions().frame,
        "value": ladder.value().frame,
    }


@pytest.fixture(scope="module")
def page(results):
    return dict(zip(results, safe_together(list(results.values())), strict=True))


def test_no_frame_of_the_sample_shows_a_count_of_few(page):
    people = (
        "visitors",
        "dropped",
        "pending",
        "signatures",
        "converted",
        "exposed",
        "total",
        "reached",
        "highest",
        "seeded",
    )
    shown = {
        (name, column): each.frame[column][(each.frame[column] > 0) & (each.frame[column] < 10)].tolist()
        for name, each in page.items()
        for column in people
        if column in each.frame
    }
    assert {where: few for where, few in shown.items() if few} == {}


def test_the_sample_s_whole_funnel_is_shown_whole(page, results):
    assert page["funnel"].hidden == 0
    assert page["funnel"].frame["visitors"].tolist() == results["funnel"]["visitors"].tolist()


def test_every_frame_of_the_sample_has_a_kind_and_keeps_its_shape(page, results):
    kinds = {name: kind_of(frame) for name, frame in results.items()}
    assert [name for name, kind in kinds.items() if kind == "other"] == ["offspring"]
    for name, each in page.items():
        assert each.frame.shape == each.mask.shape == results[name].shape
        assert each.frame.index.equals(results[name].index)
        assert (each.frame.isna() == (results[name].isna() | each.mask)).all(axis=None)
        assert each.hidden == each.mask.to_numpy().sum()


def test_nothing_more_is_hidden_of_a_page_made_safe(page):
    assert [each.hidden for each in safe_together([each.frame for each in page.values()])] == [0] * len(page)


def test_the_sample_s_funnels_hold_against_linear_programs(page, results):
    """Three funnels of one page, and their sums as this test knows them."""
    counts, relations, hidden, unseen = {}, [], set(), []
    for name, by in (("funnel", []), ("channel", ["channel"]), ("device", ["device"]), ("both", ["channel", "device"])):
        reached = {}
        for place, row in enumerate(results[name].to_dict("records")):
            group = tuple(str(row[column]) if column in by else TOTAL for column in ("channel", "device"))
            for column in ("visitors", "dropped", "pending"):
                counts[column, row["step"], group] = int(row[column])
                if page[name].mask[column].iloc[place]:
                    hidden.add((column, row["step"], group))
            reached[row["step"], group] = "visitors", row["step"], group
            if isinstance(row["after"], str):
                missed, before = ("missed", row["step"], group), reached[row["after"], group]
                counts[missed] = counts[before] - int(row["visitors"])
                unseen.append(missed)
                relations.append({before: 1, ("visitors", row["step"], group): -1, missed: -1})
                relations.append({missed: 1, ("dropped", row["step"], group): -1, ("pending", row["step"], group): -1})
    groups = {group for _, _, group in counts}
    for column, step in itertools.product(
        ("visitors", "dropped", "pending"), ("visit", "sign", "share", "partner_click")
    ):
        for end in groups:
            for axis in (0, 1):
                members = [
                    each for each in groups if end[axis] == TOTAL != each[axis] and each[1 - axis] == end[1 - axis]
                ]
                if members:
                    relations.append({(column, step, each): 1 for each in members} | {(column, step, end): -1})
    most = furthest(counts, relations, hidden, unseen)
    small = {name for name, count in counts.items() if 0 < count < 10}
    print(f"\n{len(counts)} counts, {len(small)} small, {len(hidden)} hidden")
    assert small
    assert all(most[name] > max(10, counts[name] + 5) - 1e-6 for name in small)
