# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page that turns a product, in a real browser: by keyboard, by mouse and by itself."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
from PIL import Image, ImageDraw

from consistency_pipeline.pipeline.deliver.spin_page import spin_page

from .chromium import PROGRAM, Chromium

pytestmark = pytest.mark.by_turns

VIEWS = 24


def test_nothing_of_the_page_comes_from_elsewhere():
    page = spin_page('A "red" <bottle>', ["a-01.webp", "</script>.webp"])
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", page)
    assert page.count("</script>") == 1
    assert "A &quot;red&quot; &lt;bottle&gt;" in page


@pytest.fixture
def browser(tmp_path):
    if PROGRAM is None:
        pytest.skip("there is no Chromium")
    names = [f"a-{number + 1:02d}.webp" for number in range(VIEWS)]
    for number, name in enumerate(names):
        picture = Image.new("RGB", (300, 300), "white")
        ImageDraw.Draw(picture).pieslice((50, 50, 250, 250), number * 15, number * 15 + 40, fill="red")
        picture.save(tmp_path / name)
    page = tmp_path / "spin.html"
    page.write_text(spin_page("Bottle", names))
    browser = Chromium(tmp_path / "profile")
    browser.open(page)
    yield browser
    browser.close()


def shown(browser, expected, patience=5.0):
    """The number of the view that is shown, as soon as it is the expected one."""
    until = time.monotonic() + patience
    while True:
        name = browser.run('document.querySelector("#spin img").src')
        number = int(re.search(r"a-(\d+)\.webp", name)[1])
        if number == expected or time.monotonic() > until:
            return number


def test_keys_mouse_and_the_button_turn_it_and_views_load_as_they_are_needed(browser, tmp_path):
    assert shown(browser, 1) == 1
    loaded = {name for url in browser.loaded if (name := url.rpartition("/")[2]).endswith(".webp")}
    assert loaded == {"a-01.webp", "a-02.webp", "a-03.webp", "a-24.webp", "a-23.webp"}
    browser.run('document.getElementById("spin").focus()')
    browser.key("ArrowRight")
    browser.key("ArrowRight")
    assert shown(browser, 3) == 3
    assert browser.run('document.getElementById("spin").getAttribute("aria-valuenow")') == "30"
    browser.key("ArrowLeft")
    browser.key("ArrowLeft")
    browser.key("ArrowLeft")
    assert shown(browser, 24) == 24
    browser.key("Home")
    assert shown(browser, 1) == 1
    wide = browser.run('document.getElementById("spin").clientWidth')
    left = browser.run('document.getElementById("spin").getBoundingClientRect().left')
    browser.mouse("mousePressed", left + 20, 200)
    browser.mouse("mouseMoved", left + 20 + wide / 2, 200)
    browser.mouse("mouseReleased", left + 20 + wide / 2, 200)
    assert shown(browser, 13) == 13
    browser.mouse("mouseMoved", left + 30, 200)
    assert shown(browser, 13) == 13
    browser.screenshot(tmp_path / "half.png")
    with Image.open(tmp_path / "half.png") as seen:
        red, green, _ = np.moveaxis(np.asarray(seen.convert("RGB")), -1, 0)
    assert ((red > 200) & (green < 90)).sum() > 1000
    browser.run('document.getElementById("turn").click()')
    until = time.monotonic() + 10.0
    while len({url for url in browser.loaded if url.endswith(".webp")}) < VIEWS and time.monotonic() < until:
        browser.run("0")
    assert len({url for url in browser.loaded if url.endswith(".webp")}) == VIEWS
    browser.key(" ", " ")
    assert browser.run('document.getElementById("turn").getAttribute("aria-pressed")') == "false"
    assert all(url.startswith("file:") for url in browser.loaded if not url.startswith("about:"))
