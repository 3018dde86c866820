"""A funnel in one line: `visit > sign > (share | partner_click) within 7 days by channel`.

    line      = step { ">" step } [ ">" "(" step { "|" step } ")" ] { clause }
    step      = name { "or" name } [ "[" SQL condition "]" ] [ "?" ] [ "as" name ]
    clause    = "within" length | "follow-ups" "within" length
              | "order" word | "entry" word | "ties" word
              | "without" name { "or" name } [ "[" SQL condition "]" ]
                          [ "after" name ] [ "before" name ] [ "else" policy ]
              | "by" name { "," name }
    length    = number unit | quoted
    name      = letters, digits and _ $ @ # /, with . : - inside | quoted

Clauses come in any order, each once but for `without`. `docs/notation.md` says what each means. Reading and writing
undo each other, and what cannot be read is shown with a caret under the column where it goes wrong.
"""

from funnel.notation.reading import Reading, read
from funnel.notation.writing import condition_of, length_of, written

__all__ = ["Reading", "condition_of", "length_of", "read", "written"]
