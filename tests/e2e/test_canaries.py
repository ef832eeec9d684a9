"""Secret words in every place that holds a text: none gets into the workspace, Label Studio or messages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from collections.abc import Iterable
from pathlib import Path

import pytest
from canaries import Canaries, write_canaries
from fake_server import serve
from fake_studio import TOKEN, FakeStudio
from labelme_json import labelme, shape

from dmr.annotate.workspace import Workspace


@pytest.fixture(scope="module")
def canaries(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Canaries]:
    folder = tmp_path_factory.mktemp("ward")
    return folder, write_canaries(folder)


def found(words: dict[str, str], data: bytes) -> list[str]:
    """Places whose words are in some bytes, in any case, as UTF-8 or UTF-16."""
    low = data.lower()
    return [
        place
        for place, word in words.items()
        if any(word.lower().encode(coding) in low for coding in ("utf-8", "utf-16-le", "utf-16-be"))
    ]


def contents(workspace: Workspace) -> Iterable[bytes]:
    """All bytes of a workspace: names, files, what is packed in the store."""
    for path in workspace.root.rglob("*"):
        yield str(path.relative_to(workspace.root)).encode()
        if path.is_file():
            data = path.read_bytes()
            yield data
            try:
                yield zlib.decompress(data)
            except zlib.error:
                continue
    yield from map(workspace.store.get, workspace.store.hashes())


def dmr(*words: str, at: Path, **env: str) -> str:
    """All that a command says, on both streams."""
    done = subprocess.run(
        [sys.executable, "-m", "dmr", *words],
        cwd=at,
        env=os.environ | env,
        capture_output=True,
        check=False,
        timeout=300,
    )
    assert b"Traceback" not in done.stderr
    assert done.returncode in (0, 1), done.stderr
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def test_there_are_at_least_40_words_and_the_scans_hold_them(canaries: tuple[Path, Canaries]) -> None:
    folder, c = canaries
    assert len(c.all) >= 40
    assert len(set(c.all.values())) == len(c.all)
    everything = b"".join(str(p).encode() + p.read_bytes() for p in folder.rglob("*") if p.is_file())
    packed = {"PNG keyword"}
    assert set(found(c.all, everything)) >= set(c.all) - packed


@pytest.mark.parametrize("hide", [False, True], ids=["names shown", "names hidden"])
def test_no_secret_word_gets_further_than_it_may(
    canaries: tuple[Path, Canaries], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hide: bool
) -> None:
    folder, c = canaries
    made, _ = Workspace.create(tmp_path / "w")
    more = ["--hide-names"] if hide else []
    with serve(FakeStudio()) as server:
        env = {"DMR_STUDIO_URL": server.url, "DMR_STUDIO_TOKEN": TOKEN}
        said = dmr("prelabel", str(folder), "--push", *more, at=made.root, **env)
        said += dmr("prelabel", str(folder), "--json", *more, at=made.root, **env)
        studio = server.studio
        sent = json.dumps(
            [studio.projects, studio.tasks, studio.predictions, studio.storages, studio.views, server.asked]
        )
    with made.session(write=False) as s:
        frames = list(s.catalogue.frames())
    assert len(frames) == 12, said
    assert studio.tasks, said

    inside = [place for data in contents(made) for place in found(c.all, data)]
    assert inside == []
    assert found(c.all, sent.encode()) == []
    assert found(c.in_files, said.encode()) == []
    if hide:
        assert found(c.in_names, said.encode()) == []
    else:
        assert "damaged file" in found(c.in_names, said.encode()), (
            "the person at the screen has to know which file it is"
        )


def test_labelme_files_hold_no_secret_word(canaries: tuple[Path, Canaries], tmp_path: Path) -> None:
    folder, c = canaries
    made, _ = Workspace.create(tmp_path / "w")
    (scans,) = [path for path in folder.iterdir() if path.is_dir()]
    word = c.all["EXIF artist"]
    nerve = shape(next(iter(made.settings.classes.active)).name, [[200, 200], [260, 200], [230, 260]], description=word)
    content = labelme(nerve, imagePath="a.jpg", imageHeight=512, imageWidth=512, flags={word: True}, note=word)
    outlines = tmp_path / "outlines"
    outlines.mkdir()
    (outlines / "a.json").write_bytes(content)
    (outlines / "a.jpg").write_bytes((scans / "a.jpg").read_bytes())

    dmr("import", str(outlines), "--yes", at=made.root)
    dmr("export", "--format", "labelme", str(tmp_path / "out"), at=made.root)
    written = [*made.annotations_folder.rglob("*.json"), *(tmp_path / "out").rglob("*.json")]
    assert written
    assert [place for path in written for place in found(c.all, path.read_bytes())] == []
    assert [place for data in contents(made) for place in found(c.all, data)] == []
