"""A campaign as a file: YAML that is read without running anything, and written for people to read.

Of YAML only what says a thing in one way: text, numbers, true and false, lists, mappings. `no`, `on`, 2018-01-14 and
7:30 are text (as in YAML 1.2, and JSON), which is what variants and dates are here. Tags, anchors and aliases are
refused, and so is a key that is there twice.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from funnel.analysis.places import Place, Way
from funnel.errors import DefinitionError, SourceError, did_you_mean, listed

TAG = "tag:yaml.org,2002:"
# What text without quotes is, unless it is text.
PLAIN: tuple[tuple[str, re.Pattern[str], Callable[[str], object]], ...] = (
    ("null", re.compile(r"~|null|Null|NULL|"), lambda _: None),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE"), lambda text: text.lower() == "true"),
    ("int", re.compile(r"[-+]?(?:0|[1-9]\d{0,17})"), int),
    ("float", re.compile(r"[-+]?(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?\d+[eE][-+]?\d+"), float),
)
DEEPEST = 20
IN_QUOTES = "A value that begins with a quote ends with it: '\"sign up\" > share' has both kinds."
# What to do about what the parser says; {line} is where the part begins that it was reading.
HINTS = {
    "found character '\\t'": "Indent with spaces.",
    "cannot start any token": "A value that begins with this sign goes in quotes.",
    "mapping values are not allowed": "Each line is `key: value`, keys of one mapping begin in one column, and a value"
    " that holds a colon and a blank goes in quotes.",
    "could not find expected ':'": "Each line is `key: value`, with a blank after the colon.",
    "unexpected end of stream": "The quotes that open on line {line} do not close.",
    "expected ',' or": "The bracket that opens on line {line} does not close.",
    "<block end>": f"Keys of one mapping begin in one column. {IN_QUOTES}",
    "expected a comment or a line break": IN_QUOTES,
    "<document start>": IN_QUOTES,
}


def read(path: str | os.PathLike[str]) -> Place:
    """Return what a file says; a sentence about any part of it begins with the file's name and the line.

    Raises SourceError where there is no such file, DefinitionError for what is no YAML.
    """
    file = Path(path)
    reader = _Reader(file.name)
    said = reader.document(_text_of(file))
    if said is None:
        raise DefinitionError(f"{file.name} is empty. Write at least funnel: visit > sign.")
    return Place(said, (), reader.placed)


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DefinitionError(f"{file.name} is not in UTF-8. Save it in that encoding.") from None
    except IsADirectoryError:
        raise SourceError(f"'{file}' is a folder. Give the file in it, as '{file / 'campaign.yml'}'.") from None
    except OSError:
        if not file.parent.is_dir():
            raise SourceError(f"There is no folder '{file.parent}', so no file '{file.name}' in it.") from None
        near = sorted(each.name for each in file.parent.iterdir() if each.suffix in (".yml", ".yaml"))
        raise SourceError(
            f"There is no file '{file.name}' in '{file.parent}'. {did_you_mean(file.name, near)}"
            f"Its .yml files: {listed(near)}."
        ) from None


def as_in_file(sentence: str) -> str:
    """Return a sentence with the arguments of Python in it as one writes them in the file.

    >>> as_in_file("No language 'no'. Known: en, fr. Write language='en' or language='fr'.")
    "No language 'no'. Known: en, fr. Write `language: en` or `language: fr`."
    """
    if "ondition" in sentence:  # it shows SQL, where = is no argument
        return sentence
    return re.sub(r"\b([a-z_]+)=(?:'([^']*)'|(-?\d+(?:\.\d+)?\b|[{\[][^]}]*[]}]))", _argument, sentence)


def _argument(found: re.Match[str]) -> str:
    value = (found[2] or "''") if found[2] is not None else found[3].replace("'", "")
    return f"`{found[1]}: {value}`"


class _Reader:
    """Makes values of the events of YAML, and notes the line of each."""

    events: Iterator[Any]

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Way, int] = {}

    def placed(self, way: Way, sentence: str) -> str:
        """Return a sentence with the file and the line before it, and arguments as the file has them."""
        while way and way not in self.lines:
            way = way[:-1]
        line = f", line {self.lines[way]}" if way else ""
        return f"{self.name}{line}: {as_in_file(sentence)}"

    def document(self, text: str) -> object:
        """Return the value of the one document of a text; None where there is none."""
        try:
            self.events = yaml.parse(text, yaml.SafeLoader)
            next(self.events)  # the text begins
            if isinstance(next(self.events), yaml.StreamEndEvent):
                return None
            value = self.value(next(self.events), ())
            next(self.events)  # the document ends
            more = next(self.events)
        except yaml.MarkedYAMLError as error:
            raise self.no_yaml(error) from None
        except yaml.reader.ReaderError as error:
            line = text[: error.position].count("\n") + 1
            sign = f"U+{ord(text[error.position]):04X}"
            raise DefinitionError(
                f"{self.name}, line {line}: the character {sign} has no place in a text. Leave it out."
            ) from None
        if not isinstance(more, yaml.StreamEndEvent):
            raise self.refused(more, "a second document begins. A campaign is one; leave out the line ---.")
        return value

    def value(self, event: Any, way: Way) -> object:
        """Return the value that begins with an event."""
        self.check(event, way)
        self.lines.setdefault(way, event.start_mark.line + 1)
        if isinstance(event, yaml.SequenceStartEvent):
            values: list[object] = []
            while not isinstance(first := next(self.events), yaml.SequenceEndEvent):
                values.append(self.value(first, (*way, len(values))))
            return values
        if isinstance(event, yaml.MappingStartEvent):
            return self.pairs(way)
        if event.style is None:  # nothing in quotes is a number
            for _, pattern, meaning in PLAIN:
                if pattern.fullmatch(event.value):
                    return meaning(event.value)
        return self.text(event)

    def text(self, event: Any) -> str:
        """Return a text; a character that JSON escaped as two halves is one."""
        try:
            return str(event.value.encode("utf-16", "surrogatepass").decode("utf-16"))
        except UnicodeDecodeError:
            raise self.refused(event, "half a character (\\ud800 to \\udfff) stands alone. Write it whole.") from None

    def pairs(self, way: Way) -> dict[str, object]:
        pairs: dict[str, object] = {}
        while not isinstance(key := next(self.events), yaml.MappingEndEvent):
            self.check(key, way)
            if not isinstance(key, yaml.ScalarEvent):
                raise self.refused(key, "a key is a word; a list or a mapping is none.")
            name = self.text(key)
            if name in pairs:
                before = self.lines[*way, name]
                raise self.refused(key, f"'{name}' is there twice; the first is on line {before}. Keep one.")
            self.lines[*way, name] = key.start_mark.line + 1
            pairs[name] = self.value(next(self.events), (*way, name))
        return pairs

    def check(self, event: Any, way: Way) -> None:
        """Refuse what is more than text, lists and mappings."""
        if event.anchor is not None:
            if isinstance(event, yaml.AliasEvent):
                raise self.refused(event, f"'*{event.anchor}' stands for another part of the file. Write it out.")
            raise self.refused(event, f"'&{event.anchor}' gives a part of the file a name. Leave it out.")
        if event.tag is not None:
            tag = f"!!{event.tag.removeprefix(TAG)}" if event.tag.startswith(TAG) else event.tag
            raise self.refused(
                event, f"'{tag}' is a tag. A campaign holds text, numbers, lists and mappings only; leave it out."
            )
        if len(way) > DEEPEST:
            raise self.refused(event, f"more than {DEEPEST} lists and mappings are in each other.")

    def refused(self, event: Any, sentence: str) -> DefinitionError:
        return DefinitionError(f"{self.name}, line {event.start_mark.line + 1}: {sentence}")

    def no_yaml(self, error: Any) -> DefinitionError:
        mark = error.problem_mark or error.context_mark
        said = str(error.problem).splitlines()[0]
        begun = (error.context_mark or mark).line + 1
        hint = next((hint.format(line=begun) for part, hint in HINTS.items() if part in said), "")
        return DefinitionError(
            f"{self.name}, line {mark.line + 1}, column {mark.column + 1}: this is no YAML: {said}. {hint}".rstrip()
        )


def written(said: Mapping[str, object]) -> str:
    """Return a mapping as YAML, a blank line around each part that takes several.

    Text that YAML 1.1 would take for something else is in quotes: 'no', '7:30', '2018-01-14'.
    """
    parts = [
        yaml.serialize(_node({key: value}), Dumper=yaml.SafeDumper, allow_unicode=True, width=100)
        for key, value in said.items()
    ]
    text = ""
    for before, part in zip(["", *parts], parts, strict=False):
        is_long = part.count("\n") > 1 or before.count("\n") > 1
        text += ("\n" if text and is_long else "") + part
    return text


def _node(value: object) -> Any:
    if isinstance(value, Mapping):
        pairs = [(_node(key), _node(each)) for key, each in value.items()]
        return yaml.MappingNode(f"{TAG}map", pairs, flow_style=not pairs)
    if isinstance(value, list):
        is_short = not any(isinstance(each, (list, Mapping)) for each in value)
        return yaml.SequenceNode(f"{TAG}seq", [_node(each) for each in value], flow_style=is_short)
    if isinstance(value, str):
        return yaml.ScalarNode(f"{TAG}str", value, style=_quotes(value))
    kind = "bool" if isinstance(value, bool) else "int" if isinstance(value, int) else "float"
    text = repr(value)
    if kind == "float" and "." not in text:
        text = text.replace("e", ".0e")  # without a dot YAML 1.1 takes it for text
    return yaml.ScalarNode(f"{TAG}{kind}", text.lower())


def _quotes(text: str) -> str | None:
    """Return the quotes that text needs; None leaves it to the writer, which knows YAML 1.1."""
    if text and text.splitlines() != [text]:
        return '"'  # a line may end in signs that quotes of one stroke would lose
    return "'" if any(pattern.fullmatch(text) for _, pattern, _ in PLAIN) else None


def as_people_write(said: object, shares: Collection[str]) -> object:
    """Return what was said with a list of single pairs under one of these keys as one mapping, its shares in percent.

    >>> as_people_write({"guardrails": [{"unsubscribe": 0.005}]}, ["guardrails"])
    {'guardrails': {'unsubscribe': '0.5 %'}}
    """
    if isinstance(said, list):
        return [as_people_write(each, shares) for each in said]
    if not isinstance(said, dict):
        return said
    return {
        key: _joined(value) if key in shares and isinstance(value, list) else as_people_write(value, shares)
        for key, value in said.items()
    }


def _joined(pairs: list[dict[str, Any]]) -> object:
    names = [name for pair in pairs for name in pair]
    if not pairs or len(set(names)) < len(names) or any(len(pair) > 1 for pair in pairs):
        return pairs
    return {name: f"{(Decimal(str(share)) * 100).normalize():f} %" for pair in pairs for name, share in pair.items()}
