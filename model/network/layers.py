"""The parts of the modules: convolutions, normalisation, and gates over the whole image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON: Final = 1e-5  # added to variances, as torch does


def convolution(
    cin: int, cout: int, kernel: int, *, stride: int = 1, dilation: int = 1, separable: bool = False
) -> nn.Module:
    """A convolution without bias; only its stride changes the size. `separable` makes it depthwise and pointwise."""
    pad = dilation * (kernel // 2)
    if separable and kernel > 1:
        depthwise = nn.Conv2d(cin, cin, kernel, stride, pad, dilation, groups=cin, bias=False)
        return nn.Sequential(depthwise, nn.Conv2d(cin, cout, 1, bias=False))
    return nn.Conv2d(cin, cout, kernel, stride, pad, dilation, bias=False)


class ImageNorm(nn.Module):
    """Instance normalisation: `(B, C, H, W)` -> the same.

    Each channel of each image gets zero mean and unit deviation, then is scaled and shifted (Ulyanov et al. 2016,
    arXiv:1607.08022). BatchNorm would apply the training patients' mean and deviation to patients whose frames are
    brighter, darker or deeper.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        recorded = torch.jit.is_tracing() or torch.compiler.is_compiling()  # type: ignore[attr-defined, no-untyped-call]
        if x.device.type == "cpu" and not recorded:
            out: Tensor = _ByImage.apply(x, self.weight, self.bias)  # type: ignore[no-untyped-call]
            return out
        # nn.InstanceNorm2d does the same, but refuses feature maps of one pixel, which small frames lead to.
        return torch.instance_norm(x, self.weight, self.bias, None, None, True, 0.0, EPSILON, False)


class _ByImage(torch.autograd.Function):
    """torch's BatchNorm on one image at a time, with channels last.

    torch's own instance normalisation moves the channels before and after, which doubles its time.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        out = torch.empty_like(x)
        mean, scale = weight.new_empty(2, len(x), len(weight)).unbind()
        for k in range(len(x)):
            one = slice(k, k + 1)
            places = (out[one], mean[k], scale[k])
            torch.native_batch_norm(x[one], weight, bias, None, None, True, 0.0, EPSILON, out=places)
        ctx.save_for_backward(x, weight, mean, scale)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, weight, mean, scale = ctx.saved_tensors
        grad = grads[0].contiguous(memory_format=torch.channels_last)
        found, of_weight, of_bias = torch.empty_like(x), [], []
        for k in range(len(x)):
            one = slice(k, k + 1)
            found[one], more_weight, more_bias = torch.ops.aten.native_batch_norm_backward(
                grad[one], x[one], weight, None, None, mean[k], scale[k], True, EPSILON, [True, True, True]
            )
            of_weight.append(more_weight)
            of_bias.append(more_bias)
        return found, torch.stack(of_weight).sum(0), torch.stack(of_bias).sum(0)


class ConvNorm(nn.Sequential):
    """Convolution, ImageNorm and, if wanted, ReLU."""

    def __init__(
        self,
        cin: int,
        cout: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        dilation: int = 1,
        separable: bool = False,
        act: bool = True,
    ) -> None:
        layers = [
            convolution(cin, cout, kernel, stride=stride, dilation=dilation, separable=separable),
            ImageNorm(cout),
        ]
        if act:
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


class JoinNorm(nn.Module):
    """A convolution over several inputs `(B, C_i, H, W)` as if they were concatenated, then ImageNorm and ReLU.

    Each input has a convolution of its own, and the results are added. The result is the same, but no gradient has to
    be cut out of a concatenated one, which takes longer than the convolution.
    """

    def __init__(self, cins: Sequence[int], cout: int, kernel: int = 1, *, separable: bool = False) -> None:
        super().__init__()
        self.parts = nn.ModuleList(convolution(cin, cout, kernel, separable=separable) for cin in cins)
        self.norm = ImageNorm(cout)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Join."""
        joined = total([part(x) for part, x in zip(self.parts, inputs, strict=True)])
        return F.relu(self.norm(joined), inplace=True)


class WideConvNorm(nn.Sequential):
    """A 7x7 depthwise convolution as three of 3x3, then pointwise and ImageNorm: `(B, C, H, W)` -> the same.

    Processors have a fast path for plain 3x3 only: a 7x7 takes five times as long to train, and so does a dilated 3x3.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(
            *(nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False) for _ in range(3)),
            nn.Conv2d(channels, channels, 1, bias=False),
            ImageNorm(channels),
        )


class Gate(nn.Sequential):
    """`(B, cin, H, W)` -> `(B, cout)`: global average pooling and an MLP of one hidden layer."""

    def __init__(self, cin: int, cout: int, *, reduction: int = 4) -> None:
        hidden = max(8, cin // reduction)
        super().__init__(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(cin, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, cout),
        )


def total(terms: Sequence[Tensor]) -> Tensor:
    """The sum of tensors of one shape."""
    found = terms[0]
    for term in terms[1:]:
        found = found + term
    return found
