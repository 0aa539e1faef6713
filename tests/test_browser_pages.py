"""What all pages share, as a person sees it: the navigation, and a sidebar that goes along."""

from pages.ui.navigation import PAGES


def test_the_sidebar_is_kept_from_page_to_page(server, reader):
    reader.open(server + "/?strategy=max&layer=4")
    reader.type("Mine.\nAnd mine.")
    for page in (*PAGES[1:], PAGES[0]):
        reader.page.locator("[data-testid=stHeader]").get_by_text(page.section, exact=True).click()
        reader.page.get_by_text(page.title, exact=True).last.click()
        reader.page.wait_for_selector(f"h1:has-text('{page.question[:30]}')")
        reader.wait()
        assert reader.page.locator(".st-key-text textarea").input_value() == "Mine.\nAnd mine."
        assert "strategy=max" in reader.page.url
        assert "layer=4" in reader.page.url
        reader.assert_well()
