"""Tables as plain text, for a terminal."""

from io import StringIO

from funnel.pages import Table

WIDE = 200


def printed(table: Table, *, width: int = WIDE) -> str:
    """Return the table as lines of text: numbers to the right, columns that do not fit folded."""
    from rich.console import Console
    from rich.table import Table as Grid

    grid = Grid(title=table.caption, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for each in table.columns:
        grid.add_column(each.heading, justify="right" if each.is_number else "left", no_wrap=each.is_number)
    for row in table.rows:
        grid.add_row(*row)
    console = Console(
        width=width, file=StringIO(), highlight=False, markup=False, color_system=None, force_jupyter=False
    )
    with console.capture() as captured:
        console.print(grid)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())
