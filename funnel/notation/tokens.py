"""The parts a line is made of, and where each stands in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.tokens import TokenType

from funnel.errors import DefinitionError

# A word neither begins nor ends with what may join its parts, so that `visit->sign` is no event `visit-`.
# An accent may be a character of its own.
LETTERS = r"\w\u0300-\u036f$@#/"
WORD = re.compile(rf"[\w$@#/](?:[{LETTERS}.:-]*[{LETTERS}])?")
QUOTED = {'"': re.compile(r'"((?:[^"]|"")*)"'), "'": re.compile(r"'((?:[^']|'')*)'")}
MARKS = ">|()?,"


@dataclass(frozen=True)
class Token:
    """One part of a line: a "word", a "quoted" name, a "condition", the "end", or a mark, whose kind is itself.

    `text` is what it says, without quotes or brackets; `place` is the character it begins at, 0 the first.
    """

    kind: str
    text: str
    place: int

    @property
    def shown(self) -> str:
        """The part as a sentence shows it."""
        return {"end": "the end", "quoted": f'"{self.text}"', "condition": f"[{self.text}]"}.get(
            self.kind, f"'{self.text}'"
        )


def tokens(text: str) -> Iterator[Token]:
    """Yield the parts of a line, the end last; raise DefinitionError at a character that begins none."""
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        token, place = _next(text, place)
        yield token
    yield Token("end", "", len(text.rstrip()))


def _next(text: str, place: int) -> tuple[Token, int]:
    """Return the part that begins at a place, and the place after it."""
    sign = text[place]
    if sign in MARKS:
        return Token(sign, sign, place), place + 1
    if sign == "[":
        end = condition_end(text, place + 1)
        if end is None:
            raise refusal(text, place, "The condition that begins here does not end. Close its quotes and brackets.")
        return Token("condition", text[place + 1 : end], place), end + 1
    if sign in QUOTED:
        quoted = QUOTED[sign].match(text, place)
        if quoted is None:
            raise refusal(text, place, "The quotes that open here do not close.")
        return Token("quoted", quoted[1].replace(sign * 2, sign), place), quoted.end()
    word = WORD.match(text, place)
    if word is None:
        raise refusal(
            text,
            place,
            f"'{sign}' has no meaning here. Steps are separated by >, and a name with signs of its own goes in straight"
            ' quotes: "sign up!".',
        )
    return Token("word", word[0], place), word.end()


def condition_end(text: str, start: int) -> int | None:
    """Return where the bracket is that closes a condition, or None; one inside SQL quotes or brackets does not."""
    for bracket in re.finditer(r"\]", text[start:]):
        try:
            kinds = [token.token_type for token in sqlglot.tokenize(text[start : start + bracket.start()], "duckdb")]
        except SqlglotError:
            continue
        if kinds.count(TokenType.L_BRACKET) == kinds.count(TokenType.R_BRACKET):
            return start + bracket.start()
    return None


def refusal(text: str, place: int, sentence: str) -> DefinitionError:
    """Return the error that says a sentence about one place of a text, and shows the place with a caret under it.

    Columns count characters from 1. Of a text of several lines, the one that is wrong is shown and numbered.
    """
    begin = text.rfind("\n", 0, place) + 1
    line = text[begin:].split("\n", 1)[0].rstrip()
    column = f"column {place - begin + 1}"
    where = f"line {text.count(chr(10), 0, begin) + 1}, {column}" if "\n" in text.strip() else column
    blank = "".join(_blank(sign) for sign in text[begin:place])
    return DefinitionError(f"{where.capitalize()}: {sentence}\n    {line}\n    {blank}^")


def _blank(sign: str) -> str:
    """Return blanks as wide as a character is shown."""
    if sign == "\t":
        return sign
    if unicodedata.combining(sign):
        return ""
    return "  " if unicodedata.east_asian_width(sign) in "WF" else " "
