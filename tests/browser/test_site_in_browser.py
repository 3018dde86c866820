"""The documentation as read from a folder: nothing is asked of another host, search finds, nothing overflows."""

import re

import pytest

from tests.test_site import site as site  # the built site, made once a session

pytestmark = pytest.mark.browser

PAGES = ["index.html", "definitions.html", "notebooks/01_funnel.html", "reference/funnel.html"]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [375, 1280])
def test_a_page_asks_no_host_and_does_not_overflow(visit, site, name, width):
    with visit(site / name, width=width) as seen:
        seen.page.wait_for_timeout(300)
        assert [address for address in seen.requests if not address.startswith(("file:", "data:", "blob:"))] == []
        assert seen.complaints == []
        assert seen.overflow() <= 0


def test_search_finds_without_a_server(visit, site):
    with visit(site / "index.html", width=1280) as seen:
        seen.page.wait_for_load_state("networkidle")
        field = seen.page.get_by_role("textbox", name="Search")
        field.click()
        field.press_sequentially("Newcombe", delay=30)
        first = seen.page.locator(".md-search-result__link").first
        first.wait_for(timeout=20_000)
        assert re.search(r"(methods|definitions)\.html", first.get_attribute("href"))
