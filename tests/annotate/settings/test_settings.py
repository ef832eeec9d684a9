from __future__ import annotations

import os
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.errors import SettingsError
from dmr.annotate.settings.model import (
    PartsSettings,
    QueueSettings,
    Settings,
    default_toml,
    load_settings,
    match_patient,
    parse_settings,
)

EXAMPLE = r"""
format = 1
[import]
patient = '^(?P<patient>\d+)_(?P<frame>\w+)$'    # clip is optional; without it a patient is one clip
coverage = "drawn"                                # or "all"
[geometry]
spacing_mm = "from-tags"                          # or [row, column]
[[class]]
id = 1
name = "psoas_major"
aliases = ["yaodaji"]
color = "#0072B2"
z = 10
[[class]]
id = 2
name = "lumbar_plexus"
inside = "psoas_major"
color = "#E69F00"
z = 30
[split]
train = 0.7
validation = 0.1
test = 0.2
[select]
strategy = "informative"
frames_per_round = 50
planned_rounds = 8
per_clip_per_round = 2
audit_share = 0.12
[train]
size = "s"
input = 256
[gate]
margin = 0.03
class_margin = 0.05
[studio]
url = "http://127.0.0.1:8080"                     # token: keyring, environment or a file that only its owner reads
[[studio.queue]]
name = "main"
purpose = "correct"                               # or audit, second-reading, adjudication: a project each
"""

CLASS = """
[[class]]
id = 1
name = "nerve"
"""


def test_the_example_of_the_design_is_read_in_full() -> None:
    settings = parse_settings(EXAMPLE)

    assert settings.classes.names == ("psoas_major", "lumbar_plexus")
    assert settings.classes.find("yaodaji") == settings.classes.by_id(1)
    assert settings.classes.by_id(2).inside == "psoas_major"
    assert settings.imports.coverage == "drawn"
    assert settings.geometry.spacing_mm is None
    assert (settings.split.train, settings.split.validation, settings.split.test) == (0.7, 0.1, 0.2)
    assert (settings.select.strategy, settings.select.frames_per_round) == ("informative", 50)
    assert (settings.train.size, settings.train.input) == ("s", 256)
    assert (settings.gate.margin, settings.gate.class_margin) == (0.03, 0.05)
    assert settings.studio.url == "http://127.0.0.1:8080"
    assert settings.studio.queues == (QueueSettings("main", "correct"),)
    assert settings.catalogue.url is None


def test_the_file_that_init_writes_says_the_defaults_and_names_the_shamrock_view() -> None:
    settings = parse_settings(default_toml())
    silent = parse_settings(CLASS)

    assert settings.classes.names == (
        "psoas_major",
        "quadratus_lumborum",
        "erector_spinae",
        "transverse_process",
        "vertebral_body",
        "lumbar_plexus",
    )
    assert settings.classes.children(1) == {6}
    for section in ("geometry", "split", "select", "train", "gate", "studio", "catalogue"):
        assert getattr(settings, section) == getattr(silent, section), section
    assert silent.imports.patient is None
    assert match_patient(settings, "100_25") == ("100", None)


def test_what_init_writes_as_comments_is_accepted_when_uncommented() -> None:
    setting = re.compile(r"# (\[+[a-z.]+\]+|[a-z_]+ = .*)")
    lines = [setting.sub(r"\1", line) for line in default_toml().splitlines()]
    settings = parse_settings("\n".join(lines))

    assert settings.studio.queues[0].reader is not None
    assert settings.catalogue.url is not None
    assert (settings.train.epochs, settings.train.minutes) == (100, 30.0)


def test_each_part_of_the_default_strategy_can_be_switched_and_is_named_in_what_init_writes() -> None:
    known = {f.name for f in fields(PartsSettings)}
    off = parse_settings("[select.parts]\n" + "".join(f"{name} = false\n" for name in known) + CLASS)

    assert off.select.parts.chosen == dict.fromkeys(known, False)
    assert parse_settings(default_toml()).select.parts.chosen == {}
    assert all(f"# {name} = true " in default_toml() for name in known)


names = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,8}", fullmatch=True)


@given(
    name=names,
    aliases=st.lists(st.text(st.characters(codec="utf-8"), max_size=8), max_size=4),
    z=st.integers(-(2**31), 2**31),
    retired=st.booleans(),
)
def test_any_class_comes_back_from_the_file_that_init_writes(
    name: str, aliases: list[str], z: int, retired: bool
) -> None:
    c = ClassDef(7, name, tuple(aliases), "#009E73", z, None, retired)
    assert list(parse_settings(default_toml([c])).classes) == [c]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            '[select]\nstrategi = "random"' + CLASS,
            'dmr.toml: [select] has no key "strategi". Did you mean "strategy"? Its keys are strategy, ',
            id="a key misspelt",
        ),
        pytest.param(
            "[selct]" + CLASS, 'the file has no key "selct". Did you mean "select"? ', id="a section misspelt"
        ),
        pytest.param(
            '[[class]]\nid = 1\nnam = "a"', '[[class]] has no key "nam". Did you mean "name"? ', id="in a class"
        ),
        pytest.param(
            '[[studio.queue]]\nname = "a"\npurpos = "audit"' + CLASS,
            '[[studio.queue]] has no key "purpos". Did you mean "purpose"?',
            id="in a queue",
        ),
        pytest.param(
            '[select]\nframes_per_round = "fifty"' + CLASS,
            '[select] frames_per_round is "fifty": expected a whole number. ',
            id="a text for a number",
        ),
        pytest.param("[train]\nseed = true" + CLASS, "seed is true: expected a whole number", id="true is no number"),
        pytest.param("[train]\nminutes = nan" + CLASS, "minutes is NaN: expected a number", id="NaN is no number"),
        pytest.param(
            '[train]\nsize = "xl"' + CLASS, '[train] size is "xl": expected one of "s", "m", "l"', id="choice"
        ),
        pytest.param("[train]\ninput = 100" + CLASS, "input is 100: expected a multiple of 32", id="input"),
        pytest.param("[gate]\nmargin = -0.1" + CLASS, "[gate] margin is -0.1: expected 0 to 1", id="range"),
        pytest.param(
            "[select]\nplanned_rounds = 0" + CLASS, "planned_rounds is 0: expected 1 or more", id="open range"
        ),
        pytest.param("[select]\naudit_share = 2" + CLASS, "audit_share is 2: expected 0 to 1", id="a share above 1"),
        pytest.param(
            "[select.parts]\nnoises = false" + CLASS,
            '[select.parts] has no key "noises". Did you mean "noise"? Its keys are eligible, typical, ',
            id="a part that is none",
        ),
        pytest.param(
            '[select.parts]\ntime = "no"' + CLASS,
            '[select.parts] time is "no": expected true or false',
            id="a part is on or off",
        ),
        pytest.param("[select]\nparts = 3" + CLASS, "[select.parts] is 3: expected a table", id="parts are a table"),
        pytest.param(
            "[split]\ntrain = 0.8\nvalidation = 0.1\ntest = 0.2" + CLASS,
            "[split] train, validation and test sum to 1.1, not to 1",
            id="shares",
        ),
        pytest.param("[geometry]\nspacing_mm = [0.1]" + CLASS, "expected a list of 2 entries", id="one spacing"),
        pytest.param("[geometry]\nspacing_mm = [0.1, 0]" + CLASS, "expected two numbers above 0", id="no spacing"),
        pytest.param("[import]\npatient = '('" + CLASS, "is no regular expression", id="regular expression"),
        pytest.param("[import]\npatient = '(\\d+)'" + CLASS, "has no group (?P<patient>...)", id="no patient group"),
        pytest.param('[studio]\nurl = "127.0.0.1:8080"' + CLASS, "expected http:// or https://", id="no scheme"),
        pytest.param("select = 3" + CLASS, "[select] is 3: expected a table", id="no table"),
        pytest.param(CLASS + CLASS, "[[class]] two classes have the same id", id="one id twice"),
        pytest.param(
            CLASS + '[[class]]\nid = 2\nname = "b"\naliases = ["Nerve"]', "stands for two classes", id="aliases clash"
        ),
        pytest.param('[[class]]\nid = 0\nname = "a"', "class id 0: expected 1 to 254", id="the background's id"),
        pytest.param('[[class]]\nname = "a"', "[[class]] has no key 'id'. Add id = ...", id="no id"),
        pytest.param("format = 1", "has no [[class]]", id="no class"),
        pytest.param("format = 2" + CLASS, "format is 2, and this dmr reads 1. Install", id="a newer file"),
        pytest.param("[select", "is not TOML", id="no TOML"),
        pytest.param('[catalogue]\nurl = "mysql://a"' + CLASS, "expected postgresql", id="another database"),
    ],
)
def test_what_cannot_be_followed_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings(text)
    assert message in str(caught.value)
    assert str(caught.value).startswith("dmr.toml: ")
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_a_file_as_notepad_saves_it_is_read_and_one_in_another_coding_refused(tmp_path: Path) -> None:
    path = tmp_path / "dmr.toml"
    path.write_text(default_toml(), encoding="utf-8-sig")
    assert load_settings(path).format == 1

    path.write_bytes("# 腰大肌".encode("gb18030"))
    with pytest.raises(SettingsError, match=r"dmr\.toml: is not UTF-8 text"):
        load_settings(path)
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "other.toml")


@pytest.mark.parametrize(
    ("pattern", "stem", "expected"),
    [
        pytest.param(r"^(?P<patient>\d+)_(?P<frame>\w+)$", "007_12", ("007", None), id="patient and frame"),
        pytest.param(r"^(?P<patient>\d+)_(?P<clip>\w)_", "7_b_1", ("7", "b"), id="with a clip"),
        pytest.param(r"^(?P<patient>\d+)_", "scan", (None, None), id="no match"),
        pytest.param(r"^(?P<patient>\d*)_(?P<clip>\d+)?", "_", (None, None), id="empty groups tell nothing"),
        pytest.param(None, "007_12", (None, None), id="no pattern"),
    ],
)
def test_patient_and_clip_are_taken_from_a_files_name(
    pattern: str | None, stem: str, expected: tuple[str | None, str | None]
) -> None:
    text = CLASS if pattern is None else f"[import]\npatient = '{pattern}'" + CLASS
    assert match_patient(parse_settings(text), stem) == expected


def test_every_section_of_the_file_has_a_place_in_the_settings() -> None:
    sections = tomllib.loads(EXAMPLE)
    fields = {"import": "imports", "class": "classes"}
    assert all(hasattr(Settings(Classes([ClassDef(1, "a")])), fields.get(name, name)) for name in sections)


def test_a_pipe_in_place_of_the_settings_keeps_nobody_waiting(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes here")
    os.mkfifo(tmp_path / "dmr.toml")
    with pytest.raises(SettingsError, match=r"dmr\.toml: is a pipe, a socket or a device\. Move it away"):
        load_settings(tmp_path / "dmr.toml")
