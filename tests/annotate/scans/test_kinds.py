"""What a file is, told by its content: small files made on the spot, as programs write them."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import struct
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dmr.annotate.phantom.writing import PhantomSet, write_phantom
from dmr.annotate.scans import kinds as k
from dmr.annotate.scans.kinds import Kind, is_system_file, kind_of, kind_of_file


def picture(format: str) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(out, format)
    return out.getvalue()


def packed(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name in names:
            made.writestr(name, "<x/>")
    return out.getvalue()


def open_document() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("mimetype", "application/vnd.oasis.opendocument.text")
    return out.getvalue()


def tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        made.addfile(tarfile.TarInfo("p01.png"), io.BytesIO())
    return out.getvalue()


def nifti(magic: bytes = b"n+1\0") -> bytes:
    return struct.pack("<i", 348) + b"\0" * 340 + magic + b"\0" * 100


def array() -> bytes:
    out = io.BytesIO()
    np.save(out, np.zeros(3))
    return out.getvalue()


def riff(kind: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 100) + kind + b"\0" * 100


TRANSPORT = b"".join(b"\x47" + bytes(187) for _ in range(3))
SAMPLES: dict[str, tuple[bytes, Kind]] = {
    "png": (picture("PNG"), k.PNG),
    "jpeg": (picture("JPEG"), k.JPEG),
    "bmp": (picture("BMP"), k.BMP),
    "tiff": (picture("TIFF"), k.TIFF),
    "gif": (picture("GIF"), k.GIF),
    "webp": (picture("WEBP"), k.WEBP),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0", k.HEIC),
    "mp4": (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", k.VIDEO),
    "mov": (b"\0\0\0\x14ftypqt  \0\0\0\0", k.VIDEO),
    "old mov": (b"\0\0\x12\x34moov\0\0\0\x6cmvhd", k.VIDEO),
    "avi": (riff(b"AVI "), k.VIDEO),
    "mkv": (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01", k.VIDEO),
    "wmv": (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), k.VIDEO),
    "mpeg": (b"\0\0\x01\xba\x44\0\x04\0", k.VIDEO),
    "transport stream": (TRANSPORT, k.VIDEO),
    "wav": (riff(b"WAVE"), k.SOUND),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3", k.PDF),
    "zip": (packed("a.txt"), k.ZIP),
    "empty zip": (packed(), k.ZIP),
    "docx": (packed("[Content_Types].xml", "_rels/.rels", "word/document.xml"), k.WORD),
    "xlsx": (packed("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml"), k.EXCEL),
    "odt": (open_document(), k.OFFICE),
    "doc": (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(500), k.OFFICE),
    "tar": (tar(), k.ARCHIVE),
    "gzip": (gzip.compress(b"some text"), k.ARCHIVE),
    "gzip twice": (gzip.compress(gzip.compress(b"some text")), k.ARCHIVE),
    "gzip cut short": (gzip.compress(bytes(9999))[:12], k.ARCHIVE),
    "nifti": (nifti(), k.NIFTI),
    "nifti pair": (nifti(b"ni1\0"), k.NIFTI),
    "nifti gz": (gzip.compress(nifti()), k.NIFTI),
    "numpy": (array(), k.ARRAY),
    "hdf5": (b"\x89HDF\r\n\x1a\n\0\0", k.ARRAY),
    "json": (json.dumps({"shapes": []}).encode(), k.JSON),
    "json list": (b'[\n  {"a": 1}]', k.JSON),
    "json with a mark": (b'\xef\xbb\xbf{"a": 1}', k.JSON),
    "json utf-16": ('{"a": 1}'.encode("utf-16"), k.JSON),
    "ini": (b"[section]\na = 1", k.TEXT),
    "xml": (b'<?xml version="1.0"?><a/>', k.XML),
    "html": (b"<!DOCTYPE html><html></html>", k.HTML),
    "text": ("Befund: unauffällig\r\n".encode(), k.TEXT),
    "text gbk": ("病人".encode("gb18030"), k.TEXT),
    "text latin-1": ("für".encode("latin-1"), k.TEXT),
    "text that begins as BM": (b"BMI of the patients, by year and ward", k.TEXT),
    "text that begins as MZ": (b"MZ is what a program begins with", k.TEXT),
    "program": (b"MZ\x90\0\x03\0\0\0", k.PROGRAM),
    "shortcut": (b"L\0\0\0\x01\x14\x02\0\0\0", k.SHORTCUT),
    "empty": (b"", k.EMPTY),
    "zeros": (bytes(600), k.UNKNOWN),
    "noise": (np.random.default_rng(0).bytes(600), k.UNKNOWN),
}


@pytest.mark.parametrize(("data", "kind"), SAMPLES.values(), ids=SAMPLES)
def test_a_kind_is_told_by_the_content(data: bytes, kind: Kind, tmp_path: Path) -> None:
    assert kind_of(data[: k.HEAD]) is kind
    for name in ("file", "file.png", "1.2.840.113"):  # the ending lies, or there is none
        (tmp_path / name).write_bytes(data)
        assert kind_of_file(tmp_path / name) is kind


@pytest.fixture(scope="module")
def dicom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dicom")
    for _ in write_phantom(folder, PhantomSet(1, 2, labels=False, format="dicom")):
        pass
    return next(folder.glob("*.dcm"))


def test_a_dicom_is_one_whatever_it_is_called(dicom: Path, tmp_path: Path) -> None:
    for name in ("IM000001", "a.dcm", "a.png", "a.jpg", "1.2.840.10008"):
        (tmp_path / name).write_bytes(dicom.read_bytes())
        assert kind_of_file(tmp_path / name) is k.DICOM


@pytest.mark.parametrize("implicit", [False, True], ids=["explicit", "implicit"])
def test_a_dicom_without_preamble_is_one_too(dicom: Path, implicit: bool) -> None:
    from pydicom import dcmread

    data, out = dcmread(dicom), io.BytesIO()
    data.preamble = None
    del data.file_meta
    data.save_as(out, enforce_file_format=False, implicit_vr=implicit, little_endian=True)

    assert out.getvalue()[128:132] != b"DICM"
    assert kind_of(out.getvalue()[: k.HEAD]) is k.DICOM


def test_the_list_of_contents_of_a_dicom_disk_is_no_scan(dicom: Path, tmp_path: Path) -> None:
    from pydicom import dcmread
    from pydicom.uid import MediaStorageDirectoryStorage

    data = dcmread(dicom)
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = MediaStorageDirectoryStorage
    data.save_as(tmp_path / "DICOMDIR")
    assert kind_of_file(tmp_path / "DICOMDIR") is k.DICOMDIR


def test_a_table_is_told_from_a_text_by_its_ending(tmp_path: Path) -> None:
    (tmp_path / "a.CSV").write_text("patient,age\n1,2\n", encoding="utf-8")
    assert kind_of_file(tmp_path / "a.CSV") is k.CSV


def test_a_database_is_no_text(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE a (b)")
    connection.close()
    assert kind_of_file(tmp_path / "a.db") is k.DATABASE


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    assert kind_of_file(tmp_path / "none") is k.UNOPENED
    assert kind_of_file(tmp_path) is k.UNOPENED


@given(st.binary(max_size=700))
def test_any_bytes_have_a_kind(data: bytes) -> None:
    assert isinstance(kind_of(data), Kind)


@given(st.sampled_from(sorted(SAMPLES)), st.integers(0, 700))
def test_a_beginning_cut_anywhere_has_a_kind(name: str, length: int) -> None:
    assert isinstance(kind_of(SAMPLES[name][0][:length]), Kind)


@pytest.mark.parametrize(
    "name", [".DS_Store", "Thumbs.db", "a/desktop.ini", "._p01.png", "__MACOSX/a/p01.png", ".git/x", "~$report.docx"]
)
def test_what_the_system_puts_into_folders_is_known(name: str) -> None:
    assert is_system_file(PurePosixPath(name))


@pytest.mark.parametrize("name", ["p01.png", "a.b/p01", "thumbs.db.png", "notes.ini"])
def test_what_people_put_into_folders_is_not_the_system_s(name: str) -> None:
    assert not is_system_file(PurePosixPath(name))
