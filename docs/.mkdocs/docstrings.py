"""Write our docstrings as Markdown: their examples as code, and what the arguments are as a list.

They are prose to read in an editor, where an example is a line that begins with >>> and the arguments follow one
another in a paragraph. mkdocstrings calls this for each object (`extensions` of mkdocs.yml).
"""

import re

import griffe

# `steps`: names of events ... `window`: the time from entry ...
ARGUMENT = re.compile(r"(?:^|(?<=[.;:)] )|(?<=\n))`\w+`(?:(?:,| and|, and) `\w+`)*: ")


class Docstrings(griffe.Extension):
    """Rewrites each docstring as it is read."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring:
            parts = obj.docstring.value.split("\n\n")
            obj.docstring.value = "\n\n".join(as_example(as_list(part)) for part in parts)


def as_example(part: str) -> str:
    """Return a paragraph that begins with a prompt as a block of code."""
    if not part.lstrip().startswith(">>>"):
        return part
    return f"```pycon\n{part.rstrip()}\n```"


def as_list(part: str) -> str:
    """Return a paragraph that begins with an argument and tells of several as a list of them."""
    starts = [found.start() for found in ARGUMENT.finditer(part)]
    if len(starts) < 2 or starts[0] != 0:
        return part
    ends = [*starts[1:], len(part)]
    items = (" ".join(part[start:end].split()) for start, end in zip(starts, ends, strict=True))
    return "\n".join(f"- {item}" for item in items)
