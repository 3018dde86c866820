"""Code to read and to copy, in the browser alone."""

import html

from funnel.language import Language

# Outside of https and localhost a browser keeps the clipboard to itself; what is selected can still be copied there.
COPY = """
const part = this.closest('.funnel-code');
const code = part.querySelector('code'), said = part.querySelector('[role=status]');
const tell = (done) => { said.textContent = done ? said.dataset.done : said.dataset.failed; };
const selected = () => {
  const range = document.createRange();
  range.selectNodeContents(code);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
  tell(document.execCommand('copy'));
};
if (navigator.clipboard) navigator.clipboard.writeText(code.textContent).then(() => tell(true), selected);
else selected();
"""


def code_to_copy(code: str, words: Language) -> str:
    """Return HTML: the code, a button that copies it, and a word on whether it did."""
    done, failed = words.text("Copied."), words.text("Selected: copy it with the keyboard.")
    heading, button = words.text("The code that shows this:"), words.text("Copy the code")
    # JupyterLab takes keys for its own where it is not told to leave them.
    return (
        f'<div class="funnel-code" lang="{words.tag}" data-lm-suppress-shortcuts="true" style="line-height: 1.4">'
        f'<p style="margin: 0.5rem 0">{html.escape(heading)}</p>'
        '<pre tabindex="0" style="line-height: inherit; overflow-x: auto">'
        f'<code lang="en">{html.escape(code)}</code></pre>'
        f'<button type="button" onclick="{html.escape(COPY.strip())}">{html.escape(button)}</button> '
        f'<span role="status" data-done="{html.escape(done)}" data-failed="{html.escape(failed)}"></span></div>'
    )
