"""Nothing is sent: what computes networks runs where every call to the network is recorded."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(find_spec("openvino") is None, reason="OpenVINO is not installed")

# Python tells an audit hook of every socket and look-up, and hands the hook on to the processes that it forks.
TRAP = """
import os, sys
seen = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
HARMLESS = ("socket.__new__", "socket.bind", "socket.gethostname")  # a library asks so whether there is IPv6
def refuse(event, arguments):
    if event.split(".")[0] in ("socket", "urllib", "http", "ftplib", "smtplib") and event not in HARMLESS:
        os.write(seen, f"{event} {arguments}\\n".encode())
        raise OSError("the test refuses the network")
"""
ARMED = "sys.addaudithook(refuse)\n"
ENGINE = """
import torch
from dmr.model.inference.engine import OpenVinoEngine
from dmr.model.network.dmrnet import SIZES, DMRNet
engine = OpenVinoEngine(DMRNet(1, size=SIZES["s"]).eval(), size=32, precision="f32")
assert engine(torch.zeros(3, 1, 32, 32))[0].shape == (3, 2, 32, 32)
"""
SESSION = """
import time
session = onnxruntime.InferenceSession("empty.onnx", providers=["CPUExecutionProvider"])
assert session.run(None, {"x": [1.0]})[0] == [1.0]
time.sleep(1)  # it would send from a thread of its own
"""
QUIET = "from dmr.model.computing.telemetry import import_onnxruntime\nonnxruntime = import_onnxruntime()\n"
OTHERS = "import dmr.annotate.studio.server.client, rich.console, matplotlib, pandas, rasterio\n"
NETWORK = re.compile(r"^.*\b(?:connect|sendto|sendmsg|sendmmsg)\(.*(?:AF_INET|sin_|port).*$", re.MULTILINE)


def run(program: str, folder: Path, *, traced: bool = False, cut_off: bool = False) -> str:
    """The network calls that a program makes, in a home folder of its own and as on no CI machine.

    Args:
        program: Python.
        folder: Gets the home folder and the records.
        traced: Record its system calls too, whoever makes them.
        cut_off: Run it where there is no network at all.
    """
    home, record = folder / "home", folder / "record"
    home.mkdir(parents=True)
    on_ci = ("CI", "TF_BUILD", "JENKINS_URL")  # there OpenVINO would not send, and the test would show nothing
    environment = {k: v for k, v in os.environ.items() if k not in on_ci}
    environment |= {"HOME": str(home), "USERPROFILE": str(home), "LOCALAPPDATA": str(home)}
    trace = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=network", "-o", str(folder / "calls")]
    command = [
        *(("unshare", "-rn") if cut_off else ()),
        *(trace if traced else ()),
        sys.executable,
        "-c",
        TRAP + program,
        str(record),
    ]
    ended = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    assert ended.returncode == 0, ended.stderr
    return record.read_text(encoding="utf-8")


def works(*command: str) -> bool:
    """Whether this machine has such a program and lets it do that."""
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0


def may_trace() -> bool:
    """Whether system calls can be looked at here."""
    return works("strace", "--seccomp-bpf", "-f", "-qq")


def calls(folder: Path) -> list[str]:
    """The system calls of a traced run that reach for the network."""
    return NETWORK.findall((folder / "calls").read_text(encoding="utf-8", errors="replace"))


def test_the_engine_sends_nothing_and_looks_nothing_up(tmp_path: Path) -> None:
    traced = may_trace()
    assert run(ARMED + ENGINE, tmp_path, traced=traced) == ""
    assert not list((tmp_path / "home").rglob("*openvino*")), "no id of the user is kept"
    if traced:
        assert calls(tmp_path) == []


def test_other_libraries_send_nothing_when_they_are_imported(tmp_path: Path) -> None:
    assert run(ARMED + OTHERS, tmp_path) == ""


@pytest.mark.skipif(find_spec("openvino_telemetry") is None, reason="OpenVINO's telemetry is not installed")
def test_the_trap_catches_what_openvino_sends_by_itself(tmp_path: Path) -> None:
    assert "google-analytics.com" in run(ARMED + "import openvino", tmp_path)
    assert list((tmp_path / "home").rglob("openvino_ga_cid"))


def empty_network(folder: Path) -> None:
    """Write an ONNX file that gives back what it is given."""
    onnx = pytest.importorskip("onnx")
    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy")
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["x"], ["y"])], "empty", [x], [y])
    opset = onnx.helper.make_opsetid("", 18)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9), folder / "empty.onnx")


needs_onnxruntime = pytest.mark.skipif(find_spec("onnxruntime") is None, reason="ONNX Runtime is not installed")


@needs_onnxruntime
@pytest.mark.skipif(not may_trace(), reason="there is no strace, or it may not trace")
def test_onnx_runtime_sends_nothing_and_keeps_no_id(tmp_path: Path) -> None:
    empty_network(tmp_path)
    run(ARMED + QUIET + SESSION, tmp_path, traced=True)

    assert calls(tmp_path) == []
    assert not list((tmp_path / "home").rglob("*onnx*"))


@needs_onnxruntime
@pytest.mark.skipif(not works("unshare", "-rn"), reason="no place without a network can be made here")
def test_onnx_runtime_by_itself_keeps_an_id(tmp_path: Path) -> None:
    if b"ORT_DISABLE_TELEMETRY" not in native_library():
        pytest.skip("this ONNX Runtime has no telemetry")
    for n in range(3):  # it does so in a thread of its own, which a short program may outrun
        folder = tmp_path / str(n)
        folder.mkdir()
        empty_network(folder)
        run("import onnxruntime\n" + SESSION + "\nimport time; time.sleep(2)", folder, cut_off=True)
        if list((folder / "home").rglob("*onnxruntime*")):
            return
    pytest.skip("it kept no id in three runs: this control shows nothing here")


def native_library() -> bytes:
    found = find_spec("onnxruntime")
    assert found is not None
    assert found.origin is not None
    return b"".join(p.read_bytes() for p in (Path(found.origin).parent / "capi").glob("libonnxruntime.so*"))


@pytest.mark.skipif(not may_trace(), reason="there is no strace, or it may not trace")
def test_the_trace_shows_a_deliberate_call(tmp_path: Path) -> None:
    program = "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 9))"
    assert run(program, tmp_path, traced=True) == ""
    assert len(calls(tmp_path)) == 1
