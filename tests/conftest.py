"""What all tests share: a home of their own for keys, and the real frames where they are there."""

from __future__ import annotations

from pathlib import Path

import pytest

UBPD = Path(__file__).resolve().parents[2] / "shared" / "data" / "ubpd"


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are made in a folder that ends with the test; no workspace from outside is found."""
    monkeypatch.setenv("DMR_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.delenv("DMR_WORKSPACE", raising=False)
    monkeypatch.delenv("DMR_KEY_FILE", raising=False)


@pytest.fixture(scope="session")
def ubpd() -> Path:
    """The folder of real frames."""
    if not UBPD.is_dir():
        pytest.skip("real frames are not here")
    return UBPD
