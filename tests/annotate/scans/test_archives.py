"""ZIP archives, DICOM disks and files without endings: what is read, what is counted, and what is refused."""

from __future__ import annotations

import io
import struct
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from dicom_files import speckle, write_dicom
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from dmr.annotate.report import Report
from dmr.annotate.scans import archives
from dmr.annotate.scans.given import scan_files
from dmr.annotate.scans.left_out import LeftOut


def png() -> bytes:
    out = io.BytesIO()
    Image.fromarray(speckle(1)[0]).save(out, format="PNG")
    return out.getvalue()


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for scans; what is unpacked lies beside it and must be gone at the end."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    (tmp_path / "scans").mkdir()
    yield tmp_path / "scans"
    assert list(temporary.iterdir()) == []
    outside = {p.name for p in tmp_path.iterdir()} - {"scans", "temporary"}
    assert outside == set()


def given(*paths: Path) -> tuple[dict[str, bytes], Report, LeftOut]:
    """Files by what they are called, with what is left out and said."""
    report, left_out = Report("test"), LeftOut()
    read = {f.shown.as_posix(): f.path.read_bytes() for f in scan_files(paths, left_out=left_out, report=report)}
    return read, report, left_out


def failures(report: Report) -> list[str]:
    return [str(failure) for failure in report.failures]


def zipped(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_pictures_in_folders_of_an_archive_are_read_and_named_by_where_they_lie(room: Path) -> None:
    archive = zipped(
        room / "export.zip",
        {"p1/a.png": png(), "p1/deep/down/IM_0001": png(), "letter.pdf": b"%PDF-1.4", "__MACOSX/._a.png": b"x"},
    )
    read, report, left_out = given(room)
    where = archive.as_posix()
    assert set(read) == {f"{where}/p1/a.png", f"{where}/p1/deep/down/IM_0001"}
    assert set(read.values()) == {png()}
    assert left_out.line() == "1 PDF"
    assert not report.failures


def test_an_archive_inside_an_archive_is_counted_and_not_opened(room: Path) -> None:
    inner = zipped(room / "inner.zip", {"a.png": png()}).read_bytes()
    (room / "inner.zip").unlink()
    zipped(room / "outer.zip", {"inner.zip": inner, "b.png": png()})
    read, _, left_out = given(room)
    assert [Path(name).name for name in read] == ["b.png"]
    assert left_out.line() == "1 ZIP"


@pytest.mark.parametrize(
    "name", ["../../evil.png", "/etc/evil.png", "..\\..\\evil.png", "C:\\evil.png", "a/../../../evil.png", "./evil.png"]
)
def test_no_name_leads_out_of_an_archive(room: Path, name: str) -> None:
    zipped(room / "a.zip", {name: png()})
    read, report, _ = given(room)
    (shown,) = read
    assert shown.startswith((room / "a.zip").as_posix() + "/")
    assert ".." not in Path(shown).parts
    assert Path(shown).name == "evil.png"
    assert not report.failures


def test_an_encrypted_archive_is_refused_with_what_to_do(room: Path) -> None:
    archive = zipped(room / "a.zip", {"a.png": png()})
    data = bytearray(archive.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.index(mark) + at
        data[place] |= 1
    archive.write_bytes(bytes(data))
    read, report, _ = given(room)
    assert read == {}
    (line,) = failures(report)
    assert "is encrypted. Unpack it yourself" in line


def test_a_bomb_is_stopped_and_its_neighbours_are_read(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_SMALL", 1 << 20)
    zipped(room / "a.zip", {"a.png": png(), "bomb.png": bytes(8 << 20), "z.png": png()})
    read, report, _ = given(room)
    assert [Path(name).name for name in read] == ["a.png", "z.png"]
    (line,) = failures(report)
    assert "bomb.png: unpacks to more than 1 MiB" in line


def test_an_archive_that_says_too_little_of_itself_is_stopped_too(room: Path) -> None:
    archive = zipped(room / "a.zip", {"a.png": bytes(4 << 20)})
    data = archive.read_bytes().replace(struct.pack("<L", 4 << 20), struct.pack("<L", 100))
    archive.write_bytes(data)
    read, report, _ = given(room)
    assert all(len(content) <= 100 for content in read.values())
    assert read == {} and len(report.failures) == 1


@pytest.mark.parametrize(
    ("limit", "value", "why"), [("MOST_FILES", 1, "holds more than 1 files"), ("MOST_BYTES", 9, "GiB")]
)
def test_an_archive_of_too_much_is_refused(
    room: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, why: str
) -> None:
    monkeypatch.setattr(archives, limit, value)
    zipped(room / "a.zip", {"a.png": png(), "b.png": png()})
    read, report, _ = given(room)
    assert read == {}
    (line,) = failures(report)
    assert why in line


@pytest.mark.parametrize("damage", ["end", "middle", "member"])
def test_a_damaged_archive_is_one_line(room: Path, damage: str) -> None:
    archive = zipped(room / "a.zip", {"a.png": png(), "b.png": png()}, zipfile.ZIP_STORED)
    data = bytearray(archive.read_bytes())
    if damage == "end":
        del data[-30:]
    elif damage == "middle":
        del data[200:400]
    else:
        data[300] ^= 255
    archive.write_bytes(bytes(data))
    read, report, _ = given(room)
    assert len(read) < 2
    assert report.failures
    assert all(("\n" not in line and "ZIP" in line) or "archive is damaged" in line for line in failures(report))


def test_two_members_of_one_name_are_both_read(room: Path) -> None:
    with zipfile.ZipFile(room / "a.zip", "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a.png", png())
        archive.writestr("a.png", png() + b"second")
    report, left_out = Report("test"), LeftOut()
    read = [f.path.read_bytes() for f in scan_files([room], left_out=left_out, report=report)]
    assert sorted(read, key=len) == [png(), png() + b"second"]


def test_a_dicomdir_stands_for_its_folder(tmp_path: Path) -> None:
    (tmp_path / "IMAGES").mkdir()
    for number in range(2):
        write_dicom(tmp_path / "IMAGES" / f"I{number}", speckle(1, seed=number))
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = MediaStorageDirectoryStorage, UID("1.2.3")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory = Dataset()
    directory.file_meta, directory.preamble, directory.FileSetID = meta, b"\0" * 128, "DISK"
    directory.save_as(tmp_path / "DICOMDIR", enforce_file_format=True)

    for named in (tmp_path / "DICOMDIR", tmp_path):
        read, report, left_out = given(named)
        assert [Path(name).name for name in read] == ["I0", "I1"]
        assert not report.failures
        assert left_out.line() == ""
