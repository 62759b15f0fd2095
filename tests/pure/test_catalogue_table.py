# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every kind of bad table is refused whole, with the row and the column of each fault; a good one means what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from consistency_pipeline.pipeline.catalogue.rows import Row, as_ranges, chosen, rows_of
from consistency_pipeline.pipeline.catalogue.table import TableError, folder_name, read_table
from consistency_pipeline.pipeline.catalogue.template import read_template, save_template, template_of
from consistency_pipeline.pipeline.errors import UsageError
from consistency_pipeline.pipeline.settings.groups import RunSettings
from tests.fake_fal.model import glb

pytestmark = pytest.mark.by_turns


def rows(place: Path, text: str | bytes, base: RunSettings | None = None) -> list[Row]:
    path = place / "products.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return rows_of(read_table(path), place / "out", base or RunSettings())


def faults(place: Path, text: str | bytes) -> list[str]:
    for name in ("a.glb", "b.glb", "c.glb"):
        (place / name).write_bytes(glb(20, (9, 9, 9)))
    with pytest.raises(TableError) as caught:
        rows(place, text)
    assert caught.value.exit_status == 2
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("input\na.glb\n", ["row 1, column sku: the column is missing"]),
        ("sku,input\n", ["it has no rows"]),
        ("", ["row 1, column sku: the column is missing"]),
        ("sku,input,sizes\nA,a.glb,512\n", ["row 1, column sizes: there is no such column, did you mean 'size'"]),
        ("sku,model\nA,a.glb\nB,b.glb\n", ["row 1, column model: there is no such column, did you mean 'input'"]),
        ("sku,Photo\nA,a.jpg\n", ["row 1, column photo: there is no such column, did you mean 'input'"]),
        (
            "sku,file,size\nA,a.glb,512\nB,b.glb,x\n",
            ["row 1, column file: there is no such column, did you mean 'input'", "row 3, column size: "],
        ),
        (
            "sku,input,path\nA,,a.glb\nB,b.glb,\n",
            ["row 1, column path: there is no such column", "row 2, column input: the row has no input"],
        ),
        ("sku,input,size,size\nA,a.glb,512,513\n", ["row 1, column size: there are two columns"]),
        ("sku,,input\nA,x,a.glb\n", ["row 1, column 2: the column has no name"]),
        ("sku,input\nA,a.glb\nB,b.glb\nA,c.glb\n", ["row 4, column sku: 'A' is in row 2 already"]),
        ("sku,input\nA/1,a.glb\nA:1,b.glb\n", ["row 3, column sku: 'A:1' and 'A/1' of row 2 name the same folder"]),
        ("sku,input\na,a.glb\nA,b.glb\n", ["row 3, column sku: 'A' and 'a' of row 2 name the same folder"]),
        ("sku,input\n,a.glb\n", ["row 2, column sku: the article number is missing"]),
        (f"sku,input\n{'x' * 120},a.glb\n", ["row 2, column sku: 'xxxx"]),
        ("sku,input\nA,\n", ["row 2, column input: the row has no input"]),
        ("sku,input,size\nA,a.glb,big\n", ["row 2, column size: 'big' is no whole number"]),
        ("sku,input,size\nA,a.glb,7\n", ["row 2, column size: "]),
        ("sku,input,backend\nA,a.glb,cloud\n", ["row 2, column backend: invalid choice"]),
        ("sku,input,angles\nA,a.glb,frnt\n", ["row 2, column angles: "]),
        ("sku,input,angle_set\nA,a.glb,shoes\n", ["row 2, column angle_set: there is no angle set 'shoes'"]),
        ("sku,input,budget\nA,a.glb,-1\n", ["row 2, column budget: "]),
        ("sku;input;budget\nA;a.glb;1.234,00\n", ["row 2, column budget: 1.234,00 is not an amount in USD"]),
        ("sku,input,size\nA,gone.glb,64\nB,b.glb,x\n", ["row 2, column input: ", "row 3, column size: "]),
        ("sku,input,exact\nA,a.glb,maybe\n", ["row 2, column exact: 'maybe' is neither yes nor no"]),
        ("sku,input,set\nA,a.glb,nonsense\n", ["row 2, column set: "]),
        ("sku,input,daily_budget\nA,a.glb,5\n", ["row 1, column daily_budget: there is no such column"]),
        ("sku,input\nA,a.glb,extra,cells\n", ["row 2: 'extra' stands beyond the last column"]),
        ('sku,input\nA,"a.glb\nB,b.glb\n', ["a quotation mark is never closed"]),
        ("sku,input\nA\0,a.glb\n", ["row 2: a zero byte"]),
        (b"sku,input,name\nA,a.glb,K\xe4nnchen\n", ["row 2: a letter that is not UTF-8"]),
        (
            "sku,input,size,takes\nA,a.glb,x,y\nB,b.glb,512,99\n",
            ["row 2, column size: ", "row 2, column takes: ", "row 3, column takes: "],
        ),
        ("sku,input,look\nA,a.glb,gone.json\n", ["row 2, column look: "]),
        ('sku,input,name,size\nA,a.glb,"two\nlines",64\n\nB,b.glb,,7\n', ["row 4, column size: "]),
        ('sku,input,budget\nA,a.glb,"1,000"\n', ["row 2, column budget: '1,000' may mean two numbers"]),
        ("sku,input\nK\u00e4,a.glb\nKa\u0308,b.glb\n", ["row 3, column sku: "]),
        ("sku,input\nA,.\n", ["row 2, column input: the folder has 3 models"]),
    ],
)
def test_each_fault_is_told_with_its_row_and_its_column(tmp_path, text, said):
    found = faults(tmp_path, text)
    assert len(found) == len(said), found
    for fault, words in zip(found, said, strict=True):
        assert fault.startswith(words), fault
        assert "--" not in fault.replace("--help", "")


def test_a_spreadsheet_s_own_file_is_named_as_such(tmp_path):
    (tmp_path / "products.xlsx").write_bytes(b"PK\x03\x04rest")
    with pytest.raises(UsageError, match="save it as CSV"):
        read_table(tmp_path / "products.xlsx")
    with pytest.raises(UsageError, match="can't be read"):
        read_table(tmp_path / "gone.csv")


@pytest.mark.parametrize(
    "text",
    [
        "sku,input,size,no-gate\nA 1,m/a.glb,512,yes\n",
        "\ufeffSKU;Input;Size;No Gate\r\nA 1;m/a.glb;512;x\r\n\r\n",
        "article number\tinput\tsize\tenabled\nA 1\tm\\a.glb\t512\tno\n",
        "sku,input,size,no_gate\nA 1,m/a.glb,512,TRUE\n".encode("utf-16"),
        "sep=;\r\nsku;input;size;no_gate;;\r\nA 1;./m//a.glb;512;ja;;\r\n;;;;;\r\n",
        'sku,input,size,no_gate\n"A 1",m,512,1\n',  # the folder of the model
    ],
)
def test_tables_as_spreadsheets_write_them_mean_the_same(tmp_path, text):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "a.glb").touch()
    (row,) = rows(tmp_path, text)
    assert (row.sku, row.name, row.number) == ("A 1", "A_1", 0)
    assert row.settings.inputs.files == (str(tmp_path / "m" / "a.glb"),)
    assert row.settings.studio.size == 512
    assert row.settings.gate.enabled is False


def test_a_name_of_several_lines_is_of_one(tmp_path):
    (row,) = rows(tmp_path, 'sku,input,name\nA,a.glb,"Flask\n ""Eco"""\n')
    assert row.settings.inputs.name == 'Flask "Eco"'


def test_a_row_goes_before_the_template_and_the_template_before_the_program(tmp_path):
    common = RunSettings(size=2048, takes=2, lighting="studio", backend="fal", inputs=("/old.glb",), budget=3.0)
    save_template(tmp_path / "t.json", template_of(common))
    options, _ = read_template(tmp_path / "t.json")
    assert "inputs" not in options
    first, second = rows(
        tmp_path,
        "sku,input,size,angles,budget,name\nA,a.glb|b.jpg,512,side|back:180:10,1.5,Cup\nB,b.glb,,,,\n",
        RunSettings(**options),
    )
    assert (first.settings.studio.size, second.settings.studio.size) == (512, 2048)
    assert (first.settings.stills.takes, second.settings.stills.takes) == (2, 2)
    assert [angle.name for angle in first.settings.studio.angles] == ["side", "back"]
    assert len(second.settings.studio.angles) == 5
    assert [Path(name).name for name in first.settings.inputs.files] == ["a.glb", "b.jpg"]
    assert (first.settings.money.budget, second.settings.money.budget) == (1.5, 3.0)
    assert (first.settings.inputs.name, second.settings.inputs.name) == ("Cup", "")


def test_files_that_a_template_names_lie_beside_it(tmp_path):
    gate = {"details": {"front": "photos/label.jpg"}}
    options = {"environment": "sky.hdr", "gate": gate, "backdrop": "grey"}
    text = json.dumps({"consistency_template": 1, "options": options, "deliver": "web,own.json"})
    (tmp_path / "t.json").write_text(text)
    read, shops = read_template(tmp_path / "t.json")
    assert read["environment"] == str(tmp_path / "sky.hdr")
    assert read["gate"]["details"] == {"front": str(tmp_path / "photos/label.jpg")}
    assert shops == f"web,{tmp_path / 'own.json'}"


def test_files_are_found_as_people_name_them(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    names = ["home/a.glb", "K\u00e4fer.glb", "~b.glb", "shoe/1.jpg", "shoe/2.png", "shoe/notes.txt"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    cells = ["~/a.glb", "Ka\u0308fer.glb", "~b.glb", "shoe", f"{tmp_path}/home/../~b.glb", "home\\a.glb"]
    text = "sku,input,budget\n" + "".join(f'{number},{cell},"2,5"\n' for number, cell in enumerate(cells))
    found = [
        [str(Path(name).relative_to(tmp_path)) for name in row.settings.inputs.files] for row in rows(tmp_path, text)
    ]
    assert found == [[names[0]], [names[1]], [names[2]], ["shoe/1.jpg", "shoe/2.png"], [names[2]], [names[0]]]
    assert rows(tmp_path, text)[0].settings.money.budget == 2.5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "not a template"),
        ("[]", "not a template"),
        ("{", "not a template"),
        ('{"consistency_template": 9, "options": {}}', "format 9"),
        ('{"consistency_template": 1, "options": {"inputs": ["a.glb"]}}', "each product has of its own"),
        ('{"consistency_template": 1, "options": {"size": 3}}', "size"),
        ('{"consistency_template": 1, "options": {"sizes": 3}}', "sizes"),
    ],
)
def test_what_is_no_template_is_refused_in_a_sentence(tmp_path, text, said):
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(UsageError, match=said):
        read_template(tmp_path / "t.json")


def test_a_folder_of_models_and_of_folders_with_photos_is_a_table(tmp_path):
    place = tmp_path / "products"
    for name in (
        "cup.glb",
        "shoe/1.jpg",
        "shoe/2.png",
        "lamp/lamp.gltf",
        "lamp/lamp.png",
        "empty/readme.txt",
        ".hidden.glb",
    ):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).touch()
    found = rows_of(read_table(place), tmp_path / "out", RunSettings())
    inputs = {row.sku: [Path(name).name for name in row.settings.inputs.files] for row in found}
    assert inputs == {"cup": ["cup.glb"], "lamp": ["lamp.gltf"], "shoe": ["1.jpg", "2.png"]}
    for number in range(5):
        (place / "shoe" / f"more-{number}.jpg").touch()
    with pytest.raises(TableError, match="column shoe: the folder has 7 photos"):
        rows_of(read_table(place), tmp_path / "out", RunSettings())


@pytest.mark.parametrize("sku", ["..", ".", "CON", "nul.txt", "a/b\\c", "index.html", "ü ß", "x" * 90])
def test_a_row_s_folder_has_a_name_that_every_system_takes(sku):
    name = folder_name(sku)
    assert name not in (".", "..", "index.html")
    assert not set('/\\:*?"<>| ') & set(name)
    assert name.partition(".")[0].lower() not in ("con", "nul")


def test_rows_and_shards_are_chosen_by_number():
    assert chosen(40, "0-2,30, 5", None) == [0, 1, 2, 5, 30]
    assert chosen(3, None, None) == [0, 1, 2]
    shards = [chosen(20, None, f"{part}/3") for part in (1, 2, 3)]
    assert sorted(number for shard in shards for number in shard) == list(range(20))
    assert as_ranges([0, 1, 2, 5, 30, 31]) == "0-2,5,30-31"
    for ranges, shard in (
        ("3-1", None),
        ("x", None),
        ("0-99", None),
        ("", None),
        (None, "4/3"),
        (None, "0/3"),
        ("1", "1/2"),
    ):
        with pytest.raises(UsageError):
            chosen(40, ranges, shard)
