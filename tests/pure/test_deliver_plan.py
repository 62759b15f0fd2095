# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Presets, names and folders of what is delivered: what is wrong is said in one sentence, before anything is written."""

from __future__ import annotations

import json

import numpy as np
import pytest

from consistency_pipeline.pipeline.deliver import names, presets
from consistency_pipeline.pipeline.deliver.colour_words import colour_word
from consistency_pipeline.pipeline.deliver.folders import SHOP, new_folder, settle_zip
from consistency_pipeline.pipeline.deliver.shops import SHOPS
from consistency_pipeline.pipeline.deliver.sources import alt_text
from consistency_pipeline.pipeline.errors import RunFolderError, UsageError
from consistency_pipeline.pipeline.rig import Angle
from consistency_pipeline.pipeline.settings import arguments

pytestmark = pytest.mark.by_turns


def test_every_preset_says_where_its_rules_are_from_and_when_they_were_read():
    found = [presets.preset(name) for name in presets.preset_names()]
    shops = {"amazon", "google", "shopify", "ebay", "walmart", "zalando", "web", "print"}
    assert shops <= {preset.key for preset in found}
    for preset in found:
        assert preset.source
        assert preset.date.year >= 2026
        assert ("first hand" in preset.said_source) != preset.first_hand
        for number in (0, 1):
            assert preset.rules(number).suffix in (".jpg", ".png", ".webp")


def test_the_command_names_the_presets_that_there_are():
    (commands,) = (action for action in arguments.make_parser()._actions if action.choices)
    (words,) = (action for action in commands.choices["deliver"]._actions if action.dest == "shops")
    assert all(name in words.help for name in presets.preset_names())


def test_etsy_is_told_why_not():
    with pytest.raises(UsageError, match=r"Etsy asks for your own photos.*253962679005"):
        presets.presets("amazon,etsy")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": "red"}, "colour"),
        ({"format": "gif"}, "format"),
        ({"fill": {"least": 0.9, "wanted": 0.8}}, "in that order"),
        ({"ground": "transparent"}, "can't be transparent"),
        ({"least": 3000}, "not in that order"),
        ({"further": {"colour": 1}}, "colour"),
        ({"sku": "["}, "no regular expression"),
        ({"codes": ["A"]}, "codes"),
        ({"date": "soon"}, "date"),
        ({"formt": "png"}, "formt: there is no such field; did you mean 'format'"),
        ({"fill": {"lest": 0.1}}, "did you mean 'least'"),
    ],
)
def test_a_preset_with_a_wrong_field_is_refused_with_its_name(change, said, tmp_path):
    path = tmp_path / "my-shop.json"
    own = {"title": "Mine", "source": "their guide", "date": "2026-11-26", "first_hand": True}
    path.write_text(json.dumps(own))
    assert presets.preset(str(path)).key == "my-shop"
    path.write_text(json.dumps(own | change))
    with pytest.raises(UsageError, match=said) as caught:
        presets.preset(str(path))
    assert "my-shop.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"title": 3}'])
def test_a_preset_that_is_none_is_refused(text, tmp_path):
    path = tmp_path / "my-shop.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"my-shop\.json"):
        presets.preset(str(path))


def test_presets_that_are_not_there_or_named_twice():
    with pytest.raises(UsageError, match="did you mean 'amazon'"):
        presets.presets("amazn")
    with pytest.raises(UsageError, match="named twice"):
        presets.presets("amazon,google,amazon")
    with pytest.raises(UsageError, match="can't be read"):
        presets.presets("nowhere.json")


FACTS = [{"sku": "A1", "angle": name, "number": str(number)} for number, name in enumerate(("front", "side"), start=1)]


def test_names_follow_the_pattern():
    assert names.file_names("{sku}_{number}-{angle}", FACTS, [".jpg", ".png"]) == ["A1_1-front.jpg", "A1_2-side.png"]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("{sku}", "two pictures would be called A1.jpg"),
        ("{sku", "no pattern"),
        ("{sku}-{colour}", "unknown field {colour}"),
        ("{sku.__class__}-{angle}", "can't be read"),
        ("{sku:>9}-{angle}", "can't be read"),
        ("{angle}/{sku}", "can't be a file's name"),
        ("../{angle}", "can't be a file's name"),
        ("{angle}:", "can't be a file's name"),
        (".{angle}", "can't be a file's name"),
        ("{variant}", "can't be a file's name"),
        ("{angle}" * 40, "longer than"),
    ],
)
def test_a_name_that_can_not_be_is_refused(pattern, said):
    with pytest.raises(UsageError) as caught:
        names.file_names(pattern, FACTS, [".jpg", ".jpg"])
    assert said in str(caught.value)


def test_names_that_only_some_systems_tell_apart_are_refused():
    facts = [{"angle": "front"}, {"angle": "FRONT"}]
    with pytest.raises(UsageError, match="would be called"):
        names.file_names("{angle}", facts, [".jpg", ".jpg"])
    with pytest.raises(UsageError, match="can't be a file's name"):
        names.file_names("{angle}", [{"angle": "con"}], [".jpg"])


@pytest.mark.parametrize("sku", ["", "a/b", "a:b", "..", "x" * 90])
def test_an_article_number_that_no_file_can_have(sku):
    with pytest.raises(UsageError, match="article number"):
        names.check_sku(sku)


def test_an_article_number_is_made_of_any_name():
    assert names.sku_of("Große Flasche (rot)/2") == "Grosse-Flasche-rot-2"
    assert names.sku_of("Smørbrød · Łódź") == "Smorbrod-Lodz"
    assert names.sku_of("!?") == "product"
    cup, pot = names.sku_of("茶杯 A"), names.sku_of("茶壶 A")
    assert cup.isascii()
    assert cup != pot


@pytest.mark.parametrize(
    ("colour", "said"),
    [
        ("000080", "blue"),  # navy
        ("0000ff", "blue"),
        ("3b2320", "brown"),  # dark leather
        ("4a2c2a", "brown"),
        ("8b4513", "brown"),
        ("722f37", "red"),  # wine
        ("c8460a", "orange"),  # a bicycle's paint
        ("f5f5dc", "beige"),
        ("c8b89a", "beige"),  # linen
        ("ffd700", "yellow"),
        ("808000", "green"),  # olive
        ("800080", "purple"),
        ("36454f", "grey"),
        ("1c1c1c", "black"),
        ("f8f8f8", "white"),
    ],
)
def test_colours_are_called_as_people_call_them(colour, said):
    pixels = np.array([[int(colour[at : at + 2], 16) / 255.0 for at in (0, 2, 4)]] * 9)
    assert colour_word(pixels) == said


def test_a_name_of_several_lines_is_one_line_for_who_is_read_the_picture():
    angle = Angle(name="front", azimuth=0.0, elevation=0.0, fill=0.8)
    assert alt_text('Flask "Eco"\nsecond  line', angle, "red").startswith('Red Flask "Eco" second line, front view')


def test_a_set_is_there_whole_or_as_it_was(tmp_path):
    place = tmp_path / "deliver" / "amazon"
    with new_folder(place) as part:
        (part / SHOP).write_text("first")
        assert not place.exists()
    assert (place / SHOP).read_text() == "first"

    def fail():
        with new_folder(place) as part:
            (part / "half.jpg").write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [path.name for path in place.iterdir()] == [SHOP]
    with new_folder(place) as part:
        (part / SHOP).write_text("second")
        (part / "a.jpg").write_text("a")
    assert sorted(path.name for path in place.iterdir()) == ["a.jpg", SHOP]
    assert settle_zip(place, ["a.jpg"], wanted=True) == place.with_name("amazon.zip")
    assert sorted(path.name for path in place.parent.iterdir()) == ["amazon", "amazon.zip"]
    assert (
        settle_zip(place, ["a.jpg"], wanted=False) is None
    )  # delivered anew without one: the old one is of other files
    assert sorted(path.name for path in place.parent.iterdir()) == ["amazon"]


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    place = tmp_path / "amazon"
    place.mkdir()
    (place / "holiday.jpg").write_text("mine")
    with pytest.raises(RunFolderError, match="something else"), new_folder(place):
        pass
    assert (place / "holiday.jpg").read_text() == "mine"
    (tmp_path / "file").write_text("a file")
    with pytest.raises(RunFolderError, match="can't be written"), new_folder(tmp_path / "file" / "amazon"):
        pass


def test_the_panel_offers_the_presets_that_there_are():
    assert set(SHOPS) == {name for name in presets.preset_names() if presets.preset(name).views is None}
