"""Attribution: given rows to numbers worked out by hand, a recount in plain Python, trees, the sample."""

import json
import math
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

import funnel
from funnel import ColumnError, DataError, DefinitionError, Step
from funnel.attribution import Attribution
from funnel.credited import Counted, flow_of
from funnel.stats import wilson
from funnel.stats.credit import MODELS, markov_removal
from funnel.stats.paths import Paths
from tests.tables import tables_left

CASES = Counter()
BEGIN = datetime(2018, 1, 14, tzinfo=UTC)
SAMPLE = Path(__file__).parents[1] / "data" / "sample"
TREES = ["visitor_id", "event", "at", "channel", "referred_by"]


def connected(rows, columns=TREES[:4], **options):
    """Return events given as rows, `at` in days from the beginning."""
    frame = pd.DataFrame(rows, columns=columns)
    frame["occurred_at"] = [BEGIN + timedelta(days=days) for days in frame.pop("at")]
    for name in set(columns) & {"channel", "referred_by"}:
        frame[name] = frame[name].astype("string")
    return funnel.connect(frame, **options)


def credit_of(result, model, column="credited"):
    """Return the credit of each channel by a model, None for conversions without a touch."""
    rows = result.frame[result.frame["model"] == model]
    return dict(zip(rows.iloc[:, 0], rows[column], strict=True))


# By hand: four signed, one of them without a visit before; one visited and did not sign

ROWS = [
    ("ann", "visit", 0, "radio"),
    ("ann", "visit", 7, "friend"),
    ("ann", "visit", 14, "direct"),
    ("ann", "sign", 14, None),
    ("ann", "visit", 15, "press"),
    ("ann", "sign", 16, None),
    ("bob", "visit", 3, "friend"),
    ("bob", "sign", 3, None),
    ("cat", "visit", 0, "radio"),
    ("cat", "visit", 1, None),
    ("cat", "sign", 2, None),
    ("dan", "sign", 5, None),
    ("dan", "visit", 6, "radio"),
    ("eve", "visit", 4, "friend"),
    ("eve", "visit", 5, "press"),
]
BY_HAND = {
    "first": {"direct": 0, "friend": 1, "press": 0, "radio": 2, "not given": 0},
    "last": {"direct": 1, "friend": 1, "press": 0, "radio": 0, "not given": 1},
    "last_non_direct": {"direct": 0, "friend": 2, "press": 0, "radio": 0, "not given": 1},
    "linear": {"direct": 1 / 3, "friend": 4 / 3, "press": 0, "radio": 5 / 6, "not given": 1 / 2},
    "position": {"direct": 0.4, "friend": 1.2, "press": 0, "radio": 0.9, "not given": 0.5},
    # With 7 days to halve, ann's touches weigh 1/4, 1/2 and 1; cat's, with a day between, 2 ** (-1/7) and 1.
    "time_decay": {
        "direct": 4 / 7,
        "friend": 2 / 7 + 1,
        "press": 0,
        "radio": 1 / 7 + 2 ** (-1 / 7) / (1 + 2 ** (-1 / 7)),
        "not given": 1 / (1 + 2 ** (-1 / 7)),
    },
    # START: radio 1/2, friend 1/2. radio: friend 1/2, not given 1/2. friend: direct, CONVERTED and press 1/3 each.
    # direct and not given: CONVERTED; press: NULL. P = 1/2 * 1/2 + 3/4 * 2/3 = 3/4. Without radio 1/3, without friend
    # 1/4, without direct 1/2, without not given 1/2, without press 3/4: effects 5/9, 2/3, 1/3, 1/3, 0 sum to 17/9.
    "markov": {"direct": 9 / 17, "friend": 18 / 17, "press": 0, "radio": 15 / 17, "not given": 9 / 17},
    "shapley": {"direct": 1 / 3, "friend": 4 / 3, "press": 0, "radio": 5 / 6, "not given": 1 / 2},
}


@pytest.fixture(scope="module")
def by_hand():
    return Attribution().measure(connected(ROWS))


@pytest.mark.parametrize("model", MODELS)
def test_each_model_credits_what_its_rule_says(by_hand, model):
    assert credit_of(by_hand, model) == pytest.approx({**BY_HAND[model], None: 1}, abs=1e-12)


def test_rows_come_by_model_then_channel_and_last_the_conversions_without_a_touch(by_hand):
    channels = ["direct", "friend", "press", "radio", "not given", None]
    assert list(zip(by_hand.frame["model"], by_hand.frame["channel"], strict=True)) == [
        (model, channel) for model in MODELS for channel in channels
    ]
    assert list(by_hand.frame.columns) == [
        "channel",
        "model",
        "credited",
        "credited_low",
        "credited_high",
        "share",
        "downstream",
        "downstream_share",
    ]


def test_shares_are_of_all_conversions_and_without_trees_nothing_is_downstream(by_hand):
    assert list(by_hand.frame["share"]) == pytest.approx(list(by_hand.frame["credited"] / 4))
    assert by_hand.frame[["downstream", "downstream_share"]].isna().all(axis=None)


def test_the_column_of_channels_is_the_one_asked_for():
    events = connected(ROWS, columns=["visitor_id", "event", "at", "Medium"])
    result = Attribution(by="medium", models=["last"]).measure(events)
    assert result.frame.columns[0] == "Medium"
    assert credit_of(result, "last") == {**BY_HAND["last"], None: 1}


def test_models_come_in_their_own_order_whatever_was_asked_first():
    result = Attribution(models=("shapley", "first")).measure(connected(ROWS))
    assert list(dict.fromkeys(result.frame["model"])) == ["first", "shapley"]


def test_only_touches_within_the_lookback_count_its_ends_included():
    rows = [
        ("ann", "visit", 0, "old"),
        ("ann", "visit", 1, "edge"),
        ("ann", "sign", 3, None),
        ("bob", "visit", 0, "old"),
        ("bob", "sign", 2.5, None),
        ("cat", "visit", 0, "old"),
        ("cat", "visit", 3, "edge"),
    ]
    result = Attribution(lookback="2 days", models=["first", "markov"]).measure(connected(rows))
    assert credit_of(result, "first") == {"edge": 1, "old": 0, None: 1}
    assert credit_of(result, "markov") == {"edge": 1, "old": 0, None: 1}
    assert result.counted.paths.lengths.tolist() == [0, 1]  # cat's path is that of who did not sign: edge alone
    assert result.counted.paths.non_conversions.tolist() == [0, 1]


def test_touches_at_one_instant_are_in_order_of_their_channel():
    rows = [("ann", "visit", 0, "zeta"), ("ann", "visit", 0, None), ("ann", "visit", 0, "beta"), ("ann", "sign", 0, "")]
    result = Attribution(models=["first", "last"]).measure(connected(rows))
    assert credit_of(result, "first") == {"beta": 1, "zeta": 0, "not given": 0, None: 0}
    assert credit_of(result, "last") == {"beta": 0, "zeta": 0, "not given": 1, None: 0}


def test_steps_narrow_what_touches_and_what_converts():
    result = Attribution(
        to=Step("sign", where={"channel": None}), touch=Step("visit", where="channel <> 'radio'"), models=["first"]
    ).measure(connected(ROWS))
    assert credit_of(result, "first") == {"direct": 0, "friend": 2, "press": 0, None: 2}


def test_a_channel_of_numbers_is_named_by_them_and_what_is_no_number_is_not_given():
    rows = [("ann", "visit", 0, 2.0), ("ann", "visit", 1, math.nan), ("ann", "sign", 2, math.nan)]
    frame = pd.DataFrame(rows, columns=["visitor_id", "event", "at", "number"])
    frame["occurred_at"] = [BEGIN + timedelta(days=days) for days in frame.pop("at")]
    result = Attribution(by="number", models=["linear"]).measure(funnel.connect(frame))
    assert credit_of(result, "linear") == {"2.0": 0.5, "not given": 0.5, None: 0}


def test_touches_in_a_row_count_as_one_for_the_chain_only_where_asked():
    rows = [
        ("ann", "visit", 0, "a"),
        ("ann", "visit", 1, "a"),
        ("ann", "visit", 2, "b"),
        ("ann", "sign", 3, None),
        ("bob", "visit", 0, "b"),
        ("bob", "visit", 1, "a"),
        ("cat", "visit", 0, "a"),
        ("cat", "visit", 1, "b"),
    ]
    events = connected(rows)
    paths = [(("a", "a", "b"), 1, 0), (("b", "a"), 0, 1), (("a", "b"), 0, 1)]
    for self_loops in (True, False):
        found = Attribution(order=2, self_loops=self_loops, models=["markov"]).measure(events)
        expected = markov_removal(paths, order=2, self_loops=self_loops)
        assert credit_of(found, "markov") == pytest.approx({**expected, None: 0})


# Intervals


def test_intervals_are_those_of_visitors_drawn_again():
    channels = ["a"] * 60 + ["b"] * 30
    rows = [(f"v{n}", "visit", 0, channel) for n, channel in enumerate(channels)]
    rows += [(f"v{n}", "sign", 1, None) for n in range(90) if n % 3]  # 40 by a, 20 by b
    rows += [(f"w{n}", "sign", 1, None) for n in range(10)]
    result = Attribution().measure(connected(rows))
    last = result.frame[result.frame["channel"].isna()]
    assert set(zip(last["credited_low"], last["credited_high"], strict=True)) == {
        tuple(binom(100, 0.1).ppf([0.025, 0.975]))
    }
    for model in MODELS:  # of paths of one touch every model but the chain draws a binomial
        for channel, signed in (("a", 40), ("b", 20)):
            low, high = (credit_of(result, model, f"credited_{end}")[channel] for end in ("low", "high"))
            if model != "markov":
                assert (low, high) == pytest.approx(binom(100, signed / 100).ppf([0.025, 0.975]), abs=1.1)
            assert 0 <= low < signed < high


def test_the_same_question_has_the_same_intervals_in_whatever_order_rows_come(by_hand):
    again = Attribution().measure(connected(ROWS[::-1]))
    pd.testing.assert_frame_equal(again.frame, by_hand.frame)


def test_above_many_conversions_time_decay_is_without_interval_and_says_so(monkeypatch):
    monkeypatch.setattr("funnel.credited.measures.MOST_AGED", 3)
    result = Attribution().measure(connected(ROWS))
    assert credit_of(result, "time_decay") == pytest.approx({**BY_HAND["time_decay"], None: 1})
    rows = result.frame[result.frame["channel"].notna()]
    assert set(rows.loc[rows["credited_low"].isna(), "model"]) == {"time_decay"}
    assert "Time decay is without interval where more than 50,000 visitors converted." in result.notes


# A recount in plain Python


def recounted(rows, lookback):
    """Return the paths, a list of (channel, day) and whether they ended in a signature, by visitor."""
    visits, signed = defaultdict(list), {}
    for who, event, day, channel in rows:
        if event == "visit":
            visits[who].append((day, channel is None, channel or "not given"))
        elif event == "sign":
            signed[who] = min(day, signed.get(who, day))
    paths = {}
    for who in {*visits, *signed}:
        end = signed[who] if who in signed else max(visits[who])[0]
        chosen = [(name, day) for day, _, name in sorted(visits[who]) if end - lookback <= day <= end]
        paths[who] = (chosen, who in signed)
    return paths


def shared(model, touches):
    """Return what each touch of a converting path gets."""
    names, days = [name for name, _ in touches], [day for _, day in touches]
    many = len(touches)
    if model == "first":
        return [float(place == 0) for place in range(many)]
    if model in ("last", "last_non_direct"):
        others = [place for place in range(many) if names[place] != "direct"] if model != "last" else []
        chosen = others[-1] if others else many - 1
        return [float(place == chosen) for place in range(many)]
    if model == "linear":
        return [1 / many] * many
    if model == "position":
        return [1.0] if many == 1 else [0.5, 0.5] if many == 2 else [0.4, *[0.2 / (many - 2)] * (many - 2), 0.4]
    if model == "time_decay":
        weights = [0.5 ** ((max(days) - day) / 7) for day in days]
        return [weight / sum(weights) for weight in weights]
    return [(name not in names[:place]) / len(set(names)) for place, name in enumerate(names)]


happened = st.tuples(
    st.sampled_from("abcde"),
    st.sampled_from(["visit", "visit", "visit", "sign"]),
    st.integers(0, 12),
    st.sampled_from(["direct", "radio", "press", None]),
)


@settings(max_examples=40)
@given(rows=st.lists(happened, max_size=25), lookback=st.sampled_from([1, 4, 30]))
def test_random_events_are_credited_as_plain_python_credits_them(rows, lookback):
    CASES["attribution"] += 1
    rows = [("first", "visit", 0, "direct"), ("first", "sign", 1, None), *rows]
    paths = recounted(rows, lookback)
    conversions = sum(converted for _, converted in paths.values())
    result = Attribution(lookback=f"{lookback} days").measure(connected(rows))
    told = [(tuple(name for name, _ in path), int(converted), int(not converted)) for path, converted in paths.values()]
    for model in MODELS:
        expected = Counter(dict.fromkeys((name or "not given" for _, event, _, name in rows if event == "visit"), 0))
        expected[None] = sum(converted and not path for path, converted in paths.values())
        if model == "markov":
            expected.update(markov_removal(told))
        else:
            for path, converted in paths.values():
                for (name, _), part in zip(path, shared(model, path) if converted and path else (), strict=False):
                    expected[name] += part
        found = credit_of(result, model)
        assert found == pytest.approx(expected, abs=1e-9)
        assert math.fsum(found.values()) == pytest.approx(conversions, abs=1e-9)
        assert min(found.values()) >= 0


# Trees


FOREST = [
    ("ann", "visit", 0, "radio", None),
    ("ann", "sign", 1, None, None),
    ("bob", "visit", 2, "friend", "ann"),
    ("bob", "sign", 2, None, None),
    ("cat", "visit", 3, "friend", "bob"),
    ("cat", "visit", 4, "radio", None),
    ("cat", "sign", 4, None, None),
    ("dan", "visit", 0, "press", None),
    ("dan", "visit", 1, "radio", None),
    ("dan", "sign", 1, None, None),
    ("eve", "visit", 5, "friend", "zoe"),
    ("eve", "sign", 5, None, None),
    ("fay", "sign", 1, None, None),
    ("gus", "visit", 6, "friend", "fay"),
    ("gus", "sign", 6, None, None),
    ("hal", "visit", 7, "friend", "dan"),
]


def test_a_tree_is_credited_to_what_brought_its_root():
    # ann's tree has three signatures, dan's one, fay's (without a touch) two; eve is in no tree: zoe did not sign.
    events = connected(FOREST, TREES)
    before = tables_left(events)
    result = Attribution().measure(events)
    assert tables_left(events) == before
    assert credit_of(result, "first") == {"friend": 4, "press": 1, "radio": 1, None: 1}
    assert credit_of(result, "first", "downstream") == {"friend": 1, "press": 1, "radio": 3, None: 2}
    assert credit_of(result, "last", "downstream") == {"friend": 1, "press": 0, "radio": 4, None: 2}
    for model in ("linear", "position", "shapley"):
        assert credit_of(result, model, "downstream") == pytest.approx(
            {"friend": 1, "press": 0.5, "radio": 3.5, None: 2}
        )
    old = 2 ** (-1 / 7)
    assert credit_of(result, "time_decay", "downstream") == pytest.approx(
        {"friend": 1, "press": old / (1 + old), "radio": 3 + 1 / (1 + old), None: 2}
    )
    weighed = [(("radio",), 3, 0), (("press", "radio"), 1, 0), (("friend",), 1, 1), (("friend", "radio"), 0, 0)]
    assert credit_of(result, "markov", "downstream") == pytest.approx({**markov_removal(weighed), None: 2})
    for model in MODELS:
        assert sum(credit_of(result, model, "downstream_share").values()) == pytest.approx(1)


def test_visitors_and_channels_of_a_closed_list_are_credited_alike():
    plain = Attribution(models=["first", "linear"]).measure(connected(FOREST, TREES))
    frame = pd.DataFrame(FOREST, columns=TREES)
    frame["occurred_at"] = [BEGIN + timedelta(days=days) for days in frame.pop("at")]
    for name, last_first in (("visitor_id", True), ("channel", True), ("referred_by", False)):
        frame[name] = pd.Categorical(frame[name], sorted(frame[name].dropna().unique(), reverse=last_first))
    listed = Attribution(models=["first", "linear"]).measure(funnel.connect(frame))
    pd.testing.assert_frame_equal(listed.frame, plain.frame)


# The sample


def test_on_the_sample_every_model_sums_to_the_signers_and_first_and_last_are_what_sql_says():
    events = funnel.connect(SAMPLE)
    result = Attribution(lookback="3 days", models=["first", "last", "linear", "markov"]).measure(events)
    ends = {}
    for model, order in (("first", "asc"), ("last", "desc")):
        rows = events.sql(f"""
            with signed as (
                select visitor_id, min(occurred_at) as signed_at from events where event = 'sign' group by all
            ),
            chosen as (
                select visitor_id, channel
                from events join signed using (visitor_id)
                where event = 'visit' and occurred_at between signed_at - interval 72 hours and signed_at
                qualify row_number() over (partition by visitor_id order by occurred_at {order}, channel {order}) = 1
            )
            select chosen.channel, count(*) as signers
            from signed left join chosen using (visitor_id)
            group by all
        """)
        ends[model] = {None if pd.isna(name) else name: count for name, count in rows.itertuples(index=False)}
        found = {name: count for name, count in credit_of(result, model).items() if count}
        assert found == ends[model]
    signers = int(events.sql("select count(distinct visitor_id) as n from events where event = 'sign'")["n"][0])
    for column in ("credited", "downstream"):
        assert list(result.frame.groupby("model")[column].sum()) == pytest.approx([signers] * 4, abs=1e-9)
    assert (result.frame[["credited", "downstream"]] >= 0).all(axis=None)


def test_paths_are_read_as_tallied_as_they_would_be_once_more():
    paths = Attribution(models=["first"]).measure(funnel.connect(SAMPLE)).counted.paths
    again = replace(paths, is_tallied=False).tallied()
    assert paths.is_tallied
    for name in ("touches", "lengths", "conversions", "non_conversions"):
        assert getattr(paths, name).tolist() == getattr(again, name).tolist()


# Words


NOT_CAUSAL = (
    "None of these is causal: they share out what happened, and do not say what would have happened without a channel."
)


def test_notes_say_what_to_keep_in_mind(by_hand):
    assert by_hand.notes == (
        NOT_CAUSAL,
        "Touches count up to 30\N{NO-BREAK SPACE}days before the first conversion; of visitors who have not converted,"
        " up to as long before their last touch.",
        "1 conversion (25.0%) had no touch in that time; it is in the row without a channel.",
        "Nothing says who brought whom (no column referred_by or link_id), so credit for what signers brought is left"
        " out.",
        "The data is taken to be complete to January\N{NO-BREAK SPACE}30, 2018 at 12:00\N{NO-BREAK SPACE}a.m."
        "\N{NO-BREAK SPACE}UTC, its last event; no cutoff was given.",
    )
    other = Attribution(direct="nowhere").measure(connected(FOREST, TREES, cutoff=BEGIN + timedelta(days=9)))
    assert other.notes[3:] == (
        "No channel is called “nowhere”, so the last touch that is not direct is simply the last.",
        "Downstream counts each signature for the channels of whoever began its tree, and so again sums to all"
        " conversions.",
    )


def test_the_summary_says_who_gets_most_by_which_models_and_that_none_is_causal(by_hand):
    start = "Which channel is credited with the largest share of the 4 conversions depends on the model: "
    assert by_hand.summary().startswith(f"{start}radio (first")
    assert by_hand.summary().endswith(f". {NOT_CAUSAL}")
    events = connected(ROWS)
    agreed = Attribution(models=["last_non_direct", "linear"]).measure(events)
    assert agreed.summary() == (
        "By every model the largest share of the 4 conversions is credited to friends’ links: 33.3% to 50.0%, depending"
        f" on the model. {NOT_CAUSAL}"
    )
    alone = Attribution(models=["first"]).measure(events)
    assert alone.summary() == f"The largest share of the 4 conversions (50.0%) is credited to radio. {NOT_CAUSAL}"
    assert json.loads(alone.to_json())["summary"] == alone.summary()


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (
            [("ann", "sign", 0, None), ("bob", "visit", 0, "radio")],
            "The only conversion had no touch before it, so no channel is credited with it.",
        ),
        (
            [("ann", "sign", 0, None), ("bob", "sign", 0, None), ("bob", "visit", 1, "radio")],
            "None of the 2 conversions had a touch before it, so no channel is credited with any.",
        ),
    ],
)
def test_where_no_conversion_had_a_touch_no_channel_gets_any(rows, told):
    result = Attribution().measure(connected(rows))
    signed = sum(row[1] == "sign" for row in rows)
    assert all(credit_of(result, model) == {"radio": 0, None: signed} for model in MODELS)
    assert result.summary() == f"{told} {NOT_CAUSAL}"


def test_where_nobody_converted_every_credit_is_0_and_no_share_is_known():
    events = connected(ROWS).where("event = 'visit'")
    result = Attribution().measure(events)
    assert set(result.frame["credited"]) == {0}
    assert result.frame["share"].isna().all()
    assert result.summary() == f"Nobody converted, so there is nothing to credit. {NOT_CAUSAL}"


def test_where_nobody_touched_a_channel_only_the_row_without_one_is_left():
    result = Attribution().measure(connected(ROWS).where("event = 'sign'"))
    assert list(zip(result.frame["model"], result.frame["credited"], strict=True)) == [(each, 4) for each in MODELS]
    assert result.frame["channel"].isna().all()
    assert len(repr(result).splitlines()) > len(MODELS)


def test_an_attribution_shows_as_it_was_asked():
    assert repr(Attribution()) == "Attribution(to='sign', by='channel', lookback='30 days')"
    assert repr(Attribution(by="relay", order=2)) == "Attribution(to='sign', by='relay', lookback='30 days', order=2)"


# Which way they came


def flows(result):
    """Return (visitors, converted) of each flow by how many touches are left, the channel and the next."""
    columns = ("touches_left", "channel", "next", "visitors", "converted")
    rows = zip(*(result.frame[name] for name in columns), strict=True)
    return {(left, channel, following): tuple(counts) for left, channel, following, *counts in rows}


def many(path, converted, others=0):
    """Return rows of so many visitors who came by these channels, a day each, and signed, and others who did not."""
    name = "-".join(path)
    return [
        row
        for place in range(converted + others)
        for row in [
            *((f"{name} {place}", "visit", day, channel) for day, channel in enumerate(path)),
            *([(f"{name} {place}", "sign", 9, None)] if place < converted else []),
        ]
    ]


def test_paths_are_told_backwards_from_the_last_touch():
    rows = [
        *many(["radio"], 5, 20),
        *many(["radio", "friend"], 6),
        *many(["tv", "radio", "press", "friend"], 7, 1),
        *many([], 2),
    ]
    result = Attribution(models=["last"]).measure(connected(rows)).paths()
    assert flows(result) == {
        (1, "radio", None): (25, 5),
        (1, "friend", None): (14, 13),
        (2, "press", "friend"): (8, 7),
        (2, "radio", "friend"): (6, 6),
        (3, "radio", "press"): (8, 7),
        (0, None, None): (2, 2),
    }
    assert list(result.frame.columns) == [
        "channel",
        "next",
        "touches_left",
        "visitors",
        "converted",
        "rate",
        "rate_low",
        "rate_high",
    ]
    found = wilson(5, 25)
    assert list(result.frame.iloc[0, 5:]) == pytest.approx([found.value, found.low, found.high])
    assert result.title == "Which way visitors came, and who converted"
    assert result.notes == (
        "Rare channels, and flows of fewer than 5 visitors, are gathered as “other”.",
        "Of longer paths, the last 3 touches are told.",
    )
    assert result.plot().layout.title.text


def test_few_visitors_of_a_flow_are_gathered_with_others_or_their_earlier_touches_left_out():
    rows = [
        *many(["radio"], 0, 30),
        *many(["press"], 4),  # gathered with the next smallest, as there are no other few
        *many(["tv"], 0, 5),
        *many(["friend", "radio"], 3),  # together five: told as other before radio
        *many(["press", "radio"], 0, 2),
        *many(["email", "tv"], 1, 1),  # two only: as if their paths began at tv
    ]
    result = Attribution(models=["last"]).measure(connected(rows)).paths()
    assert flows(result) == {
        (1, "radio", None): (35, 3),
        (1, "other", None): (11, 5),
        (2, "other", "radio"): (5, 3),
    }


def test_most_says_how_many_channels_of_a_touch_are_told_apart():
    rows = [row for place in range(9) for row in many([f"channel {place}"], 0, 20 + place)]
    result = Attribution(models=["last"]).measure(connected([*rows, *many(["radio"], 1, 10)])).paths(most=2)
    assert flows(result) == {
        (1, "other", None): (sum(range(20, 27)) + 11, 1),
        (1, "channel 8", None): (28, 0),
        (1, "channel 7", None): (27, 0),
    }


def test_a_channel_that_is_called_other_is_one_with_those_gathered():
    rows = [*many(["other"], 5, 5), *many(["radio"], 1), *many(["tv"], 0, 8)]
    result = Attribution(models=["last"]).measure(connected(rows)).paths()
    assert flows(result) == {(1, "other", None): (11, 6), (1, "tv", None): (8, 0)}


tallies = st.lists(
    st.tuples(st.lists(st.sampled_from("abcdef"), max_size=5).map(tuple), st.integers(0, 4), st.integers(0, 9)),
    min_size=1,
    max_size=25,
    unique_by=lambda path: path[0],
)


def flowing(rows, most=12, times=1):
    """Return the flows of tallied paths; nobody without a touch has not converted."""
    paths = Paths.of([(path, times * some, times * others if path else 0) for path, some, others in rows])
    counted = Counted(None, paths.channels, paths, paths, None, None)
    return counted, flow_of(counted, "channel", most=most)


@settings(max_examples=60)
@given(rows=tallies, most=st.integers(1, 6))
def test_flows_sum_to_the_visitors_and_none_is_of_a_few(rows, most):
    counted, frame = flowing(rows, most)
    last = frame[frame["touches_left"] <= 1]
    assert (last["visitors"].sum(), last["converted"].sum()) == (counted.visitors, counted.conversions)
    touched = frame[frame["touches_left"] > 0]
    assert counted.visitors - counted.untouched < 5 or (touched["visitors"] >= 5).all()
    leaving, entering = Counter(), Counter()
    for row in touched.itertuples():
        leaving[row.touches_left, row.channel] += row.visitors
        entering[row.touches_left - 1, row.next] += row.visitors
    assert all(entering[left, channel] <= leaving[left, channel] for left, channel in entering if left)
    for _, told in touched.groupby("touches_left"):
        assert len(set(told["channel"]) - {"other"}) <= most


@settings(max_examples=40)
@given(rows=tallies)
def test_where_none_is_rare_flows_are_those_counted_one_by_one(rows):
    _, frame = flowing(rows, times=5)
    expected = Counter()
    for path, some, others in rows:
        for left, channel in enumerate(reversed(path[-3:]), start=1):
            expected[left, channel, path[len(path) - left + 1] if left > 1 else None] += 5 * (some + others)
    found = frame[frame["touches_left"] > 0]
    told = dict(
        zip(zip(found["touches_left"], found["channel"], found["next"], strict=True), found["visitors"], strict=True)
    )
    assert told == {flow: count for flow, count in expected.items() if count}


@pytest.mark.parametrize("most", [0, -1, 2.5, True, "3"])
def test_a_number_of_channels_that_is_none_is_refused(by_hand, most):
    with pytest.raises(DefinitionError) as caught:
        by_hand.paths(most=most)
    assert str(caught.value) == f"most={most!r} is no number of channels. Give 1 or more."


def test_credit_and_paths_of_the_sample_are_drawn():
    result = Attribution(models=["first", "shapley"]).measure(funnel.connect(SAMPLE, timezone="America/Toronto"))
    assert len(result.plot().data) == 4
    paths = result.paths()
    last = paths.frame[paths.frame["touches_left"] <= 1]
    assert last["converted"].sum() == result.counted.conversions
    assert paths.plot().data[0].type == "sankey"


# Questions that cannot be asked


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"lookback": "0 days"}, "lookback='0 days' is not longer than zero. Give for example '7 days'."),
        ({"half_life": "-1 day"}, "half_life='-1 day' is not longer than zero. Give for example '7 days'."),
        ({"order": 0}, "order=0 is no number of touches to remember. Write 1, 2, ..."),
        ({"direct": None}, "direct=None is no text. Write for example direct='direct'."),
        ({"by": ["channel"]}, "by=['channel'] is no text. Write for example by='channel'."),
        (
            {"models": ["Markof"]},
            "No model named 'Markof'. Did you mean 'markov'? Known: first, last, last_non_direct, linear, position,"
            " time_decay, markov, shapley.",
        ),
        (
            {"models": "markov"},
            "`models` takes a list of models; got 'markov'. Known: first, last, last_non_direct, linear, position,"
            " time_decay, markov, shapley.",
        ),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_when_it_is_made(options, said):
    with pytest.raises(DefinitionError) as caught:
        Attribution(**options)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"to": "sing"}, DataError, "No event is named 'sing'. Did you mean 'sign'? Known: visit (10), sign (5)."),
        ({"touch": "vist"}, DataError, "No event is named 'vist'. Did you mean 'visit'? Known: visit (10), sign (5)."),
        (
            {"by": "chanel"},
            ColumnError,
            "No column named 'chanel'. Did you mean 'channel'? Known: channel, event, occurred_at, visitor_id.",
        ),
        (
            {"by": "visitor_id"},
            DefinitionError,
            "A breakdown by 'visitor_id' would show persons one by one. Choose another column.",
        ),
        (
            {"to": Step("sign", where="channel = 'x'"), "touch": Step("visit", where="channel = 'x'")},
            DataError,
            "Nobody did 'sign' or 'visit' as asked, so there is nothing to credit."
            " Look at the conditions, and at how long the events run.",
        ),
    ],
)
def test_what_the_events_do_not_have_is_refused_and_nothing_is_left_behind(options, kind, said):
    events = connected(ROWS)
    before = tables_left(events)
    with pytest.raises(kind) as caught:
        Attribution(**options).measure(events)
    assert str(caught.value) == said
    assert tables_left(events) == before


def test_a_column_of_very_many_values_is_refused():
    rows = [(f"v{n}", "visit", 0, f"channel {n}") for n in range(201)]
    events = connected(rows)
    before = tables_left(events)
    with pytest.raises(DefinitionError) as caught:
        Attribution(to="visit").measure(events)
    assert tables_left(events) == before
    assert str(caught.value) == (
        "Column 'channel' has more than 200 values: too many to credit one by one."
        " Choose a column with fewer values, or narrow the events."
    )
    assert len(Attribution(to="visit", models=["first"]).measure(connected(rows[:200])).frame) == 201


def test_a_column_named_as_one_of_the_answer_is_refused():
    events = connected(ROWS, columns=["visitor_id", "event", "at", "model"])
    with pytest.raises(DefinitionError) as caught:
        Attribution(by="model").measure(events)
    assert str(caught.value) == (
        "Results have a column 'model' of their own. Give yours another name, with columns={'my_model': 'model'}."
    )


def test_only_events_are_measured():
    with pytest.raises(DefinitionError) as caught:
        Attribution().measure(duckdb)
    assert str(caught.value) == "Attribution is measured over events; got module. Give funnel.connect(source)."
