"""Which variant of an experiment a visitor sees, by a keyed hash: the same anywhere, and stored nowhere.

A site, its servers and an analysis that know the visitor's id come to the same variant without asking each other.
docs/assignment.md has the same in JavaScript, with test vectors.
"""

import hmac
import itertools
import math
import operator
from collections.abc import Mapping
from numbers import Integral, Real

from funnel.errors import DefinitionError

# 13 hexadecimal digits: a number of JavaScript holds 53 bits exactly.
_DIGITS = 13
_FRACTIONS = 2.0 ** (4 * _DIGITS)
_ROUNDING = 1e-9
_EXAMPLE = "{'thanks_only': 0.5, 'share': 0.5}"


def assign(visitor_id: int | str, experiment: str, shares: Mapping[str, float]) -> str:
    """Return the variant of `experiment` that a visitor sees.

    `shares` gives each variant its share of visitors, from 0 to 1, together 1. Their order counts: the variants divide
    the fractions from 0 to 1 among them in the order given, and a visitor gets the one that `fraction_of` falls to. A
    variant with share 0 gets nobody. A whole number and its digits as text are the same id; texts are taken as they
    are, as UTF-8 without normalisation. Other shares move only the visitors between an old bound and the new one;
    another name of the experiment draws everybody anew, independently.

    Raises DefinitionError for an id or a name that is missing, or shares that are none.

    >>> assign(42, "thanks_page", {"thanks_only": 0.25, "share": 0.25, "partner": 0.25, "both": 0.25})
    'partner'
    """
    _check_shares(shares)
    return variant_at(fraction_of(visitor_id, experiment), shares)


def fraction_of(visitor_id: int | str, experiment: str) -> float:
    """Return where a visitor falls from 0 to 1 (never 1), evenly over visitors and independently over experiments.

    The first 13 hexadecimal digits of HMAC-SHA256, with the name of the experiment as key and the id as message, over
    16 ** 13. RFC 2104 and FIPS 180-4; agrees with WebCrypto's `crypto.subtle.sign`.

    >>> fraction_of("42", "thanks_page") == fraction_of(42, "thanks_page")
    True
    """
    if not (isinstance(experiment, str) and experiment):
        raise DefinitionError(f"experiment={experiment!r} is no name. Give a text, for example 'thanks_page'.")
    key, message = _encoded(experiment, "experiment"), _encoded(_text(visitor_id), "visitor_id")
    return int(hmac.digest(key, message, "sha256").hex()[:_DIGITS], 16) / _FRACTIONS


def variant_at(fraction: float, shares: Mapping[str, float]) -> str:
    """Return the variant that holds a fraction from 0 to 1: bounds belong to the variant that begins there.

    Bounds are added up from left to right, as JavaScript adds; Python's `sum` (from 3.12) and `math.fsum` round less
    and would differ in the last digit. What that rounding leaves below 1 goes to the last variant with a share.

    >>> [variant_at(each, {"a": 0.25, "b": 0, "c": 0.75}) for each in (0, 0.2499, 0.25, 0.9999)]
    ['a', 'a', 'c', 'c']
    """
    held = {variant: float(share) for variant, share in shares.items() if share > 0}
    bounds = itertools.accumulate(held.values())
    return next((variant for variant, bound in zip(held, bounds, strict=True) if fraction < bound), [*held][-1])


def _text(visitor_id: object) -> str:
    if isinstance(visitor_id, str) and visitor_id:
        return visitor_id
    if isinstance(visitor_id, Integral) and not isinstance(visitor_id, bool):
        return str(operator.index(visitor_id))
    # A number with decimals is refused too: 5.0 is "5.0" in Python and "5" in JavaScript.
    raise DefinitionError(
        f"visitor_id={visitor_id!r} is no id. Give the text or the whole number that the visitor keeps."
    )


def _encoded(text: str, argument: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        # JavaScript would hash another character in its place.
        raise DefinitionError(
            f"{argument}={text!r} holds half a character (a lone surrogate), which has no bytes in UTF-8."
            " Give the whole text."
        ) from None


def _check_shares(shares: object) -> None:
    if not (isinstance(shares, Mapping) and shares):
        raise DefinitionError(f"shares={shares!r} gives no variant a share. Give for example {_EXAMPLE}.")
    for variant, share in shares.items():
        if not (isinstance(variant, str) and variant):
            raise DefinitionError(f"{variant!r} in `shares` is no name of a variant. Give for example {_EXAMPLE}.")
        if not isinstance(share, Real) or isinstance(share, bool) or not 0 <= float(share) <= 1:
            raise DefinitionError(f"The share of variant '{variant}' is {share!r}. Give a number from 0 to 1, as 0.5.")
    total = math.fsum(shares.values())
    if abs(total - 1) > _ROUNDING:
        raise DefinitionError(f"The shares sum to {total:.10g}, not to 1. Give for example {_EXAMPLE}.")
