from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.errors import UsageError
from dmr.annotate.recognition.propose import Proposal, _classes, propose_settings
from dmr.annotate.recognition.recognise import Labels
from dmr.annotate.settings.model import default_toml, match_patient, parse_settings


def write(path: Path, *labels: str, encoding: str = "utf-8", shape_type: str = "polygon") -> None:
    """A Labelme file without an image: proposals read none."""
    square = [[1, 1], [9, 1], [9, 9], [1, 9]]
    shapes = [{"label": label, "points": square, "shape_type": shape_type} for label in labels]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(json.dumps({"shapes": shapes, "imagePath": "x.png"}, ensure_ascii=False).encode(encoding))


def labels_of(*files: tuple[tuple[str, ...], int]) -> Labels:
    """Labels as counted in so many files of each kind."""
    labels = Labels()
    for drawn, times in files:
        labels.together[frozenset(drawn)] += times
        for label in drawn:
            labels.shapes[label] += times
    return labels


def by_name(proposal: Proposal) -> dict[str, tuple[str, ...]]:
    return {c.name: c.aliases for c in proposal.classes}


def test_the_real_files_are_explained_as_their_physicians_meant_them(ubpd: Path) -> None:
    proposal = propose_settings(ubpd)

    assert by_name(proposal) == {
        "nerve": ("shenjing",),
        "muscle": ("jirouzuzhi",),
        "artery": ("dongmai",),
        "vein": ("jingmai",),
    }
    assert proposal.ignore == ("jizhu",)
    assert proposal.data["classes"] == {"nerve": 693, "muscle": 580, "artery": 459, "vein": 445}
    assert (proposal.data["files"], proposal.data["patients"], proposal.data["files with a patient"]) == (738, 66, 738)


def test_spellings_languages_and_slips_become_one_class(tmp_path: Path) -> None:
    for k in range(12):
        write(tmp_path / f"{k // 2}_{k}.json", "腰大肌", "Lumbar Plexus", "Nervus ulnaris", encoding="gb18030")
    write(tmp_path / "7_1.json", "Psoas-Major", "yaocong", "nervus_ulnaris", "Nervus ulnariss")
    proposal = propose_settings(tmp_path)

    assert by_name(proposal) == {
        "psoas_major": ("Psoas-Major", "腰大肌"),
        "lumbar_plexus": ("Lumbar Plexus", "yaocong"),
        "Nervus_ulnaris": ("Nervus ulnaris", "Nervus ulnariss"),
    }
    assert next(c for c in proposal.classes if c.name == "lumbar_plexus").inside == "psoas_major"


def test_a_label_that_can_be_no_name_gets_one_and_stays_as_an_alias(tmp_path: Path) -> None:
    write(tmp_path / "1_1.json", "外星人", "3rd", "class_1", "a \x7f \u0001 'quoted' \"twice\" \\", "")
    proposal = propose_settings(tmp_path / "1_1.json")

    settings = parse_settings(default_toml(proposal.classes, patient=proposal.patient, ignore=proposal.ignore))
    assert all(settings.classes.find(label) for label in ("外星人", "3rd", "class_1"))
    assert settings.classes.find("a \x7f \u0001 'quoted' \"twice\" \\") is not None
    assert match_patient(settings, "1_1") == ("1", None)


def test_the_rare_is_ignored_in_many_files_and_kept_in_few() -> None:
    many, few = labels_of((("nerve",), 99), (("needle", "nerve"), 1)), labels_of((("nerve",), 9), (("needle",), 1))

    assert _classes(many)[1] == ("needle",)
    assert [c.name for c in _classes(few)[0]] == ["nerve", "needle"]


def test_points_lines_and_labelmes_words_for_nothing_are_no_structures(tmp_path: Path) -> None:
    write(tmp_path / "1_1.json", "nerve", "_background_", "__ignore__")
    write(tmp_path / "1_2.json", "needle", shape_type="linestrip")

    assert list(by_name(propose_settings(tmp_path))) == ["nerve"]


def test_given_classes_and_patterns_stay_and_classes_learn_more_aliases(tmp_path: Path) -> None:
    write(tmp_path / "100_25.json", "shenjing", "jirou", "foo")
    given = [ClassDef(1, "nerve", ("n.",)), ClassDef(2, "gristle")]
    proposal = propose_settings(tmp_path, classes=given, patient=r"_(?P<patient>\d+)$")

    assert by_name(proposal) == {"nerve": ("n.", "shenjing"), "gristle": ()}
    assert proposal.patient == r"_(?P<patient>\d+)$"
    assert any(line.split() == ["(no", "class)", "1", "2", "jirou,", "foo"] for line in proposal.lines)


def test_files_that_are_each_their_own_patient_get_no_pattern_and_the_line_to_paste(tmp_path: Path) -> None:
    for k in range(6):
        write(tmp_path / f"{k:03}_scan.json", "nerve")
    proposal = propose_settings(tmp_path)

    assert proposal.patient == ""
    assert any("each of 6 files a patient of its own" in line for line in proposal.lines)
    (line,) = (line for line in proposal.lines if line.startswith("patient = "))
    text = default_toml(proposal.classes, patient="")
    assert match_patient(parse_settings(text), "003_scan") == (None, None)
    assert match_patient(parse_settings(text.replace("[import]", f"[import]\n{line}")), "003_scan") == ("003", None)


def test_patients_in_folders_are_told_and_no_name_is(tmp_path: Path) -> None:
    for patient in ("Zhang", "Li"):
        for k in range(3):
            write(tmp_path / patient / f"img{k}.json", "nerve")
    proposal = propose_settings(tmp_path)

    assert any("The files lie in 2 folders. A pattern sees only a file's own name" in line for line in proposal.lines)
    assert not any(name in line for line in proposal.lines for name in ("Zhang", "Li ", "img"))


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "holds no Labelme file"), ("{", "that can be read"), ('{"shapes": []}', "no outline with a label")],
)
def test_where_nothing_can_be_proposed_it_says_why(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "a.json").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=words):
        propose_settings(tmp_path)


@given(st.lists(st.lists(st.text(max_size=12), min_size=1, max_size=4), min_size=1, max_size=12))
def test_any_labels_make_settings_that_can_be_read_and_know_each_label(files: list[list[str]]) -> None:
    labels = labels_of(*((tuple({t.strip().encode("utf-8", "replace").decode() for t in f}), 1) for f in files))
    classes, ignore = _classes(labels)
    if not classes:
        return
    settings = parse_settings(default_toml(classes, ignore=ignore))

    assert all(settings.classes.find(text) or settings.imports.ignores(text) for text in labels.shapes if text)
    assert len(Classes(classes)) == len(classes)
