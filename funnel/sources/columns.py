"""Which column of a source is which of ours."""

from collections.abc import Mapping, Sequence

from funnel.errors import ColumnError, DefinitionError, did_you_mean, listed

REQUIRED = ("visitor_id", "event", "occurred_at")
USUAL_NAMES = {
    "visitor_id": ("user_id", "user", "uid", "user_pseudo_id", "distinct_id", "anonymous_id", "client_id", "host"),
    "event": ("event_name", "name", "event_type", "action", "activity", "url", "page"),
    "occurred_at": ("timestamp", "time", "event_time", "event_timestamp", "ts", "datetime", "created_at", "date"),
}


def match_columns(
    known: Sequence[str], columns: Mapping[str, str] | None, *, source: str, required: Sequence[str] = REQUIRED
) -> dict[str, str]:
    """Return our name -> the source's name for every column, the required ones first, then in the source's order.

    A column that `columns` names keeps only our name for it; every other column keeps its own.
    """
    renamed = dict(columns or {})
    if not all(isinstance(ours, str) and isinstance(theirs, str) for ours, theirs in renamed.items()):
        raise DefinitionError("columns= maps our names to those of the source, such as {'visitor_id': 'user_id'}.")
    for theirs in renamed.values():
        if theirs not in known:
            raise ColumnError(
                f"No column named '{theirs}' in {source}. {did_you_mean(theirs, known)}Known: {listed(known)}."
            )
    _refuse_clash(known, renamed, source)
    kept = {name: name for name in known if name not in renamed.values()}
    matched = {**kept, **renamed}
    missing = [name for name in required if name not in matched]
    if missing:
        raise ColumnError(_missing(missing, known, renamed, source))
    return {name: matched[name] for name in (*required, *(each for each in matched if each not in required))}


def _refuse_clash(known: Sequence[str], renamed: Mapping[str, str], source: str) -> None:
    own = {name.casefold(): name for name in known if name not in renamed.values()}
    for ours, theirs in renamed.items():
        clash = own.get(ours.casefold())
        if clash is not None:
            both = {**renamed, f"source_{clash}": clash}
            raise DefinitionError(
                f"columns= calls '{theirs}' '{ours}', but {source} has a column '{clash}' of its own. "
                f"Rename that one too: columns={both}."
            )


def _missing(missing: Sequence[str], known: Sequence[str], renamed: Mapping[str, str], source: str) -> str:
    wanted = " or ".join(f"'{name}'" for name in missing)
    free = [name for name in known if name not in renamed.values()]
    guesses = {name: _guess(name, free) for name in missing}
    advice = {**renamed, **{name: guess or "..." for name, guess in guesses.items()}}
    return f"No column named {wanted} in {source}. Known: {listed(known)}. Say which it is: columns={advice}."


def _guess(name: str, known: Sequence[str]) -> str | None:
    folded = {each.casefold(): each for each in known}
    usual = [folded[each] for each in (name, *USUAL_NAMES[name]) if each in folded]
    near = did_you_mean(name, known).removeprefix("Did you mean '").removesuffix("'? ")
    return next(iter([*usual, near]), None)
