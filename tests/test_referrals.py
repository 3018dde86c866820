"""What is asked of referrals and how it is told: what is refused, edges, verdicts, French, JSON."""

import json
import math
import re
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

import funnel
from funnel import ColumnError, DataError, DefinitionError, Referrals, Step
from tests.tables import tables_left
from tests.test_forest import BEGIN, COLUMNS, connected

MINUTES_A_DAY = 1_440
ANSWERS = ("over_time", "offspring", "cycle", "trees")


def until(rows, minute, **options):
    """Return events given as rows that are complete to some minute."""
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame["occurred_at"] = [BEGIN + timedelta(minutes=each) for each in frame.pop("minute")]
    return funnel.connect(frame, cutoff=BEGIN + timedelta(minutes=minute), **options)


def seeds(count, minute=0):
    return [(f"root {place}", "sign", minute, None, " ") for place in range(count)]


def friends(count, of="root 0", minute=60):
    return [(f"{of}, {place}", "sign", minute, of, None) for place in range(count)]


def doubled(days):
    """Return rows where each signer brings two others a day later."""
    rows = [("0", "sign", 0, None, None)]
    for day in range(1, days + 1):
        rows += [
            (f"{who}{new}", "sign", day * MINUTES_A_DAY, who, None)
            for who, _, minute, _, _ in rows
            if minute == (day - 1) * MINUTES_A_DAY
            for new in "ab"
        ]
    return rows


def numbers_of(result):
    return {row[0]: tuple(row[1:]) for row in result.numbers.itertuples(index=False)}


def every_frame(result):
    return [result.frame, result.numbers, *(getattr(result, name)().frame for name in ANSWERS)]


# What is refused


def test_events_that_say_nothing_of_who_brought_whom_are_refused():
    events = connected([("ann", "sign", 0)], COLUMNS[:3])
    with pytest.raises(ColumnError) as caught:
        Referrals().measure(events)
    assert str(caught.value) == (
        "Nothing says who brought whom: no column named 'referred_by' or 'link_id'."
        " Known: event, occurred_at, visitor_id."
    )


@pytest.mark.parametrize("column", ["referred_by", "link_id"])
def test_either_column_will_do(column):
    rows = [("ann", "sign", 0, None), ("ann", "share", 1, None), ("bob", "sign", 2, "ann")]
    if column == "link_id":
        rows = [("ann", "sign", 0, None), ("ann", "share", 1, "A"), ("bob", "sign", 2, "A")]
    frame = pd.DataFrame(rows, columns=["visitor_id", "event", "minute", column])
    frame["occurred_at"] = [BEGIN + timedelta(minutes=minute) for minute in frame.pop("minute")]
    assert numbers_of(Referrals().measure(funnel.connect(frame)))["referred"][0] == 1


@pytest.mark.parametrize(
    "rows",
    [
        [("ann", "sign", 0, "nobody", None)],
        [("ann", "sign", 0, "bob", None), ("bob", "sign", 0, "ann", None)],
        [("ann", "sign", 0, "bob", None), ("bob", "sign", 1, "cat", None), ("cat", "sign", 2, "ann", None)],
    ],
)
def test_signers_of_whom_none_is_in_a_tree_are_refused(rows):
    events = connected(rows)
    with pytest.raises(DataError) as caught:
        Referrals().measure(events)
    assert str(caught.value) == (
        "Nobody who signed is in a tree: every signer names a referrer who did not sign before, or whose own referrer"
        " did not. Is referred_by the visitor whose link was used?"
    )
    assert not tables_left(events)


@pytest.mark.parametrize("window", ["36 hours", "30 minutes", timedelta(days=1, seconds=1)])
def test_a_window_that_is_no_number_of_days_is_refused(window):
    with pytest.raises(DefinitionError) as caught:
        Referrals(window=window)
    assert str(caught.value) == f"window={window!r} is no whole number of days. Give for example '3 days'."


@pytest.mark.parametrize("window", ["48 hours", "2 days", timedelta(days=2)])
def test_a_window_of_whole_days_may_be_written_in_any_unit(window):
    result = Referrals(window=window).measure(connected(seeds(1)))
    assert result.spread.window_days == 2


def test_what_is_no_events_is_refused():
    with pytest.raises(DefinitionError) as caught:
        Referrals().measure(pd.DataFrame())
    assert str(caught.value) == "Referrals are measured over events; got DataFrame. Give funnel.connect(source)."


def test_an_event_that_does_not_exist_is_refused():
    with pytest.raises(DataError) as caught:
        Referrals(of="sing").measure(connected(seeds(2)))
    assert str(caught.value) == "No event is named 'sing'. Did you mean 'sign'? Known: sign (2)."


def test_steps_say_who_signs_and_what_is_shared():
    rows = [("ann", "give", 0, None, None), ("ann", "post", 1, None, "A"), ("bob", "give", 2, None, "A")]
    numbers = numbers_of(Referrals(of=Step("give"), shared="post").measure(connected(rows)))
    assert (numbers["referred"][0], numbers["shares per signer"][0]) == (1, 0.5)


# Edges


def test_where_nobody_brought_anybody_the_k_factor_is_zero_with_an_upper_end():
    result = Referrals().measure(until(seeds(5), 30 * MINUTES_A_DAY))
    numbers = numbers_of(result)
    assert numbers["referred"][0] == numbers["k_factor"][0] == 0
    assert numbers["signatures still to come"] == pytest.approx((math.nan, 0, math.inf), nan_ok=True)
    # Garwood's upper end of a count of zero, and the likelihood's: Poisson's chance of zero is exp(-5 mean).
    assert numbers["k_factor"][1:] == pytest.approx((0, chi2.ppf(0.975, 2) / 2 / 5))
    assert numbers["k_factor so far"] == pytest.approx((0, 0, chi2.ppf(0.95, 1) / 2 / 5))
    assert numbers["dispersion"] == pytest.approx((math.nan, 0, math.inf), nan_ok=True)
    assert numbers["a seed dies out"][0] == numbers["signatures per seed in the end"][0] == 1
    for name in ("visitors per share", "signatures per visitor", "cycle seconds, median", "bring 80 %"):
        assert math.isnan(numbers[name][0])
    assert result.frame.drop(columns=["k_factor_high"]).to_numpy().tolist() == [[0, 5, 1, 0, 0, 0]]
    assert result.offspring().frame.to_numpy().tolist() == [[0, 5, 5]]
    assert result.over_time().frame["seeded"].tolist() == [5]
    assert result.over_time().frame["reproduction_number"].isna().all()
    assert result.cycle().frame["signatures"].sum() == 0
    assert result.trees().frame["signatures"].tolist() == [1] * 5
    assert re.match("All 5 signers .* nobody has brought anybody yet", result.summary())


@pytest.mark.parametrize("minute", [0, MINUTES_A_DAY])
def test_one_signer_is_answered_whether_or_not_any_time_has_passed(minute):
    result = Referrals().measure(until([("ann", "sign", 0, None, " "), ("bob", "visit", 0, "ann", None)], minute))
    numbers = numbers_of(result)
    assert (numbers["signatures"][0], numbers["seeded"][0], numbers["referred"][0]) == (1, 1, 0)
    assert result.trees().frame.iloc[0].tolist() == [1, 1, 1, 0, 0, 0]
    assert all(str(getattr(result, name)()) for name in ANSWERS)


def test_everyone_at_one_instant_brings_nobody():
    rows = [*seeds(3), ("ann", "sign", 0, "root 0", None)]
    result = Referrals().measure(connected(rows))
    numbers = numbers_of(result)
    assert (numbers["signatures"][0], numbers["referred"][0], numbers["in no tree"][0]) == (3, 0, 1)
    assert str(result)


def test_who_has_had_no_time_at_all_weighs_nothing():
    result = Referrals().measure(connected([*seeds(1), *friends(2)]))
    assert numbers_of(result)["k_factor"][0] == 2
    last = result.frame.iloc[-1]
    assert math.isnan(last["k_factor"])
    assert (last["k_factor_low"], last["k_factor_high"]) == (0, math.inf)
    assert str(result)
    assert json.loads(result.to_json())


def test_a_cycle_is_left_out_and_counted():
    around = 500
    rows = [(f"c{who}", "sign", 0, f"c{(who + 1) % around}", None) for who in range(around)]
    result = Referrals().measure(connected([*rows, *seeds(2)]))
    numbers = numbers_of(result)
    assert (numbers["signatures"][0], numbers["in no tree"][0]) == (2, around)
    assert any("500 signers are in no tree" in note for note in result.notes)


def test_a_signature_before_1970_or_across_summer_time_falls_on_its_own_day():
    for at, day in (("1969-12-31T23:30:00-05:00", "1969-12-31"), ("2018-03-11T23:30:00-04:00", "2018-03-11")):
        rows = {"visitor_id": ["ann"], "event": ["sign"], "occurred_at": [pd.Timestamp(at)], "referred_by": [" "]}
        events = funnel.connect(pd.DataFrame(rows), timezone="America/Toronto")
        assert [str(each) for each in Referrals().measure(events).over_time().frame["signed_on"]] == [day]


def test_days_without_signatures_stand_in_the_answer_over_time():
    rows = [*seeds(1), *friends(2), *friends(1, minute=3 * MINUTES_A_DAY + 1)]
    rows[-1] = ("late", *rows[-1][1:])
    frame = Referrals(window="1 day").measure(connected(rows)).over_time().frame
    assert frame["seeded"].tolist() == [1, 0, 0, 0]
    assert frame["referred"].tolist() == [2, 0, 0, 1]
    # Of the last day too: with hardly anybody there to bring it, it would tell the prior.
    assert frame["reproduction_number"].isna().all()


def test_only_as_many_trees_as_asked_for_are_told():
    result = Referrals().measure(connected(seeds(30)))
    assert len(result.trees().frame) == 10
    assert len(result.trees(most=3).frame) == 3
    assert len(result.trees(most=99).frame) == 30


@pytest.mark.parametrize("most", [0, -1, 2.5, "x", True])
def test_a_number_of_trees_that_is_none_is_refused(most):
    result = Referrals().measure(connected(seeds(3)))
    with pytest.raises(DefinitionError) as caught:
        result.trees(most=most)
    assert str(caught.value) == f"most={most!r} is no number of trees. Give 1 or more."


def test_asking_twice_gives_the_same_and_leaves_no_table():
    events = connected([*seeds(3), *friends(4)])
    first, second = (Referrals().measure(events).to_json() for _ in range(2))
    assert first == second
    assert not tables_left(events)


# Would it grow by itself


# Rows, the minute they are complete to, and the K-factor: how many were brought by how many who have had the time.
MADE = {
    # In each of nine days each signer brings two: 510 by the 255 who have had a day, none by the last 256.
    "grows": (doubled(8), 8 * MINUTES_A_DAY + 60, 510, 255),
    "unknown": ([*seeds(1), *friends(1), *friends(1, "root 0, 0", 120)], 130, 2, 2),
    "not": ([*seeds(100), *friends(10)], 30 * MINUTES_A_DAY, 10, 110),
}
SAID = {
    "grows": ("It would grow", "La pétition grandirait"),
    "unknown": ("cannot be told yet", "On ne peut pas encore dire"),
    "not": ("It would not grow", "La pétition ne grandirait pas"),
}


@pytest.mark.parametrize("verdict", SAID)
def test_the_interval_of_the_k_factor_says_whether_it_would_grow(verdict):
    rows, minute, brought, exposure = MADE[verdict]
    result = Referrals().measure(until(rows, minute))
    k_factor = numbers_of(result)["k_factor"]
    assert k_factor[0] == pytest.approx(brought / exposure)
    if verdict != "not":
        ends = chi2.ppf(0.025, 2 * brought) / 2 / exposure, chi2.ppf(0.975, 2 * brought + 2) / 2 / exposure
        assert k_factor[1:] == pytest.approx(ends)
    place = ["grows", "unknown", "not"].index(verdict)
    assert [k_factor[1] > 1, k_factor[1] <= 1 <= k_factor[2], k_factor[2] < 1].index(True) == place
    for code, said in zip(("en", "fr"), SAID[verdict], strict=True):
        assert said in result.summary(code)
        assert not any(each in result.summary(code) for pair in SAID.values() for each in pair if each not in said)


def test_what_grows_without_end_has_no_number_of_signatures_in_the_end():
    numbers = numbers_of(Referrals().measure(until(*MADE["grows"][:2])))
    assert numbers["signatures per seed in the end"] == (math.inf, math.inf, math.inf)
    assert numbers["signatures still to come"][0] == numbers["signatures still to come"][2] == math.inf
    # Each brings two but for chance: Poisson's chance to die out at 2 is 0.2032 (Lambert's W).
    assert numbers["a seed dies out"][0] < 1
    low, high = numbers["a seed dies out"][1:]
    assert low < numbers["a seed dies out"][0] < high


# How it is told


ENGLISH = {"the", "of", "by", "would", "grow", "each", "signer", "links", "about", "still", "and", "who", "whose", "to"}


@pytest.mark.parametrize("verdict", SAID)
def test_french_is_french_all_through(verdict):
    rows = MADE[verdict][0]
    # One by their own link, one by the links of two, one by the link of somebody who did not sign.
    more = [("ann", "sign", 0, "ann", None), ("bob", "sign", 0, "nobody", None)]
    two = [("cat", "visit", 1, rows[0][0], None), ("cat", "visit", 2, "ann", None), ("cat", "sign", 3, None, None)]
    events = connected([*rows, *more, *two])
    result = Referrals().measure(events, language="fr")
    told = [result, *(getattr(result, name)() for name in ANSWERS)]
    english = Referrals().measure(events)
    others = [english, *(getattr(english, name)() for name in ANSWERS)]
    for one, other in zip(told, others, strict=True):
        assert one.title != other.title
        assert len(one.notes) == len(other.notes)
        text = " ".join([one.title, *one.notes, str(one)])
        assert not ENGLISH & set(re.findall(r"[^\W\d]+", text.lower())), text
    assert result.summary() == english.summary("fr") != english.summary()
    assert not ENGLISH & set(re.findall(r"[^\W\d]+", result.summary().lower()))


def test_json_holds_the_rows_the_numbers_and_the_summary(tmp_path):
    result = Referrals().measure(until(*MADE["not"][:2]))
    written = json.loads(result.to_json(tmp_path / "referrals.json"))
    assert json.loads((tmp_path / "referrals.json").read_text(encoding="utf-8")) == written
    assert written["summary"] == result.summary()
    assert written["title"] == result.title
    assert written["notes"] == list(result.notes)
    assert [row["signatures"] for row in written["rows"]] == [100, 10]
    assert [row["measure"] for row in written["numbers"]] == result.numbers["measure"].tolist()
    for name in ANSWERS:
        answer = getattr(result, name)()
        assert len(json.loads(answer.to_json())["rows"]) == len(answer.frame)


def test_numbers_without_a_value_and_without_end_are_json_too():
    for rows, minute, _, _ in MADE.values():
        text = Referrals().measure(until(rows, minute)).to_json()
        assert not re.search(r"\b(NaN|Infinity)\b", text)


def test_no_answer_tells_who_anybody_is():
    rows = [*seeds(3), *friends(4), ("secret", "sign", 5, "root 1", "hidden"), ("secret", "share", 6, None, "mine")]
    result = Referrals().measure(connected(rows))
    people = {row[0] for row in rows} | {"hidden", "mine"}
    for frame in every_frame(result):
        assert not {"visitor_id", "parent", "root", "link_id", "referred_by"} & set(frame.columns)
        assert not people & {value for value in frame.to_numpy().ravel() if isinstance(value, str)}
    assert not any(who in result.to_json() for who in people)


def test_the_signatures_of_generations_and_trees_and_days_are_those_of_the_whole():
    result = Referrals().measure(connected([*seeds(7), *friends(4), *friends(2, "root 0, 1", 90)]))
    numbers = numbers_of(result)
    signatures, referred = numbers["signatures"][0], numbers["referred"][0]
    assert result.frame["signatures"].sum() == signatures == 13
    assert result.frame["referred"].sum() == referred == 6
    assert result.trees(most=99).frame["signatures"].sum() == signatures
    assert np.array(result.over_time().frame[["seeded", "referred"]]).sum() == signatures
    offspring = result.offspring().frame
    assert offspring["signers"].sum() == signatures
    assert (offspring["signers"] * offspring["brought"]).sum() == referred
    assert result.cycle().frame["signatures"].sum() == referred
    assert result.cycle().frame["share"].sum() == pytest.approx(1)


# Types


@pytest.mark.parametrize("kind", ["text", "categories", "numbers", "numbers with a point"])
def test_visitors_of_any_type_give_the_same_numbers(kind):
    rows = [
        *seeds(2),
        ("root 0", "share", 1, None, "A"),
        ("ann", "visit", 2, None, "A"),
        ("ann", "sign", 3, None, None),
    ]
    rows += [("root 0", "visit", 3, "ann", None), ("bob", "visit", 4, "ann", None), ("bob", "sign", 9, "ann", None)]
    expected = numbers_of(Referrals().measure(until([*rows, ("cat", "visit", 9, "bob", "A")], 60)))
    frame = pd.DataFrame([*rows, ("cat", "visit", 9, "bob", "A")], columns=COLUMNS)
    frame["occurred_at"] = [BEGIN + timedelta(minutes=minute) for minute in frame.pop("minute")]
    frame["referred_by"] = frame["referred_by"].where(frame["referred_by"].str.strip() != "", None)
    names = ["zoe", "cat", "bob", "ann", "root 1", "root 0"]
    for column in ("visitor_id", "referred_by"):
        if kind == "categories":
            frame[column] = pd.Categorical(frame[column], categories=names)
        elif kind != "text":
            frame[column] = frame[column].map({name: place for place, name in enumerate(names)})
    if kind == "numbers with a point":
        frame["visitor_id"] = frame["visitor_id"].astype(float)
    events = funnel.connect(frame, cutoff=BEGIN + timedelta(minutes=60))
    found = numbers_of(Referrals().measure(events))
    assert {name: pytest.approx(row, nan_ok=True) for name, row in expected.items()} == found


def test_rows_delivered_twice_count_once():
    rows = [("ann", "sign", 0, None, None), ("ann", "share", 1, None, "A"), ("bob", "sign", 2, None, "A")]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame["occurred_at"] = [BEGIN + timedelta(minutes=minute) for minute in frame.pop("minute")]
    frame["event_id"] = range(len(frame))
    events = funnel.connect(frame), funnel.connect(pd.concat([frame, frame]))
    once, twice = (numbers_of(Referrals().measure(each))["shares per signer"][0] for each in events)
    assert once == twice == 0.5
