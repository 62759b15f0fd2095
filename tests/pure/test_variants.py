# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variants of a glTF file's materials: which there are, a file that shows one of them, and a run for each under one budget."""

from __future__ import annotations

import json

import pytest

from consistency_pipeline import command_line
from consistency_pipeline.pipeline import model
from consistency_pipeline.pipeline.errors import BadInput, UsageError
from consistency_pipeline.pipeline.formats import gltf_shown
from consistency_pipeline.pipeline.formats.gltf_variants import VARIANTS, choose_variant, variant_names
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from tests.fake_fal.model import glb

from .catalogues import STILL, Command, prepare

pytestmark = pytest.mark.by_turns
COLOURS = ("Midnight", "Beach")


def with_variants(path, names=COLOURS, first=0):
    """Give the GLB at ``path`` a material for each of ``names``, its only primitive showing the first by itself."""
    document, offset = gltf_shown.read_document(path)
    plain = document["materials"][0]
    document["materials"] = [{**plain, "name": name} for name in names]
    document["extensionsUsed"] = [VARIANTS]
    document["extensions"] = {VARIANTS: {"variants": [{"name": name} for name in names]}}
    part = document["meshes"][0]["primitives"][0]
    part["material"] = first
    part["extensions"] = {VARIANTS: {"mappings": [{"material": n, "variants": [n]} for n in range(len(names))]}}
    gltf_shown.write_copy(path, document, offset, path)
    return path


@pytest.fixture
def shoe(tmp_path):
    path = tmp_path / "shoe.glb"
    path.write_bytes(glb(200, (90, 40, 40)))
    return with_variants(path)


def shown_material(path):
    document, _ = gltf_shown.read_document(path)
    assert VARIANTS not in json.dumps(document)
    return document["materials"][document["meshes"][0]["primitives"][0]["material"]]["name"]


def test_the_run_s_model_shows_the_variant_and_the_geometry_is_the_same_to_the_byte(shoe, tmp_path):
    assert model.variants_of(shoe) == list(COLOURS)
    rest = []
    for wanted, name in (("beach", "Beach"), ("Midnight", "Midnight")):
        model.take_own(shoe, tmp_path / name, wanted)
        made = tmp_path / name / "product.glb"
        assert shown_material(made) == name
        rest.append(made.read_bytes()[gltf_shown.read_document(made)[1] :])
    assert rest[0] == rest[1]
    before = shoe.read_bytes()[gltf_shown.read_document(shoe)[1] :]
    assert rest[0].rstrip(b"\0") == before.rstrip(b"\0")
    model.take_own(shoe, tmp_path / "as it is")
    assert (tmp_path / "as it is" / "product.glb").read_bytes() == shoe.read_bytes()


def test_what_a_file_says_nothing_of_keeps_its_own_material():
    mapped = {"material": 0, "extensions": {VARIANTS: {"mappings": [{"material": 1, "variants": [0, 1]}]}}}
    plain = {"material": 0, "extensions": {"OTHER": {}}}
    document = {"materials": [{}, {}], "meshes": [{"primitives": [mapped, plain]}]}
    choose_variant(document, 1, "a.glb")
    assert document["meshes"][0]["primitives"] == [{"material": 1}, plain]


def test_names_are_told_apart_and_odd_files_are_no_surprise():
    named = {"extensions": {VARIANTS: {"variants": [{"name": "Red"}, {}, {"name": " Red "}, 7]}}}
    assert variant_names(named) == ["Red", "variant 2", "Red 3", "variant 4"]
    for odd in ({}, {"extensions": None}, {"extensions": {VARIANTS: 3}}, {"extensions": {VARIANTS: {"variants": "x"}}}):
        assert variant_names(odd) == []
    wrong = {"meshes": [{"primitives": [{"extensions": {VARIANTS: {"mappings": [{"material": 4, "variants": [0]}]}}}]}]}
    with pytest.raises(BadInput, match=r"a\.glb gives a variant a material that it does not have"):
        choose_variant(wrong, 0, "a.glb")


# the command


@pytest.fixture
def run(fake, near, monkeypatch, shoe, tmp_path, capfd):
    command = Command(shoe, tmp_path / "out", capfd)
    prepare(monkeypatch, command)

    def run(*words, command="run"):
        inputs = [str(tmp_path / "out")] if command == "resume" else [str(shoe), "--out", str(tmp_path / "out")]
        arguments = [command, *inputs, "--json", *words]
        if command != "resume":
            arguments += ["--backend", "fal", "--angles", "front", "--motion", "none"]
        status = command_line.main(arguments)
        answer = json.loads(capfd.readouterr().out.splitlines()[-1])
        assert answer["exit"] == status
        return answer

    return run


def test_each_variant_is_a_run_of_its_own_and_a_second_call_costs_nothing(run, fake, tmp_path):
    answer = run("--variants", "all", "--yes")
    assert (answer["exit"], answer["rows"], answer["variants"]) == (0, {"done": 2}, {name: name for name in COLOURS})
    assert fake.books.usd == pytest.approx(2 * STILL)
    for name in COLOURS:
        folder = RunFolder.open(tmp_path / "out" / name)
        assert folder.is_finished
        assert folder.settings.inputs.variant == name
        assert shown_material(folder.product) == name
    assert run("--variants", "all", "--yes")["rows"] == {"done": 2}
    assert run("--yes", command="resume")["rows"] == {"done": 2}
    assert fake.books.usd == pytest.approx(2 * STILL)


def test_the_budget_is_that_of_all_variants_together_and_a_higher_one_goes_on(run, fake, tmp_path):
    costs = run("--variants", "all", command="estimate")
    assert costs["total_usd"] == pytest.approx(2 * STILL)
    most = costs["rows"][0]["most_usd"]  # with its retakes
    answer = run("--variants", "all", "--yes", "--budget", f"{most + STILL / 2}")
    assert answer["rows"]["done"] == 1
    assert fake.books.usd == pytest.approx(STILL)
    assert run("--yes", "--budget", "1", command="resume")["rows"] == {"done": 2}
    assert fake.books.usd == pytest.approx(2 * STILL)


def test_nothing_is_bought_without_consent_and_wrong_names_are_one_sentence(run, fake, tmp_path):
    assert "confirm with --yes" in run("--variants", "all")["error"]
    answer = run("--variants", "Beach,Sand", "--yes")
    assert (answer["exit"], answer["status"]) == (2, "usage")
    assert "no variant called 'Sand'; its variants are Midnight and Beach" in answer["error"]
    assert "not both" in run("--variants", "all", "--variant", "Beach", "--yes")["error"]
    assert "no variant called 'Sand'" in run("--variant", "Sand", "--yes")["error"]
    assert fake.books.usd == 0.0
    assert not (tmp_path / "out" / "Beach").exists()


def test_a_file_without_variants_says_so(tmp_path, capfd):
    plain = tmp_path / "plain.glb"
    plain.write_bytes(glb(200, (9, 9, 9)))
    for words in (["--variants", "all"], ["--variant", "Red"]):
        assert command_line.main(["run", str(plain), "--out", str(tmp_path / "o"), "--backend", "local", *words]) == 2
        assert "plain.glb has no variants of its materials" in capfd.readouterr().err
    assert not (tmp_path / "o").exists()
    with pytest.raises(UsageError, match="has no variants"):
        model.take_own(plain, tmp_path / "o", "Red")
