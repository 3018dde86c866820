"""The charts of mentions on a phone and a wide screen, edge cases among them: no word is cut or lies on another."""

from typing import TYPE_CHECKING

import pytest

from tests.browser import test_charts_in_browser
from tests.test_mention_charts import EDGES, MENTION_CHARTS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
page = test_charts_in_browser.page


@pytest.mark.parametrize("code", ["en", "fr"])
@pytest.mark.parametrize("width", [360, 1_100])
@pytest.mark.parametrize("name", [*MENTION_CHARTS, *EDGES])
def test_words_of_mentions_stay_in_the_picture_and_apart(
    page: "Page", name: str, width: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_charts_in_browser, "CHARTS", MENTION_CHARTS | EDGES)
    test_charts_in_browser.test_words_stay_in_the_picture_and_apart(page, name, width, code)
