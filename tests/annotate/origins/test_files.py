"""Whether the file that a frame came from is still there and the same."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from dmr.annotate.catalogue.records import FrameRecord
from dmr.annotate.origins.files import file_state, source_hashes
from dmr.annotate.origins.index import Seen

MakeFrame = Callable[..., FrameRecord]


def test_a_file_is_the_same_until_its_bytes_change(tmp_path: Path, make_frame: MakeFrame) -> None:
    path = tmp_path / "p1.png"
    path.write_bytes(b"scan")
    frame = make_frame(1, source_sha256=sha256(b"scan").hexdigest())
    seen = Seen(frame.frame_id, path, 0)
    assert file_state(seen, frame) == "same"
    path.write_bytes(b"another scan")
    assert file_state(seen, frame) == "changed"
    path.unlink()
    assert file_state(seen, frame) == "missing"
    path.mkdir()
    assert file_state(seen, frame) == "cannot be opened"
    assert file_state(None, frame) == "unknown"


def test_a_labelme_file_has_the_hash_of_the_image_inside_it_too(tmp_path: Path) -> None:
    outlines = {"shapes": [], "imagePath": "a.png", "imageData": base64.b64encode(b"scan").decode()}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(outlines), encoding="utf-8")
    assert source_hashes(path) == [sha256(path.read_bytes()).hexdigest(), sha256(b"scan").hexdigest()]
    path.write_bytes(b"{ no labelme file")
    assert source_hashes(path) == [sha256(b"{ no labelme file").hexdigest()]
