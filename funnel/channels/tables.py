"""The tables behind the channels: hosts, other names of sources, mediums and click ids, as the package brings them."""

import csv
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from funnel.errors import DefinitionError

# Hosts that bring nobody: one's own, and those one only passes through (payment, sign-in, short links).
OWN, PASSAGE = "own", "passage"
# In `hosts.csv` a last label `*` stands for these: com, a country, or a country after co or com.
ANY_COUNTRY = r"(?:com|(?:com?\.)?[a-z]{2})"
HOST = re.compile(r"[^\s/\\?#:@.*]+(?:\.[^\s/\\?#:@.*]+)*")

Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Tables:
    """What the statement needs. In each table the first column is the key, once.

    `ending`: the regular expression of an entry at the end of a host, the longest where several fit. `stems`: of an
    entry with any country, whose first group is all before the country. `hosts`: host, or folded name of a source;
    source, channel. `names`: the same for tags, with short names as well. `mediums`: folded tag; medium, channel, rule.
    `ads`: click id of advertisements; source, channel, medium. `clicks`: click id of sites that mark every link;
    source, channel.
    """

    ending: str
    stems: str
    hosts: Rows
    names: Rows
    mediums: Rows
    ads: Rows
    clicks: Rows


def tables(own_hosts: Collection[str], hosts: Mapping[str, str]) -> Tables:
    """Return the tables with the caller's hosts, which come before ours."""
    known = {host: (source, channel) for host, source, channel in _read("hosts")}
    for host, channel in hosts.items():
        if not isinstance(channel, str) or not channel.strip():
            raise DefinitionError(
                f"hosts= gives '{host}' the channel {channel!r}. Give a name, such as {{'{host}': 'press'}}."
            )
        spellings = _spellings(host, "hosts")
        known |= dict.fromkeys(spellings, (spellings[0], channel.strip()))
    if isinstance(own_hosts, str):
        raise DefinitionError(f"own_hosts={own_hosts!r} is one text. Give a list: [{own_hosts!r}].")
    for host in own_hosts:
        known |= dict.fromkeys(_spellings(host, "own_hosts"), ("", OWN))
    sources = {folded(source): (source, channel) for source, channel in reversed(known.values()) if source}
    entries = sources | known
    aliases = {alias: (source, channel or sources[source][1]) for alias, source, channel in _read("aliases")}
    wild = [host.removesuffix(".*") for host in known if host.endswith(".*")]
    clicks = _read("clicks")
    return Tables(
        ending=rf"(?:^|\.)(?:{'|'.join(_expression(host) for host in sorted(known))})$",
        stems=rf"^({'|'.join(map(re.escape, wild))})\.{ANY_COUNTRY}$",
        hosts=tuple((key, *row) for key, row in entries.items()),
        names=tuple((key, *row) for key, row in (aliases | entries).items()),
        mediums=_read("mediums"),
        ads=tuple(row for row in clicks if row[-1]),
        clicks=tuple(row[:-1] for row in clicks if not row[-1]),
    )


def folded(name: str) -> str:
    """Return the name as tags are compared: lower case, no accents, letters and digits only."""
    plain = unicodedata.normalize("NFKD", name.lower())
    return "".join(letter for letter in plain if letter.isalnum())


@cache
def _read(name: str) -> tuple[tuple[str, ...], ...]:
    """Return the rows of a table of the package, without its head."""
    text = (files("funnel.channels") / f"{name}.csv").read_text(encoding="utf-8")
    return tuple(tuple(row) for row in csv.reader(text.splitlines()[1:]))


def _spellings(host: object, argument: str) -> tuple[str, ...]:
    """Return a host in lower case, without www: as it was given, then in its other spelling where it has two (IDN)."""
    name = host.strip().lower().rstrip(".").removeprefix("www.") if isinstance(host, str) else ""
    if not HOST.fullmatch(name):
        raise DefinitionError(
            f"{argument}= has {host!r}, which is no host. Give the host alone, such as 'petition.example'."
        )
    try:
        sent = name.encode("idna").decode("ascii")
        return tuple(dict.fromkeys((name, sent, sent.encode("ascii").decode("idna"))))
    except UnicodeError:
        return (name,)


def _expression(host: str) -> str:
    stem = host.removesuffix(".*")
    return re.escape(stem) if stem == host else rf"{re.escape(stem)}\.{ANY_COUNTRY}"
