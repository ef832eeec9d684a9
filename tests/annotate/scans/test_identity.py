from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmr.annotate.errors import WorkspaceError
from dmr.annotate.scans.identity import Key, clip_id, frame_id, key_path, load_key, make_key, pseudonym

KEY = Key(bytes(range(32)))
OTHER = Key(bytes(range(1, 33)))
SOURCE = "ab" * 32


def test_names_stay_what_they_are_from_version_to_version() -> None:
    assert KEY.id == "5037c44a91be5b24"
    assert pseudonym(KEY, "12345") == "p25a2edbf8929cb63"
    assert frame_id(KEY, source_sha256=SOURCE, index=3) == "f6ea2bd0420cfc9dcf663"
    assert clip_id(KEY, patient="p1", clip="2", source_sha256=SOURCE) == "c381b87e0bff6a7b5"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("ABC-1", "abc-1", id="case"),
        pytest.param(" 12 ", "12", id="outer blanks"),
        pytest.param("12\0", "12", id="DICOM padding"),
        pytest.param("１２", "12", id="full-width digits"),
        pytest.param("M\u00fcller", "Mu\u0308ller", id="composed or not"),
        pytest.param("STRASSE", "straße", id="case folding"),
    ],
)
def test_a_patient_has_one_pseudonym_however_the_number_is_written(one: str, other: str) -> None:
    assert pseudonym(KEY, one) == pseudonym(KEY, other)


@pytest.mark.parametrize(("one", "other"), [("7", "007"), ("1 2", "12"), ("1", "2")])
def test_what_may_be_two_patients_stays_two(one: str, other: str) -> None:
    assert pseudonym(KEY, one) != pseudonym(KEY, other)


@given(text=st.text(min_size=1))
def test_normalising_twice_is_normalising_once(text: str) -> None:
    try:
        name = pseudonym(KEY, text)
    except ValueError:
        assert not unicodedata.normalize("NFKC", text).casefold().strip("\0 \t\r\n")
        return
    assert name == pseudonym(KEY, f" {unicodedata.normalize('NFKC', text)}\0")
    assert name != pseudonym(OTHER, text)
    assert len(name) == 17


def test_an_empty_text_names_no_patient() -> None:
    with pytest.raises(ValueError, match="names no patient"):
        pseudonym(KEY, " \0")


def test_clips_are_told_apart_by_patient_and_clip_and_else_by_file() -> None:
    def name(patient: str | None, clip: str | None, source: str = SOURCE) -> str:
        return clip_id(KEY, patient=patient, clip=clip, source_sha256=source)

    other = "cd" * 32
    assert name("p1", None) == name("p1", None, other)
    assert name("p1", "2") == name("p1", "2", other)
    assert name(None, None) != name(None, None, other)
    assert len({name("p1", None), name("p2", None), name("p1", "2"), name("p2", "2"), name(None, "2")}) == 5
    assert name("p1", "2") != name("p12", None)


def test_frames_are_told_apart_by_file_and_place() -> None:
    names = {frame_id(KEY, source_sha256=s, index=i) for s in (SOURCE, "cd" * 32) for i in (0, 1, 11)}
    assert len(names) == 6


def test_a_key_is_kept_outside_for_its_owner_only_and_never_printed() -> None:
    key = make_key()
    path = key_path(key.id)

    assert load_key(key.id) == key
    assert key.secret.hex() in path.read_text(encoding="ascii")
    assert key.secret.hex() not in repr(key)
    assert str(key.secret) not in repr(key)
    if sys.platform != "win32":
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_that_is_not_here_is_an_error_that_says_what_to_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WorkspaceError, match=rf"Copy {KEY.id}\.key .* or set DMR_KEY_FILE to it"):
        load_key(KEY.id)

    monkeypatch.setenv("DMR_KEY_FILE", str(tmp_path / "copied.key"))
    (tmp_path / "copied.key").write_text(KEY.secret.hex() + os.linesep, encoding="ascii")
    assert load_key(KEY.id) == KEY
    with pytest.raises(WorkspaceError, match=f"is the key {KEY.id}, and the workspace was made with {OTHER.id}"):
        load_key(OTHER.id)


@pytest.mark.parametrize("content", [b"", b"00ff", b"zz" * 32, b"\xff" * 64])
def test_a_file_that_holds_no_key_is_refused_without_being_quoted(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.key").write_bytes(content)
    monkeypatch.setenv("DMR_KEY_FILE", str(tmp_path / "a.key"))
    with pytest.raises(WorkspaceError, match="is not a pseudonym key") as caught:
        load_key(KEY.id)
    assert "zz" not in str(caught.value).replace(str(tmp_path), "")


def test_a_patient_whose_name_is_no_valid_text_has_a_pseudonym_of_their_own() -> None:
    key = Key(bytes(32))
    assert pseudonym(key, "M\udcfcller") != pseudonym(key, "M\udcf6ller")
    assert pseudonym(key, "Müller") == "p" + key.digest("patient", "müller")[:16]
