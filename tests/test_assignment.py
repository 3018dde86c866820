"""The variant of a visitor: as the docs print it, even over visitors, independent over experiments, always the same."""

import hashlib
import json
import math
import os
import re
import subprocess
import sys
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, chisquare, kstest

from funnel.assignment import assign, fraction_of, variant_at
from funnel.errors import DefinitionError

PAGE = (Path(__file__).parents[1] / "docs" / "assignment.md").read_text(encoding="utf-8")
IDS = range(100_000)
HALVES = {"thanks_only": 0.5, "share": 0.5}
EXAMPLE = "Give for example {'thanks_only': 0.5, 'share': 0.5}."

shares_of_any_size = st.lists(st.integers(0, 1_000), min_size=1, max_size=8).filter(any)
fractions = st.integers(0, 2**52 - 1).map(lambda digits: digits / 2**52)


def vectors():
    """Return the rows of the table in the docs: id, experiment, shares (a list of pairs), digits, fraction, variant."""
    rows = [re.findall(r"`([^`]+)`", line) for line in PAGE.splitlines() if line.startswith("| `")]
    return [(*map(json.loads, row[:3]), row[3], float(row[4]), row[5]) for row in rows]


def split(shares):
    """Return the named shares that these whole numbers are to each other."""
    return {f"v{place}": each / sum(shares) for place, each in enumerate(shares)}


def hmac_of_the_rfc(key, message):
    """RFC 2104, section 2, with SHA-256, whose blocks are 64 bytes."""
    key = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in key) + inner).hexdigest()


# What the docs print


@pytest.mark.parametrize(("visitor_id", "experiment", "shares", "digits", "fraction", "variant"), vectors())
def test_the_vectors_of_the_docs_are_what_the_function_gives(visitor_id, experiment, shares, digits, fraction, variant):
    assert hmac_of_the_rfc(experiment.encode(), str(visitor_id).encode())[:13] == digits
    assert Fraction(fraction) == Fraction(int(digits, 16), 16**13)
    assert fraction_of(visitor_id, experiment) == fraction
    assert assign(visitor_id, experiment, dict(shares)) == variant


def test_the_docs_have_vectors_of_every_kind():
    every = vectors()
    assert len(every) >= 20
    assert {type(each[0]) for each in every} == {int, str}
    assert any(not each[0].isascii() and not each[1].isascii() for each in every if isinstance(each[0], str))
    assert any(len(each[1].encode()) > 64 for each in every)
    assert any(share == 0 for each in every for _, share in each[2])
    assert len({each[5] for each in every}) >= 7


# Even, independent, always the same


@pytest.mark.parametrize("shares", [[1, 1], [1, 1, 1], [70, 10, 10, 10], [50, 0, 49, 1], [1] * 10], ids=str)
def test_variants_get_their_shares_of_a_hundred_thousand_visitors(shares):
    planned = split(shares)
    seen = [assign(visitor_id, f"split {shares}", planned) for visitor_id in IDS]
    counts = {variant: seen.count(variant) for variant in planned}
    assert sum(counts.values()) == len(IDS)
    assert all(counts[variant] == 0 for variant, share in planned.items() if share == 0)
    expected = {variant: share * len(IDS) for variant, share in planned.items() if share}
    assert chisquare([counts[variant] for variant in expected], list(expected.values())).pvalue > 0.001


@pytest.mark.parametrize("name", ["number", "uuid", "address"])
def test_fractions_are_uniform_whatever_ids_look_like(name):
    shaped = {"number": str, "uuid": lambda each: hashlib.md5(bytes([each % 256, each // 256])).hexdigest()}
    make = shaped.get(name, lambda each: f"signer-{each:07d}@petition.example")
    drawn = [fraction_of(make(each), "thanks_page") for each in range(20_000)]
    assert kstest(drawn, "uniform").pvalue > 0.001
    # Neighbours among the ids are no neighbours among the fractions.
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 4 / math.sqrt(len(drawn))


@pytest.mark.parametrize(("one", "other"), [("thanks_page", "thanks_page_2"), ("\u00e9t\u00e9", "e\u0301te\u0301")])
def test_two_experiments_are_independent(one, other):
    planned = split([40, 30, 20, 10])
    table = np.zeros((4, 4))
    for visitor_id in IDS:
        row, column = (int(assign(visitor_id, experiment, planned)[1:]) for experiment in (one, other))
        table[row, column] += 1
    assert chi2_contingency(table).pvalue > 0.001


def test_another_process_with_another_hash_seed_gives_the_same():
    visitors = [f"visitor-{each}" for each in range(200)]
    command = (
        f"from funnel.assignment import assign\nprint(*[assign(each, 'thanks_page', {HALVES}) for each in {visitors}])"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", command],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert answers == {" ".join(assign(each, "thanks_page", HALVES) for each in visitors) + "\n"}


@given(st.integers(-(2**70), 2**70))
def test_a_whole_number_and_its_digits_are_one_id(number):
    assert fraction_of(number, "thanks_page") == fraction_of(str(number), "thanks_page")


def test_whole_numbers_of_numpy_are_ids_too():
    assert fraction_of(np.int64(42), "thanks_page") == fraction_of(np.uint8(42), "thanks_page") == 0.6145890098384132


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_an_id_and_falls_from_0_to_1(visitor_id, experiment):
    digits = hmac_of_the_rfc(f"x{experiment}".encode(), visitor_id.encode())[:13]
    assert fraction_of(visitor_id, f"x{experiment}") == int(digits, 16) / 2**52 < 1


@pytest.mark.parametrize(("one", "other"), [("Ren\u00e9e", "Rene\u0301e"), ("a", "A"), ("a", " a"), ("7", "07")])
def test_texts_are_taken_as_they_are(one, other):
    assert fraction_of(one, "thanks_page") != fraction_of(other, "thanks_page")
    assert fraction_of("a", one) != fraction_of("a", other)


# Where bounds lie


@given(shares_of_any_size, fractions)
def test_the_variant_is_the_one_of_exact_arithmetic_away_from_the_bounds(shares, fraction):
    exact = [Fraction(sum(shares[:place]), sum(shares)) for place in range(len(shares) + 1)]
    holders = [place for place, (low, high) in enumerate(pairwise(exact)) if low <= fraction < high]
    if min(abs(Fraction(fraction) - bound) for bound in exact[1:-1] or [Fraction(2)]) > 1e-12:
        assert variant_at(fraction, split(shares)) == f"v{holders[0]}"


@given(shares_of_any_size)
def test_bounds_are_added_from_left_to_right_and_belong_to_the_variant_that_begins_there(shares):
    planned = split(shares)
    bound = 0.0
    held = [variant for variant, share in planned.items() if share]
    for variant, following in pairwise(held):
        bound += planned[variant]
        assert variant_at(bound, planned) == following
        assert variant_at(math.nextafter(bound, 0), planned) == variant


def test_the_last_variant_with_a_share_takes_what_rounding_leaves():
    # Seven sevenths, added one by one, are 0.9999999999999998: the largest fraction there is lies not below.
    shares = {f"v{place}": 1 / 7 for place in range(7)}
    *_, sum_of_all = accumulate(shares.values())
    largest = 1 - 2**-52
    assert sum_of_all <= largest
    assert variant_at(largest, shares) == "v6"
    assert variant_at(largest, shares | {"nobody": 0}) == "v6"


def test_the_bounds_of_a_better_sum_would_be_others():
    # Eight times 0.1, added one by one, is 0.7999999999999999 here and in JavaScript; `fsum`, and `sum` from Python
    # 3.12, make it 0.8.
    tenths = {f"v{place}": 0.1 for place in range(10)}
    *_, eight = accumulate([0.1] * 8)
    assert eight < math.fsum([0.1] * 8) == 0.8
    assert variant_at(eight, tenths) == "v8"


def test_a_single_variant_gets_everybody():
    assert {assign(each, "thanks_page", {"share": 1}) for each in range(100)} == {"share"}


def test_shares_may_be_whole_numbers_fractions_or_of_numpy_in_any_mapping():
    shares = {"a": np.float64(0.5), "b": Fraction(1, 2), "c": 0, "d": np.int64(0)}
    seen = {assign(each, "thanks_page", MappingProxyType(shares)) for each in range(100)}
    assert seen == {"a", "b"}


# Other shares, other names


def moved(before, after):
    seen = [(assign(each, "thanks_page", before), assign(each, "thanks_page", after)) for each in range(20_000)]
    return {pair: seen.count(pair) / len(seen) for pair in set(seen) if pair[0] != pair[1]}


def test_other_shares_move_only_who_lies_between_an_old_bound_and_the_new_one():
    before, after = {"a": 0.5, "b": 0.5}, {"a": 0.6, "b": 0.4}
    assert moved(before, after) == {("b", "a"): pytest.approx(0.1, abs=0.01)}
    for each in range(2_000):
        if assign(each, "thanks_page", before) != assign(each, "thanks_page", after):
            assert 0.5 <= fraction_of(each, "thanks_page") < 0.6


def test_those_outside_a_growing_test_are_written_between_its_arms():
    narrow = {"control": 0.05, "outside": 0.9, "share": 0.05}
    wide = {"control": 0.1, "outside": 0.8, "share": 0.1}
    assert moved(narrow, wide) == {
        ("outside", "control"): pytest.approx(0.05, abs=0.01),
        ("outside", "share"): pytest.approx(0.05, abs=0.01),
    }
    outside_last = ("control", "share", "outside")
    assert moved(*({name: shares[name] for name in outside_last} for shares in (narrow, wide))) == {
        ("share", "control"): pytest.approx(0.05, abs=0.01),
        ("outside", "share"): pytest.approx(0.1, abs=0.01),
    }


def test_another_name_draws_everybody_anew():
    stayed = [assign(each, "thanks_page", HALVES) == assign(each, "thanks_page_2", HALVES) for each in range(20_000)]
    assert np.mean(stayed) == pytest.approx(0.5, abs=0.015)


# What is refused


@pytest.mark.parametrize("visitor_id", [None, "", 5.0, float("nan"), True, b"visitor", ("visitor",)])
def test_what_is_no_id_is_refused(visitor_id):
    message = f"visitor_id={visitor_id!r} is no id. Give the text or the whole number that the visitor keeps."
    with pytest.raises(DefinitionError, match=f"^{re.escape(message)}$"):
        assign(visitor_id, "thanks_page", HALVES)


@pytest.mark.parametrize("experiment", [None, "", 5, b"thanks_page"])
def test_what_is_no_name_is_refused(experiment):
    message = f"experiment={experiment!r} is no name. Give a text, for example 'thanks_page'."
    with pytest.raises(DefinitionError, match=f"^{re.escape(message)}$"):
        assign("visitor", experiment, HALVES)


@pytest.mark.parametrize(
    ("visitor_id", "experiment", "message"),
    [
        ("a\ud800", "thanks_page", r"visitor_id='a\ud800' holds half a character (a lone surrogate)"),
        ("a", "\udfff", r"experiment='\udfff' holds half a character (a lone surrogate)"),
    ],
)
def test_half_a_character_is_refused(visitor_id, experiment, message):
    whole = f"{message}, which has no bytes in UTF-8. Give the whole text."
    with pytest.raises(DefinitionError, match=f"^{re.escape(whole)}$"):
        assign(visitor_id, experiment, HALVES)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({}, f"shares={{}} gives no variant a share. {EXAMPLE}"),
        (None, f"shares=None gives no variant a share. {EXAMPLE}"),
        ([0.5, 0.5], f"shares=[0.5, 0.5] gives no variant a share. {EXAMPLE}"),
        ({"": 1}, f"'' in `shares` is no name of a variant. {EXAMPLE}"),
        ({1: 0.5, 2: 0.5}, f"1 in `shares` is no name of a variant. {EXAMPLE}"),
        ({"a": -0.1, "b": 1.1}, "The share of variant 'a' is -0.1. Give a number from 0 to 1, as 0.5."),
        ({"a": 50, "b": 50}, "The share of variant 'a' is 50. Give a number from 0 to 1, as 0.5."),
        ({"a": math.nan, "b": 1}, "The share of variant 'a' is nan. Give a number from 0 to 1, as 0.5."),
        ({"a": math.inf}, "The share of variant 'a' is inf. Give a number from 0 to 1, as 0.5."),
        ({"a": "0.5", "b": 0.5}, "The share of variant 'a' is '0.5'. Give a number from 0 to 1, as 0.5."),
        ({"a": True}, "The share of variant 'a' is True. Give a number from 0 to 1, as 0.5."),
        ({"a": None, "b": 1}, "The share of variant 'a' is None. Give a number from 0 to 1, as 0.5."),
        ({"a": 0.5, "b": 0.4}, f"The shares sum to 0.9, not to 1. {EXAMPLE}"),
        ({"a": 0.5, "b": 0.6}, f"The shares sum to 1.1, not to 1. {EXAMPLE}"),
        ({"a": 0, "b": 0.0}, f"The shares sum to 0, not to 1. {EXAMPLE}"),
        ({"a": 0.333, "b": 0.333, "c": 0.333}, f"The shares sum to 0.999, not to 1. {EXAMPLE}"),
    ],
)
def test_what_are_no_shares_is_refused(shares, message):
    with pytest.raises(DefinitionError, match=f"^{re.escape(message)}$"):
        assign("visitor", "thanks_page", shares)
