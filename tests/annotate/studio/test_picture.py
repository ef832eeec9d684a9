"""The instructions of a new project: a picture beside the keys, and the words alone where it cannot be sent."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from fake_server import FakeServer
from PIL import Image
from studio_round import FRAMES, Round

from dmr.annotate.errors import StudioError
from dmr.annotate.studio.interface.config import INSTRUCTIONS
from dmr.annotate.studio.projects.picture import SAID, SIDE, instructions_with_picture, picture_png


def test_the_picture_is_small_and_sharp_and_shows_something_in_each_third() -> None:
    data = picture_png()
    assert len(data) < 8192
    with Image.open(io.BytesIO(data)) as image:
        assert image.width > SIDE[0] and image.height > SIDE[1]
        pixels = np.asarray(image.convert("RGB"), dtype=np.int64)
    thirds = np.split(pixels, 3, axis=1)
    assert all(third.std() > 10 for third in thirds)
    assert not np.array_equal(thirds[0], thirds[1])
    yellow = [int(((third[..., :2].min(axis=2) - third[..., 2]) > 100).sum()) for third in thirds]
    assert yellow[:2] == [0, 0] and yellow[2] > 100, "the outline inside is another class"


def test_a_new_project_shows_it_after_the_first_paragraph(round_: Round, server: FakeServer) -> None:
    round_.push()
    text = str(server.studio.projects[0]["expert_instruction"])
    image = r'<img src="/data/(upload/1/[0-9a-f]+-instructions\.png)" width="600" alt="([^"]+)">'
    found = re.search(f"</p><p>{image}</p>", text)
    assert found is not None
    assert server.studio.files[found[1]] == picture_png()
    assert found[2] == SAID
    assert text.replace(found[0][len("</p>") :], "") == INSTRUCTIONS
    round_.push(round_.outgoing(None), model=None)
    assert sum(name.endswith("instructions.png") for name in server.studio.files) == 1, "once a project"


def test_the_words_say_the_keys_the_tick_and_what_is_not_taken() -> None:
    text = instructions_with_picture(INSTRUCTIONS, address="/data/x.png")
    for said in ("Ctrl+Enter", "Ctrl+Space", "Ctrl+Z", "Backspace", "double-click", "Nothing to see here", "key 0"):
        assert said in text


def test_a_project_has_one_named_value_of_its_tasks_else_label_studio_takes_no_uploads(
    round_: Round, server: FakeServer
) -> None:
    round_.push()
    root = ElementTree.fromstring(str(server.studio.projects[0]["label_config"]))
    named = [value for tag in root.iter() if tag.get("name") and "$" in (value := tag.get("value", ""))]
    assert named == ["$image"]


@pytest.mark.parametrize("status", [403, 413, 500])
def test_a_server_that_takes_no_files_has_the_words_alone(status: int, round_: Round, server: FakeServer) -> None:
    server.fail("POST", "/api/projects/1/import", status=status, body={"detail": "no"})
    assert round_.push().counts["tasks added"] == FRAMES
    assert server.studio.projects[0]["expert_instruction"] == INSTRUCTIONS


def test_a_push_that_breaks_there_is_repeated_without_a_second_project(round_: Round, server: FakeServer) -> None:
    server.fail("POST", "/api/projects/1/import", body=None)
    with pytest.raises(StudioError, match="does not answer"):
        round_.push()
    assert round_.push().counts["tasks added"] == FRAMES
    assert len(server.studio.projects) == 1
