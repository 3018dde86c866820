"""The charts of experiments on a phone, edge cases among them: no word leaves the picture, none lies on another."""

from typing import TYPE_CHECKING

import pytest

from tests.browser import test_charts_in_browser
from tests.test_experiment_charts import EDGES, EXPERIMENT_CHARTS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
page = test_charts_in_browser.page


@pytest.mark.parametrize("code", ["en", "fr"])
@pytest.mark.parametrize("name", [*EXPERIMENT_CHARTS, *EDGES])
def test_words_of_experiments_stay_in_the_picture_and_apart_on_a_phone(
    page: "Page", name: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_charts_in_browser, "CHARTS", EXPERIMENT_CHARTS | EDGES)
    test_charts_in_browser.test_words_stay_in_the_picture_and_apart(page, name, 360, code)
