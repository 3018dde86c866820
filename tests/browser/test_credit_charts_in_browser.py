"""The charts of trees, relays, paths and credit on a phone and a wide screen: no word is cut or lies on another."""

from typing import TYPE_CHECKING

import pytest

from tests import test_credit_charts, test_relay_charts
from tests.browser import test_charts_in_browser

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
page = test_charts_in_browser.page

CHARTS = test_relay_charts.ALL | test_credit_charts.ALL


@pytest.mark.parametrize("code", ["en", "fr"])
@pytest.mark.parametrize("width", [360, 1_100])
@pytest.mark.parametrize("name", CHARTS)
def test_words_of_relays_and_credit_stay_in_the_picture_and_apart(
    page: "Page", name: str, width: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_charts_in_browser, "CHARTS", CHARTS)
    test_charts_in_browser.test_words_stay_in_the_picture_and_apart(page, name, width, code)
