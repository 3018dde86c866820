"""Markdown of a notebook as pieces of a page: headings apart, everything else as HTML that asks nothing of any host."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_BEFORE_SIGN = re.compile(r"(?<=\d) (?=%)|(?<=«) | (?=[»:;?!]( |$))")
LEADS_SOMEWHERE = ("http://", "https://", "mailto:")


class Heading(NamedTuple):
    """A heading of the notebook, as plain text; level 1 is the title's."""

    level: int
    text: str


class Prose(NamedTuple):
    """What stands between two headings, as HTML."""

    html: str


def read(source: str, name: str) -> Iterator[Heading | Prose]:
    """Yield the headings of a Markdown text and the prose between them; `name` tells its tables from others'.

    HTML in it is shown as written. Pictures give way to their description, and links that lead into the folder of the
    notebook to their words: a page that was sent has no such folder.
    """
    tokens = _reader().parse(source)
    prose: list[Token] = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if token.type == "heading_open" and token.level == 0:
            if prose:
                yield _written(prose, name)
                prose = []
            yield Heading(int(token.tag[1:]), _plain(tokens[place + 1].children or ()))
            place += 3
            continue
        prose.append(token)
        place += 1
    if prose:
        yield _written(prose, name)


def _written(tokens: Sequence[Token], name: str) -> Prose:
    kept = [_without_what_leads_nowhere(token) for token in tokens]
    html = str(_reader().renderer.render(kept, _reader().options, {"name": name, "tables": 0}))
    return Prose(html)


def _plain(tokens: Sequence[Token]) -> str:
    """Return inline text without its marks."""
    return "".join(" " if token.type == "softbreak" else token.content for token in tokens).strip()


def _without_what_leads_nowhere(token: Token) -> Token:
    """Return the token, of its inline ones only the links that lead out of the page, and pictures as their words."""
    if token.children is None:
        return token
    kept: list[Token] = []
    closes: list[bool] = []
    for child in token.children:
        if child.type == "link_open":
            closes.append(str(child.attrGet("href") or "").startswith(LEADS_SOMEWHERE))
            if closes[-1]:
                kept.append(child)
        elif child.type == "link_close":
            if closes.pop():
                kept.append(child)
        elif child.type in ("image", "text"):
            kept.append(
                child.copy(type="text", tag="", content=_BEFORE_SIGN.sub("\u00a0", child.content), children=None)
            )
        else:
            kept.append(child)
    return token.copy(children=kept)


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    reader.add_render_rule("table_open", _table_open)
    reader.add_render_rule("table_close", lambda *_: "</table>\n</div>\n")
    reader.add_render_rule("th_open", lambda *_: '<th scope="col">')
    reader.add_render_rule("heading_open", lambda *_: "<p><strong>")
    reader.add_render_rule("heading_close", lambda *_: "</strong></p>\n")
    for kind in ("fence", "code_block"):
        reader.add_render_rule(kind, _code)
    return reader


def _table_open(*given: Any) -> str:
    env = given[-1]
    env["tables"] += 1
    label = escape(f"{env['name']} {env['tables']}")
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{label}">\n<table>\n'


def _code(_: Any, tokens: Sequence[Token], place: int, *__: Any) -> str:
    return f'<pre class="columns" tabindex="0"><code>{escape(tokens[place].content)}</code></pre>\n'
