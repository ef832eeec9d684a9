"""What all tests share: a home of their own for keys, patience on a busy machine, and the real frames if there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
from hypothesis import HealthCheck, settings

UBPD = Path(__file__).resolve().parents[2] / "shared" / "data" / "ubpd"

# A busy computer is no failure of the code. The same examples each time, so a test fails with the change that broke it;
# `make test ARGS="--hypothesis-profile search"` looks for others.
settings.register_profile("dmr", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("search", settings.get_profile("dmr"), derandomize=False, max_examples=1000)
settings.load_profile("dmr")


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keys and caches of these tests, never the user's own."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DMR_HOME", str(folder))
        patch.delenv("DMR_KEY_FILE", raising=False)
        patch.delenv("DMR_WORKSPACE", raising=False)
        yield folder


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One certificate: httpx reads all of them for every client, which takes longer than most tests."""
    every = Path(certifi.where()).read_text(encoding="utf-8")
    first = every[every.index("-----BEGIN") :].partition("-----END CERTIFICATE-----")
    path = tmp_path_factory.mktemp("certificate") / "one.pem"
    path.write_text(first[0] + first[1] + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def ubpd() -> Path:
    """The folder of real frames."""
    if not UBPD.is_dir():
        pytest.skip("the real frames are not here")
    return UBPD
