"""Lay a network out for many scans at once: the same answers to a few millionths, in less time."""

import copy
from functools import cache
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from core.models.backbones import ResidualNetwork
from core.models.blocks import Bottleneck

Network = TypeVar("Network", bound=nn.Module)


def fused(network: Network, *, film_by_film: bool = True) -> Network:
    """A copy in eval mode, channels last, where a convolution with its norm and its ReLU is one layer.

    network: of any kind.
    film_by_film: linear layers take one film after another, so that no answer depends on the others.
    Only neighbours in an nn.Sequential are merged, and in ResNet-50: elsewhere the order of the modules
    says nothing.
    """
    twin = copy.deepcopy(network).eval().requires_grad_(False)
    for part in list(twin.modules()):
        if isinstance(part, nn.Sequential):
            _merge_neighbours(part)
        if isinstance(part, Bottleneck | ResidualNetwork):
            _merge_pairs(part)
        for name, layer in part.named_children():
            if isinstance(layer, nn.Conv2d):
                setattr(part, name, _one_layer(layer, relu=False))
            if isinstance(layer, nn.MaxPool2d) and _halves(layer):
                setattr(part, name, _Halving())
            if film_by_film and isinstance(layer, nn.Linear):
                setattr(part, name, _FilmByFilm(layer))
    return twin.to(memory_format=torch.channels_last)


def _merge_neighbours(layers: nn.Sequential) -> None:
    for place, layer in enumerate(layers):
        if not isinstance(layer, nn.Conv2d):
            continue
        after = place + 1
        if after < len(layers) and isinstance(norm := layers[after], nn.BatchNorm2d):
            layer = fuse_conv_bn_eval(layer, norm)
            layers[after] = nn.Identity()
            after += 1
        relu = after < len(layers) and isinstance(layers[after], nn.ReLU)
        if relu:
            layers[after] = nn.Identity()
        layers[place] = _one_layer(layer, relu=relu)


def _merge_pairs(part: nn.Module) -> None:
    """conv1 with bn1 and so on. The ReLUs that stay in `forward` change nothing then."""
    for number in range(1, 4):
        conv, norm = (getattr(part, f"{kind}{number}", None) for kind in ("conv", "bn"))
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            layer = fuse_conv_bn_eval(conv, norm)
            setattr(part, f"conv{number}", _one_layer(layer, relu=number < 3))
            setattr(part, f"bn{number}", nn.Identity())


def _one_layer(convolution: nn.Conv2d, *, relu: bool) -> nn.Module:
    if torch.backends.mkldnn.is_available() and operators_answer():
        return _Convolution(convolution, relu=relu)
    return nn.Sequential(convolution, nn.ReLU(inplace=True)) if relu else convolution


@cache
def operators_answer() -> bool:
    """Whether this torch has the private operators of _Convolution, and they answer as nn.Conv2d does."""
    return all(_answers(bias=bias, relu=relu) for bias in (True, False) for relu in (True, False))


def _answers(*, bias: bool, relu: bool) -> bool:
    convolution = nn.utils.skip_init(nn.Conv2d, 4, 6, 3, stride=2, padding=1, groups=2, bias=bias)
    convolution.requires_grad_(False)  # and no random start: the caller's generator is left alone
    for values in convolution.parameters():
        values.copy_(torch.arange(values.numel()).sin().view_as(values))
    x = torch.arange(2 * 4 * 9 * 9).cos().view(2, 4, 9, 9)
    with torch.no_grad():
        wanted = F.relu(convolution(x)) if relu else convolution(x)
        try:
            found = _Convolution(convolution, relu=relu)(x)
            return found.shape == wanted.shape and torch.allclose(found, wanted, atol=1e-5)
        except (AttributeError, TypeError, RuntimeError):  # gone, or called otherwise
            return False


def _halves(pool: nn.MaxPool2d) -> bool:
    chosen = (pool.kernel_size, pool.stride, pool.padding, pool.dilation, pool.ceil_mode)
    return chosen == (2, 2, 0, 1, False)


class _Halving(nn.Module):
    """nn.MaxPool2d(2) in a third of the time: that one also notes where each maximum was."""

    def forward(self, x: Tensor) -> Tensor:
        height, width = (side // 2 * 2 for side in x.shape[2:])
        rows = torch.maximum(x[:, :, 0:height:2], x[:, :, 1:height:2])
        return torch.maximum(rows[..., 0:width:2], rows[..., 1:width:2])


class _FilmByFilm(nn.Module):
    """A linear layer that takes the films one after another.

    In one product of all, the last bits of a row depend on its place among the others on some processors.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([F.linear(film, self.weight, self.bias) for film in x.split(1)])


class _Convolution(nn.Module):
    """A convolution and the ReLU after it in one pass, its weights laid out for oneDNN at the first.

    The operators are those that torch.compile calls; they need no compiler on the user's machine.
    """

    def __init__(self, convolution: nn.Conv2d, *, relu: bool) -> None:
        super().__init__()
        self.bias = convolution.bias
        self.activation = "relu" if relu else "none"
        self.stride, self.dilation, self.groups = convolution.stride, convolution.dilation, convolution.groups
        self.padding = convolution.padding
        self.weight = convolution.weight.detach()
        self._laid_out: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        if self._laid_out is None:  # two threads may both do it, to the same end
            self._laid_out = self._layout(list(x.shape))
        return torch.ops.mkldnn._convolution_pointwise(  # type: ignore[no-any-return]
            x,
            self._laid_out,
            self.bias,
            self.padding,
            self.stride,
            self.dilation,
            self.groups,
            self.activation,
            [],
            "",
        )

    def _layout(self, shape: list[int]) -> Tensor:
        """The weights as oneDNN wants them for that input. Not told of it, it guesses, and large layers are
        laid out anew in every pass: a hundred times their own work."""
        reorder = torch.ops.mkldnn._reorder_convolution_weight
        chosen = self.weight, self.padding, self.stride, self.dilation, self.groups
        try:
            return reorder(*chosen, shape)  # type: ignore[no-any-return]
        except RuntimeError:  # some small inputs of large kernels it refuses to plan for
            return reorder(*chosen, None)  # type: ignore[no-any-return]
