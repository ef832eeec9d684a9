"""Engines that compute a trained network: torch, or OpenVINO, which is several times as fast on a CPU."""

from __future__ import annotations

import copy
from typing import Any, Final, Literal, Protocol

import torch
from torch import Tensor, nn

from ...annotate.system.quiet import quietly
from ..computing.device import autocast, has_fast_bf16
from ..computing.telemetry import import_openvino
from ..computing.threads import ThreadChoice, granted_threads, thread_choice
from ..network.dmrnet import DMRNet, as_output

EngineName = Literal["auto", "torch", "openvino"]
BATCH: Final = 8  # frames that torch computes at a time: more are no faster
_SHARE: Final = 2  # frames in one of OpenVINO's requests, of which several run side by side
_WAITING: Final = 16  # OpenVINO requests that are kept ready
WORTH_IT: Final = 64  # frames that torch does in the seconds that OpenVINO needs to take over a network


class Engine(Protocol):
    """Computes one network."""

    name: str

    def __call__(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised frames `(B, 1, S, S)` -> logits `(B, 1 + classes, S, S)` and embedding `(B, C)`, float32."""
        ...


class TorchEngine:
    """The network in torch; in bfloat16 if the device has hardware for it.

    Args:
        network: The trained network.
        device: The device to compute on.
        threads: Chooses the number of processor threads for each batch; None leaves torch's setting as it is.
    """

    name = "torch"

    def __init__(self, network: nn.Module, device: torch.device, *, threads: ThreadChoice | None = None) -> None:
        self.network, self.device, self.threads = network.to(device).eval(), device, threads

    @torch.inference_mode()
    def __call__(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """See `Engine`; the answer is on the engine's device."""
        logits, embeddings = [], []
        for part in torch.split(frames.to(self.device), BATCH):
            if self.threads is not None:
                self.threads("predict")
            with autocast(self.device):
                output = as_output(self.network(part))
            logits.append(output.logits.float())
            embeddings.append(output.embedding.float())
        return torch.cat(logits), torch.cat(embeddings)


class DropoutEngine(TorchEngine):
    """The network with dropout on: each answer is another random draw (Gal & Ghahramani 2016, arXiv:1506.02142).

    Args:
        network: A network that was trained with dropout.
        device: The device to compute on.
        seed: Random seed of the dropout; the same calls in the same order give the same answers.
    """

    name = "torch, dropout"

    def __init__(self, network: nn.Module, device: torch.device, *, seed: int = 0) -> None:
        super().__init__(copy.deepcopy(network), device)
        for module in self.network.modules():
            if isinstance(module, nn.Dropout2d):
                module.train()
        self.seed = seed

    def __call__(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """See `Engine`."""
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            self.seed += 1
            return super().__call__(frames)


class OpenVinoEngine:
    """The network compiled by OpenVINO for this processor, with fused operations, and bfloat16 where it is fast.

    It needs no compiler.

    Raises:
        ImportError: OpenVINO is not installed.
        RuntimeError: OpenVINO cannot take over the network.
    """

    name = "openvino"

    def __init__(
        self,
        network: DMRNet,
        *,
        size: int,
        precision: Literal["bf16", "f32"] | None = None,
        threads: int | None = None,
    ) -> None:
        openvino = import_openvino()
        from openvino.frontend import FrontEndManager
        from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

        with torch.no_grad(), quietly():  # the tracer warns of every size that it fixes; ours are fixed
            traced = torch.jit.trace(  # type: ignore[no-untyped-call]
                inference_part(network), torch.zeros(1, 1, size, size), check_trace=False
            )
            # `openvino.convert_model` does the same, but reports it to its maker over the internet.
            front = FrontEndManager().load_by_framework("pytorch")
            decoder = TorchScriptPythonDecoder(traced)  # must live until the end of the conversion
            model = front.convert(front.load(decoder))
        model.reshape(openvino.PartialShape([_SHARE, 1, size, size]))
        hints = {
            "PERFORMANCE_HINT": "THROUGHPUT",  # small batches side by side keep the cores busier than one large batch
            "INFERENCE_PRECISION_HINT": precision or fast_precision(),
            # One stream for each thread: a request never waits for another thread, which other programs may hold up.
            "INFERENCE_NUM_THREADS": threads or granted_threads(),
            "NUM_STREAMS": threads or granted_threads(),
        }
        compiled = openvino.Core().compile_model(model, "CPU", hints)
        self._shapes = [tuple(compiled.output(k).shape)[1:] for k in range(2)]
        # More than run at a time, so that the next request can be handed over without waiting.
        self._requests = [compiled.create_infer_request() for _ in range(_WAITING)]

    def __call__(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """See `Engine`."""
        x = frames.float()
        if missing := -len(frames) % _SHARE:
            x = torch.cat([x, x.new_zeros(missing, *x.shape[1:])])
        x = x.contiguous()
        answers = [torch.empty(len(x), *shape) for shape in self._shapes]
        # Each request reads and writes its part of these tensors itself. A callback in Python would have to wait for
        # the interpreter, which traces outlines meanwhile, and a core would idle.
        for number, start in enumerate(range(0, len(x), _SHARE)):
            request = self._requests[number % _WAITING]
            request.wait()
            part = slice(start, start + _SHARE)
            request.set_input_tensor(_shared(x[part]))
            for k, answer in enumerate(answers):
                request.set_output_tensor(k, _shared(answer[part]))
            request.start_async()
        for request in self._requests:
            request.wait()
        logits, embedding = (answer[: len(frames)] for answer in answers)
        return logits, embedding


def _shared(tensor: Tensor) -> Any:
    """An OpenVINO tensor that shares this tensor's memory."""
    return import_openvino().Tensor(tensor.numpy(), shared_memory=True)


def fast_precision() -> Literal["bf16", "f32"]:
    """bfloat16 if this processor has hardware for it, else float32."""
    return "bf16" if has_fast_bf16(torch.device("cpu")) else "f32"


class InferencePart(nn.Module):
    """A network that returns a plain pair, as exporters need it."""

    def __init__(self, network: DMRNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised frames `(B, 1, S, S)` -> logits and embedding."""
        output = self.network(frames)
        return output.logits, output.embedding


def inference_part(network: DMRNet) -> InferencePart:
    """A copy of a network to trace or export: on the CPU, in inference mode, with channels first."""
    own = copy.deepcopy(network).cpu().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return InferencePart(own).eval()


def pick_engine(
    network: DMRNet, *, size: int, device: torch.device, frames: int | None = None, name: EngineName = "auto"
) -> Engine:
    """Choose the engine for a network.

    Args:
        network: The trained network.
        size: Side of its grid, pixels.
        device: The device to compute on.
        frames: About how many frames there are to predict; None for few.
        name: `auto` takes OpenVINO on a CPU if it is installed and there are many frames, else torch.
    """
    wanted = name == "openvino" or (name == "auto" and device.type == "cpu" and (frames or 0) >= WORTH_IT)
    if wanted:
        try:
            return OpenVinoEngine(network, size=size, threads=thread_choice().counts[-1])
        except (ImportError, RuntimeError):
            if name == "openvino":
                raise
    return TorchEngine(network, device, threads=thread_choice())
