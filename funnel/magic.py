"""A funnel in one line of a notebook, after `%load_ext funnel`.

    %funnel visit > sign > (share | partner_click) within 7 days by channel

measures the variable `events`. As a cell, `%%funnel` and the notation, the expression below it says which events:

    %%funnel visit > sign within 7 days by device
    events.where("language = 'fr'")

The answer shows itself and is `_` afterwards; `answer = %funnel visit > sign` gives it a name. What cannot be asked is
told in a sentence, without a traceback, and the cell counts as failed, so that "run all" stops there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnel.errors import DefinitionError, FunnelError, did_you_mean, listed
from funnel.events import Events
from funnel.funnels import Funnel, FunnelResult

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

CELL = "%%funnel"


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Give an IPython shell the magics %funnel and %%funnel; `%load_ext funnel` calls this."""
    from IPython.core.error import UsageError
    from IPython.core.magic import no_var_expand

    @no_var_expand
    def ask(line: str, cell: str = "") -> FunnelResult:
        """Measure a funnel: %funnel visit > sign within 7 days by channel."""
        try:
            asked = Funnel.parse(line)
            return asked.measure(_events(shell, cell))
        except FunnelError as error:
            raise UsageError(str(error)) from None

    shell.magics_manager.register_function(ask, magic_kind="line_cell", magic_name="funnel")
    if without_cell not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(without_cell)


def without_cell(lines: list[str]) -> list[str]:
    """Return a cell of %%funnel with nothing below it as the line %funnel: IPython refuses a cell without a body."""
    if lines and lines[0].startswith(f"{CELL} ") and not "".join(lines[1:]).strip():
        return [lines[0][1:]]
    return lines


def _events(shell: InteractiveShell, cell: str) -> Events:
    """Return the events that the expression under %%funnel gives, or without one the variable `events`."""
    try:
        return shell.ev(compile(cell.strip() or "events", CELL, "eval"))  # type: ignore[no-untyped-call]
    except SyntaxError:
        raise DefinitionError(
            f"What stands below {CELL} is no single expression. Write one that gives the events, such as"
            " events.where(\"language = 'fr'\")."
        ) from None
    except NameError as error:
        known = [name for name, value in shell.user_ns.items() if isinstance(value, Events) and name[0] != "_"]
        guess = did_you_mean(str(error.name), known)
        raise DefinitionError(
            f"No variable is named '{error.name}'. {guess}Events here: {listed(known)}. Write events ="
            f" funnel.connect(source), or below {CELL} which events to measure."
        ) from None
