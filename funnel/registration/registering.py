"""A registration: definitions and plans frozen before there is data, and the hash they are known by."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from funnel.analysis import Analysis
from funnel.errors import DefinitionError, SourceError
from funnel.language import language
from funnel.registration.plan import plan_of
from funnel.results import write
from funnel.wording import described

VERSION = 1
ENDING = ".registered.json"


@dataclass(frozen=True, eq=False)
class Registration:
    """What was registered: `definitions` in the shape of campaign.yml, and the `plan` of each experiment.

    `hash` is the SHA-256 of both as canonical JSON (RFC 8785 without its rules for numbers: sorted keys, no spaces).
    `in_words` says the same to people and is not in the hash.
    """

    definitions: Mapping[str, Any]
    plan: tuple[Mapping[str, Any], ...]
    in_words: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """The SHA-256 of what is registered, in 64 hexadecimal digits."""
        content = {"definitions": self.definitions, "plan": list(self.plan)}
        written = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(written.encode()).hexdigest()

    @classmethod
    def of(cls, analysis: Analysis) -> Self:
        """Return the registration of an analysis; it takes no data."""
        words = language(analysis.language)
        told = [analysis.title] if analysis.title else []
        told += [line.strip() for line in described(analysis.funnel, words).splitlines() if line.strip()]
        planned = [plan_of(each, words) for each in analysis.experiments or ()]
        told += [line for _, lines in planned for line in lines]
        return cls(analysis.counted(), tuple(plan for plan, _ in planned), tuple(told))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Return the registration that a file holds; refuse one that is no longer what was registered."""
        name = Path(path).name
        try:
            held = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError:
            raise SourceError(f"There is no registration '{name}'. Make one with `funnel preregister`.") from None
        except ValueError:
            held = None
        if not isinstance(held, dict) or not {"registration", "hash", "definitions", "plan"} <= set(held):
            raise SourceError(f"'{name}' is no registration. Give a file that `funnel preregister` wrote.")
        if held["registration"] != VERSION:
            raise SourceError(
                f"'{name}' is a registration of version {held['registration']}; this is version {VERSION}."
                " Read it with the version of the package that wrote it."
            )
        found = cls.held(held)
        if found.hash != held["hash"]:
            raise DefinitionError(
                f"The registration '{name}' was changed after it was made: its hash is {found.hash[:12]}…, and it says"
                f" {str(held['hash'])[:12]}…. Put back the file that was registered, or leave it out."
            )
        return found

    @classmethod
    def held(cls, held: Mapping[str, Any]) -> Self:
        """Return the registration that a mapping holds, as `as_dict()` gives it."""
        return cls(held["definitions"], tuple(held["plan"]), tuple(held.get("in_words", ())))

    def as_dict(self) -> dict[str, Any]:
        """Return the registration as text, numbers, lists and mappings."""
        return {
            "registration": VERSION,
            "hash": self.hash,
            "in_words": list(self.in_words),
            "definitions": self.definitions,
            "plan": list(self.plan),
        }

    def text(self) -> str:
        """Return the registration as a file holds it."""
        return json.dumps(self.as_dict(), ensure_ascii=False, indent=2) + "\n"


def preregister(campaign: str | os.PathLike[str], path: str | os.PathLike[str] | None = None) -> tuple[Path, bool]:
    """Write the registration of a campaign.yml, and return where it is and whether it is new.

    Beside the campaign unless a path is given. One that is there already and is the same stays as it is; another one is
    never written over.
    """
    found = Registration.of(Analysis.read(campaign))
    target = beside(campaign) if path is None else Path(path)
    if not target.exists():
        return write(target, found.text()), True
    before = Registration.read(target)
    if before.hash != found.hash:
        raise DefinitionError(
            f"'{target.name}' holds another registration ({before.hash[:12]}…; this one is {found.hash[:12]}…)."
            " Keep it, and give this one a file of its own with -o; or remove it, if nothing rests on it yet."
        )
    return target, False


def beside(campaign: str | os.PathLike[str]) -> Path:
    """Return where the registration of a campaign lies: campaign.registered.json for campaign.yml."""
    path = Path(campaign)
    return path.with_name(path.stem + ENDING)
