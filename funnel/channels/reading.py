"""How a host, a tag and a parameter are read from what the source wrote, as expressions of the engine."""

from collections.abc import Iterable

from sqlglot import exp

from funnel.statements import statement

# What tools write when they know nothing.
NOTHING = "|".join(
    [
        "",
        r"\(?direct\)?",
        r"\$direct",
        r"\(?none\)?",
        r"\(?not set\)?",
        "null",
        "nan",
        "undefined",
        r"\(?unknown\)?",
        "-",
    ]
)
LONGEST_NOTHING = 12
BLANKS = " \t\r\n\u00a0"
# All before the path, and of that the host: after what may stand before it (scheme, userinfo, www) and before what may
# follow (dot, port). In two steps, because the engine is slow at groups in long text.
AUTHORITY = r"^(?:(?:[a-z][a-z0-9+.-]*:)?//)?[^/?#]*"
HOST = r"^(?:(?:[a-z][a-z0-9+.-]*:)?//)?(?:.*@)?(?:www\.)?([^:@\s\[\]]+?|\[[0-9a-f:.]+\])\.*(?::[0-9]*)?$"


def told(text: exp.Expr) -> exp.Expr:
    """Return the text, trimmed; null where it says nothing."""
    return _scalar(
        """
        case
            when strlen(_trimmed) > _longest then _trimmed
            when not regexp_full_match(_trimmed, _nothing) then _trimmed
        end
        """,
        trimmed=_scalar("trim(cast(_text as varchar), _blanks)", text=text, blanks=_text(BLANKS)),
        longest=exp.Literal.number(LONGEST_NOTHING),
        nothing=_text(f"(?i:{NOTHING})"),
    )


def host(address: exp.Expr) -> exp.Expr:
    """Return the host of an address or host, lower case, without www, port and dot at the end; null without one.

    A backslash is a slash, as browsers read it.
    """
    found = _scalar(
        "regexp_extract(replace(lower(_address), _backslash, '/'), _authority)",
        address=address,
        backslash=_text("\\"),
        authority=_text(AUTHORITY),
    )
    return _scalar("nullif(regexp_extract(_found, _host, 1), '')", found=found, host=_text(HOST))


def entry(host: exp.Expr, *, ending: str, stems: str) -> exp.Expr:
    r"""Return the entry of `hosts.csv` that a host ends in, the longest; null without one."""
    found = _scalar("ltrim(regexp_extract(_host, _ending), '.')", host=host, ending=_text(ending))
    return _scalar("nullif(regexp_replace(_found, _stems, '\\1.*'), '')", found=found, stems=_text(stems))


def folded(tag: exp.Expr) -> exp.Expr:
    """Return a tag as `tables.folded` writes it."""
    return _scalar(r"regexp_replace(strip_accents(lower(_tag)), '[^\pL\pN]+', '', 'g')", tag=tag)


def parameter(address: exp.Expr, name: str) -> exp.Expr:
    """Return a parameter's value in an address, decoded where that can be read; null without one."""
    value = _scalar(
        """
        case
            when contains(lower(_address), _start) then replace(regexp_extract(_address, _pattern, 1), '+', ' ')
        end
        """,
        address=address,
        start=_text(f"{name}="),
        pattern=_text(rf"(?i)[?&#;]{name}=([^&#]*)"),
    )
    return told(_scalar("coalesce(try(url_decode(_value)), _value)", value=value))


def click(address: exp.Expr, names: Iterable[str]) -> exp.Expr:
    """Return the first parameter of these that the address has a value for; null without one."""
    return _scalar(
        """
        case
            when contains(_address, '=') then nullif(regexp_extract(lower(_address), _pattern, 1), '')
        end
        """,
        address=address,
        pattern=_text(rf"[?&#;]({'|'.join(names)})=[^&#]"),
    )


def _scalar(template: str, **parts: exp.Expr) -> exp.Expr:
    return statement(f"select {template}", **parts).expressions[0]


def _text(value: str) -> exp.Expr:
    return exp.Literal.string(value)
