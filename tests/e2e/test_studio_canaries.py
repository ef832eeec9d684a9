"""Secret words in scans and Labelme files, sent to a real Label Studio: none of them comes back from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from canaries import Canaries, write_canaries
from labelme_json import labelme, shape
from studio_loop import dmr, running_studio

from dmr.annotate.studio.server import local as server
from dmr.annotate.studio.server.credentials import Login, find_login
from dmr.annotate.workspace import Workspace

pytestmark = pytest.mark.studio
_CODINGS = ("utf-8", "utf-16-le", "utf-16-be")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a running server; it ends with this."""
    folder = tmp_path_factory.mktemp("studio")
    with running_studio(folder, port=18480):
        yield folder


@pytest.fixture(scope="module")
def sent(home: Path) -> tuple[Canaries, Workspace, Login, dict[str, str]]:
    """Scans and a Labelme file with secret words, prelabelled and pushed; and what the commands said."""
    c = write_canaries(home / "ward")
    (scans,) = [path for path in (home / "ward").iterdir() if path.is_dir()]
    made, _ = Workspace.create(home / "w")
    label = next(iter(made.settings.classes.active)).name
    word = c.tag("Labelme flag")
    drawn = shape(label, [[200, 200], [260, 200], [230, 260]], description=c.tag("Labelme description"))
    more = {"imagePath": "a.jpg", "imageHeight": 512, "imageWidth": 512, "flags": {word: True}}
    outlines = home / "outlines"
    outlines.mkdir()
    (outlines / "a.json").write_bytes(labelme(drawn, note=c.tag("Labelme key"), **more))
    (outlines / "a.jpg").write_bytes((scans / "a.jpg").read_bytes())
    said = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.root)
        said["import"] = dmr("import", str(outlines), "--yes", "--hide-names").output
        said["prelabel"] = dmr("prelabel", str(scans), "--no-push", "--hide-names", code=1).output
        said["push"] = dmr("push", "--device", "cpu", "--pixels-reviewed", "--hide-names").output
        said["again"] = dmr("prelabel", str(scans), "--json", "--no-push", "--hide-names", code=1).output
    login = find_login(made.settings)
    assert login is not None
    return c, made, login, said


def hits(words: dict[str, str], data: bytes) -> list[str]:
    low = data.lower()
    return [place for place, word in words.items() if any(word.lower().encode(how) in low for how in _CODINGS)]


def test_nothing_that_a_real_label_studio_gives_back_holds_a_secret_word(
    sent: tuple[Canaries, Workspace, Login, dict[str, str]],
) -> None:
    c, made, login, _ = sent
    assert len(c.all) >= 40
    with made.catalogue() as catalogue:
        queue = catalogue.queue("main")
    assert queue is not None
    given: dict[str, bytes] = {}
    with httpx.Client(base_url=login.url, headers={"Authorization": f"Token {login.token}"}, timeout=120) as http:

        def ask(path: str, **params: object) -> httpx.Response:
            answer = http.get(path, params=params or None)  # type: ignore[arg-type]  # with {}, httpx drops the query
            assert answer.status_code == 200, (path, answer.text)
            given[f"{path} {params}"] = answer.content
            return answer

        ask("/api/projects/")
        ask(f"/api/projects/{queue.project}/")
        ask("/api/storages/", project=queue.project)
        ask("/api/dm/views/", project=queue.project)
        tasks = ask("/api/tasks/", project=queue.project, fields="all", page_size=500).json()["tasks"]
        assert len(tasks) >= 5
        for task in tasks:
            ask(f"/api/tasks/{task['id']}/")
            picture = ask(task["data"]["image"])
            assert picture.headers["content-type"] == "image/png" and picture.content.startswith(b"\x89PNG")
        ask(f"/api/projects/{queue.project}/export", exportType="JSON", download_all_tasks="true")
    assert {place: found for place, data in given.items() if (found := hits(c.all, data))} == {}
    assert json.dumps(tasks).count("frame_id") >= len(tasks)


def test_the_server_s_own_files_hold_no_secret_word(sent: tuple[Canaries, Workspace, Login, dict[str, str]]) -> None:
    c, _, _, _ = sent
    files = [path for path in server.data_folder().rglob("*") if path.is_file()]
    assert files
    assert {path.name: found for path in files if (found := hits(c.all, path.read_bytes()))} == {}


def test_messages_with_hidden_names_hold_no_secret_word(
    sent: tuple[Canaries, Workspace, Login, dict[str, str]],
) -> None:
    c, _, _, said = sent
    assert all(said.values())
    assert {command: found for command, text in said.items() if (found := hits(c.all, text.encode()))} == {}
