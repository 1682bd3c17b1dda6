"""A name is shown while the cursor is at its point, and only then."""

from __future__ import annotations


def test_a_name_goes_when_the_cursor_leaves_the_image_or_the_wheel_moves_the_point_away(served, new_page, labelling):
    page = new_page(served("label").start())
    at = labelling(page)
    names = page.locator(".mark text")
    at.click(100, 90)
    at.saved()
    page.mouse.move(*at.on_screen(101, 90))
    page.wait_for_timeout(100)
    assert names.all_text_contents() == ["snout"]
    page.mouse.move(1200, 700)  # the panel beside the image
    page.wait_for_timeout(100)
    assert names.count() == 0

    x, y = at.on_screen(100, 90)
    page.mouse.move(x + 7, y)
    page.wait_for_timeout(100)
    assert names.all_text_contents() == ["snout"]
    page.mouse.wheel(0, -900)
    page.wait_for_timeout(200)
    assert names.count() == 0, "the cursor is at another place of the image than the point now"
