"""The JavaScript of docs/assignment.md, in Chromium, names the same variants as Python."""

import json
import math
import random
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

import pytest

from funnel.assignment import assign, fraction_of, variant_at
from tests.test_assignment import PAGE, split, vectors

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

ADDRESS = "https://petition.example/thanks"
SCRIPT = re.search(r"^```javascript\n(.+?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)[1]
ASSIGN = """(cases) => Promise.all(cases.map(async ([id, experiment, shares]) =>
  [await fractionOf(id, experiment), await assign(id, experiment, shares)]))"""
REFUSALS = """(cases) => Promise.all(cases.map(async (source) => {
  try { return await assign(...eval(`[${source}]`)); } catch (error) { return error.name; }
}))"""
ALPHABET = "abcXYZ0189-_@ .'\"\\éÉœßıİΩжשקדع日本語नमस्ते👍🏽🍁\u0301\u200d\ufeff\u0000\n"


@pytest.fixture(scope="module")
def page(chromium: "Browser") -> "Iterator[Page]":
    """The script in a page on https, without which there is no `crypto.subtle`; nothing leaves the browser."""
    context = chromium.new_context()
    opened = context.new_page()
    html = f"<!doctype html><meta charset='utf-8'><title>Thanks</title><script>\n{SCRIPT}</script>"
    opened.route("**/*", lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
    opened.goto(ADDRESS)
    yield opened
    context.close()


def random_cases(number: int) -> list[tuple[int | str, str, list[tuple[str, float]]]]:
    draw = random.Random(2018)
    cases = []
    for _ in range(number):
        text = "".join(draw.choices(ALPHABET, k=draw.randint(1, 40)))
        visitor_id = draw.choice([text, draw.randint(-(2**53) + 1, 2**53 - 1), draw.randint(0, 10_000)])
        experiment = "".join(draw.choices(ALPHABET, k=draw.randint(1, 90)))
        shares = split([draw.randint(0, 100) for _ in range(draw.randint(1, 7))] + [1])
        cases.append((visitor_id, experiment, list(shares.items())))
    return cases


def test_the_page_may_use_the_hash(page: "Page") -> None:
    assert page.evaluate("() => window.isSecureContext && typeof crypto.subtle === 'object'")


def test_every_vector_of_the_docs(page: "Page") -> None:
    answers = page.evaluate(ASSIGN, [[*each[:3]] for each in vectors()])
    assert answers == [[fraction, variant] for *_, fraction, variant in vectors()]


def test_five_hundred_random_visitors(page: "Page") -> None:
    cases = random_cases(500)
    # As JSON, read in the page: whole numbers arrive with every digit.
    answers = page.evaluate(f"(cases) => ({ASSIGN})(JSON.parse(cases))", json.dumps(cases))
    expected = [[fraction_of(each, name), assign(each, name, dict(shares))] for each, name, shares in cases]
    assert answers == expected
    assert len({fraction for fraction, _ in expected}) == len(cases)


def test_the_bounds_are_the_same_to_the_last_digit(page: "Page") -> None:
    cases = [(0.3, [("a", 0.1), ("b", 0.1), ("c", 0.1), ("d", 0.7)])]
    for _, _, shares in random_cases(100):
        for bound in accumulate(share for _, share in shares):
            cases += [(math.nextafter(bound, 0), shares), (bound, shares), (math.nextafter(bound, 2), shares)]
    answers = page.evaluate("(cases) => cases.map(([fraction, shares]) => variantAt(fraction, shares))", cases)
    assert answers == [variant_at(fraction, dict(shares)) for fraction, shares in cases]
    assert answers[0] == "c"
    assert len(cases) > 1_000


def test_numbers_past_the_safe_ones_are_given_whole(page: "Page") -> None:
    numbers = [2**53, 2**64 - 1, 10**30, -(2**60)]
    fractions = page.evaluate(
        "(numbers) => Promise.all(numbers.map((each) => fractionOf(BigInt(each), 'thanks_page')))", [*map(str, numbers)]
    )
    assert fractions == [fraction_of(each, "thanks_page") for each in numbers]


def test_the_same_is_refused(page: "Page") -> None:
    """What has no bytes, or other digits in another language, or is no share: never a variant."""
    halves = "[['a', 0.5], ['b', 0.5]]"
    ids = ["null", "undefined", "''", "5.5", "NaN", "true", "2 ** 53", "{}", "[]", "'a\\ud800'"]
    names = ["null", "''", "5", "'\\udfff'"]
    shares = [
        "undefined",
        "{ a: 0.5, b: 0.5 }",
        "[]",
        "[['a', 0.5], ['b', 0.4]]",
        "[['a', -0.1], ['b', 1.1]]",
        "[['a', NaN], ['b', 1]]",
        "[['', 1]]",
        "[['a', 0], ['b', 0]]",
        "[['a', '0.5'], ['b', 0.5]]",
    ]
    cases = [f"{each}, 'thanks_page', {halves}" for each in ids] + [f"'a', {each}, {halves}" for each in names]
    assert page.evaluate(REFUSALS, cases) == ["TypeError"] * len(cases)
    assert page.evaluate(REFUSALS, [f"'a', 'thanks_page', {each}" for each in shares]) == ["RangeError"] * len(shares)
    assert page.evaluate(REFUSALS, [f"'a', 'thanks_page', {halves}"]) == ["a"]


def test_the_script_asks_for_nothing_and_fits_a_page() -> None:
    assert not re.findall(r"\b(fetch|import|require|XMLHttpRequest|localStorage|document|window)\b", SCRIPT)
    assert max(map(len, SCRIPT.splitlines())) <= 130
