"""What computes a trained network: torch, or OpenVINO, which is several times as fast on a processor."""

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
BATCH: Final = 8  # frames that torch takes at a time: more are no faster
_SHARE: Final = 2  # frames of one of OpenVINO's requests, of which several run side by side
_WAITING: Final = 16  # requests at hand
WORTH_IT: Final = 64  # frames: OpenVINO takes some seconds to take a network over, torch has done as many by then


class Engine(Protocol):
    """Computes one network."""

    name: str

    def __call__(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised frames `(B, 1, S, S)` -> logits `(B, 1 + classes, S, S)` and embedding `(B, C)`, float32."""
        ...


class TorchEngine:
    """The network as it is, in bfloat16 where the device computes it in hardware.

    Args:
        network: Trained.
        device: To compute on.
        threads: Chooses the processor's threads for each batch; None leaves torch's setting as it is.
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
    """The network with its dropout on: each answer is another draw (Gal & Ghahramani 2016, arXiv:1506.02142).

    Args:
        network: Trained with dropout.
        device: To compute on.
        seed: Of what is dropped; the same calls in the same order give the same answers.
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
    """The network as OpenVINO compiles it for this processor: operations fused, bfloat16 where it is fast.

    Needs no compiler. Raises ImportError where OpenVINO is not installed, and RuntimeError where it cannot take the
    network over.
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

        with torch.no_grad(), quietly():  # the tracer remarks on every size that it keeps as it is; ours are fixed
            traced = torch.jit.trace(  # type: ignore[no-untyped-call]
                inference_part(network), torch.zeros(1, 1, size, size), check_trace=False
            )
            # `openvino.convert_model` does the same, and reports it to its maker.
            front = FrontEndManager().load_by_framework("pytorch")
            decoder = TorchScriptPythonDecoder(traced)  # has to live until the end of the conversion
            model = front.convert(front.load(decoder))
        model.reshape(openvino.PartialShape([_SHARE, 1, size, size]))
        hints = {
            "PERFORMANCE_HINT": "THROUGHPUT",  # small batches side by side, a core each, leave less idle than one large
            "INFERENCE_PRECISION_HINT": precision or fast_precision(),
            # A stream a thread: nothing inside a request waits for another thread, which other programs may hold up.
            "INFERENCE_NUM_THREADS": threads or granted_threads(),
            "NUM_STREAMS": threads or granted_threads(),
        }
        compiled = openvino.Core().compile_model(model, "CPU", hints)
        self._shapes = [tuple(compiled.output(k).shape)[1:] for k in range(2)]
        # More than run at a time, so that none has to be waited for before the next may be handed over.
        self._requests = [compiled.create_infer_request() for _ in range(_WAITING)]

    def __call__(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """See `Engine`."""
        x = frames.float()
        if missing := -len(frames) % _SHARE:
            x = torch.cat([x, x.new_zeros(missing, *x.shape[1:])])
        x = x.contiguous()
        answers = [torch.empty(len(x), *shape) for shape in self._shapes]
        # Each request reads and writes its part of these tensors by itself: a callback in Python would wait for the
        # interpreter, which is tracing outlines meanwhile, and a core with it.
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
    """A tensor of OpenVINO over the memory of this one."""
    return import_openvino().Tensor(tensor.numpy(), shared_memory=True)


def fast_precision() -> Literal["bf16", "f32"]:
    """bfloat16 where this processor computes it in hardware."""
    return "bf16" if has_fast_bf16(torch.device("cpu")) else "f32"


class InferencePart(nn.Module):
    """A network that answers with a plain pair, as exporters want it."""

    def __init__(self, network: DMRNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised frames `(B, 1, S, S)` -> logits and embedding."""
        output = self.network(frames)
        return output.logits, output.embedding


def inference_part(network: DMRNet) -> InferencePart:
    """A copy of a network on the CPU, to be traced or exported: in inference mode, its channels outermost."""
    own = copy.deepcopy(network).cpu().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return InferencePart(own).eval()


def pick_engine(
    network: DMRNet, *, size: int, device: torch.device, frames: int | None = None, name: EngineName = "auto"
) -> Engine:
    """The engine for a network.

    Args:
        network: Trained.
        size: Side of its grid, pixels.
        device: To compute on.
        frames: About how many there are to do; None for few.
        name: `auto` takes OpenVINO on a processor where it is installed and worth its start, else torch.
    """
    wanted = name == "openvino" or (name == "auto" and device.type == "cpu" and (frames or 0) >= WORTH_IT)
    if wanted:
        try:
            return OpenVinoEngine(network, size=size, threads=thread_choice().counts[-1])
        except (ImportError, RuntimeError):
            if name == "openvino":
                raise
    return TorchEngine(network, device, threads=thread_choice())
