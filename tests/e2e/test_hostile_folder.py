"""Code that lies in the working folder is never run, by any command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from scans import write_scans

from dmr.annotate.convert import masks
from dmr.annotate.errors import StudioError
from dmr.annotate.progress.tell import silent
from dmr.annotate.studio.server import local as server
from dmr.annotate.system.platform import python_module, run_shown
from dmr.annotate.workspace import Workspace

HOSTILE = ("labelme", "pip", "venv", "ensurepip", "label_studio", "multiprocessing", "click", "PIL", "numpy", "dmr")
LABELME = """
import sys
from pathlib import Path
Path(sys.argv[1], "opened").write_text("\\n".join(sys.argv[2:]))
print("\\x1b[2Jlabelme says")
"""


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A workspace with programs of usual names in it, each of which leaves a trace where it is run."""
    made, _ = Workspace.create(tmp_path / "w")
    for name in HOSTILE:
        text = f"from pathlib import Path\nPath(__file__).with_suffix('.ran').touch()\nraise SystemExit('{name}')\n"
        (made.root / f"{name}.py").write_text(text, encoding="utf-8")
    return made.root


def ran(folder: Path) -> list[str]:
    return [path.stem for path in folder.glob("*.ran")]


def dmr(*arguments: str, folder: Path, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as it is installed: a script that lies elsewhere than the working folder."""
    script = folder.parent / "bin" / "script.py"
    script.parent.mkdir(exist_ok=True)
    text = f"{before}\nfrom dmr.__main__ import run\nif __name__ == '__main__':\n    run()\n"
    script.write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, str(script), *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_open_starts_the_labelme_that_is_installed_and_no_file_of_its_name(hostile: Path, tmp_path: Path) -> None:
    write_scans(tmp_path / "scans", patients=range(1), labelled=False)
    (tmp_path / "site" / "labelme").mkdir(parents=True)
    (tmp_path / "site" / "labelme" / "__init__.py").touch()
    (tmp_path / "site" / "labelme" / "__main__.py").write_text(LABELME, encoding="utf-8")
    assert dmr("ingest", str(tmp_path / "scans"), folder=hostile).returncode == 0

    opened = dmr("open", folder=hostile, DISPLAY=":0", PYTHONPATH=str(tmp_path / "site"))

    assert opened.returncode == 0, opened.stderr
    assert "\\x1b[2Jlabelme says" in opened.stderr, "what it says does not steer the terminal"
    assert "1 frame" in opened.stderr or "6 frames" in opened.stderr
    assert ran(hostile) == []


def test_label_studio_is_installed_by_the_tools_of_python(
    hostile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(hostile)
    monkeypatch.setenv("DMR_HOME", str(tmp_path / "home"))
    (tmp_path / "wheels").mkdir()
    with pytest.raises(StudioError, match="cannot install Label Studio"):
        server.install(wheels=tmp_path / "wheels", tell=silent)

    assert ran(hostile) == []


def test_a_module_is_run_from_where_it_is_installed(hostile: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_shown([*python_module("pip"), "--version"], folder=hostile) == 0
    assert "pip" in capfd.readouterr().err
    assert ran(hostile) == []


def test_the_processes_of_a_large_conversion_take_no_code_from_there(hostile: Path, tmp_path: Path) -> None:
    write_scans(tmp_path / "scans", patients=range(1), labelled=True)
    assert masks._WORTH_PROCESSES > 1
    many = "import os\nfrom dmr.annotate.convert import masks\nmasks._WORTH_PROCESSES, os.cpu_count = 1, lambda: 2"
    named = ("--classes", "psoas_major,lumbar_plexus")
    paths = (str(tmp_path / "scans"), str(tmp_path / "masks"))
    done = dmr("convert", "labelme-to-mask", *paths, *named, folder=hostile, before=many)

    assert len(list((tmp_path / "masks").glob("*.png"))) == 6, done.stderr
    assert ran(hostile) == []
