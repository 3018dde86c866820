"""What a campaign adds to the house style: a style sheet of its own, appended to ours, and a logo.

Both go into the page itself, which asks nothing of any host: a style sheet that would is refused.
"""

import base64
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from funnel.errors import DefinitionError, SourceError

KINDS = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
LARGEST_LOGO = 200_000
LARGEST_STYLE = 100_000

# `\\75rl(` is `url(` to a browser.
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
_DATA = re.compile(r"""url\(\s*(?:"(?:data:|#)[^"]*"|'(?:data:|#)[^']*'|(?:data:|#)[^)"']*)\s*\)""", re.IGNORECASE)
_ASKS = re.compile(
    r"""@import[^;]{0,60}|(?:url|src)\((?!\))[^)]{0,60}|image-set\([^)]{0,60}|\w*://\S{0,60}""", re.IGNORECASE
)

_STARTS = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


@dataclass(frozen=True)
class Logo:
    """An image for the head of the page, as a data URI, and the words for those who do not see it.

    It stands in the page as an image, so that no script in it runs and no address in it is asked for.
    """

    source: str
    alt: str

    @classmethod
    def read(cls, path: str | os.PathLike[str], alt: str) -> Self:
        """Return the logo of a file: SVG, PNG or JPEG, of at most 200 kB."""
        file = Path(path)
        kind = KINDS.get(file.suffix.lower())
        if kind is None:
            raise DefinitionError(
                f"The logo '{file.name}' is of no known kind. Known: SVG, PNG and JPEG. Save it as one of them."
            )
        content = _bytes_of(file, "logo")
        if len(content) > LARGEST_LOGO:
            raise DefinitionError(
                f"The logo '{file.name}' is {len(content) / 1_000:,.0f} kB; a page carries at most "
                f"{LARGEST_LOGO / 1_000:,.0f} kB. Save it smaller: it is shown 56 pixels high."
            )
        if not _is_what_it_says(content, kind):
            raise DefinitionError(
                f"The logo '{file.name}' is not what its name says. Save it again as SVG, PNG or JPEG."
            )
        if not alt.strip():
            raise DefinitionError("A logo needs words for those who do not see it. Give the name of the campaign.")
        return cls(f"data:{kind};base64,{base64.b64encode(content).decode()}", alt)


def read_style(path: str | os.PathLike[str]) -> str:
    """Return the text of a style sheet that a page may carry (`checked_style`), of at most 100 kB."""
    file = Path(path)
    try:
        text = _bytes_of(file, "style sheet").decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DefinitionError(f"The style sheet '{file.name}' is not in UTF-8. Save it in that encoding.") from None
    return checked_style(text)


def checked_style(text: str) -> str:
    """Return the style sheet as it is, or refuse it: it may neither leave its element nor ask any host for anything."""
    if len(text.encode()) > LARGEST_STYLE:
        raise DefinitionError(
            f"The style sheet is {len(text.encode()) / 1_000:,.0f} kB; a page carries at most "
            f"{LARGEST_STYLE / 1_000:,.0f} kB. Keep what the page uses."
        )
    read = _ESCAPE.sub(_unescaped, re.sub(r"/\*.*?(\*/|\Z)", "", text, flags=re.DOTALL))
    asked = _DATA.sub("url()", read)
    found = re.search("</style", text, re.IGNORECASE) or re.search("</style", read, re.IGNORECASE)
    if found:
        raise DefinitionError(f"The style sheet closes its own element: '{found[0]}'. Leave that out.")
    found = _ASKS.search(asked)
    if found:
        raise DefinitionError(
            f"The style sheet asks for something outside the page: '{found[0].strip()}'. "
            "A page stands alone: write images and fonts as url(data:...)."
        )
    return text


def _bytes_of(file: Path, what: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        raise SourceError(f"No {what} at '{file}'. Write the path from where you are.") from None


def _is_what_it_says(content: bytes, kind: str) -> bool:
    start = _STARTS.get(kind)
    return content.startswith(start) if start else b"<svg" in content[:4_000]


def _unescaped(found: re.Match[str]) -> str:
    code, letter = found.groups()
    return chr(int(code, 16)) if code and 0 < int(code, 16) < 0x110000 else letter or ""
