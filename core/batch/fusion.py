"""Lay a network out for many scans at once: the same answers to a few millionths, in less time."""

import copy
import ctypes
import platform
from functools import cache
from typing import Final, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

# glibc, malloc.h
M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3
M_TOP_PAD: Final = -2
M_ARENA_MAX: Final = -8
LARGEST_KEPT: Final = 32 * 2**20  # bytes; glibc takes no larger one
MOST_KEPT: Final = 512 * 2**20
HEAP: Final = 64 * 2**20

Network = TypeVar("Network", bound=nn.Module)


def keep_memory() -> None:
    """Let this process keep freed memory, up to MOST_KEPT, for its next layers: before it starts threads.

    A layer of many scans is some 25 MB. The C library of Linux gives that back at once and gets it anew, page
    by page: a quarter of the lung network's time. Others do not, and are left as they are.
    """
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
        library.mallopt(M_TRIM_THRESHOLD, MOST_KEPT)
        library.mallopt(M_ARENA_MAX, 1)  # threads that start later share a store
        library.mallopt(M_TOP_PAD, HEAP)  # and what earlier ones have gives no heap back


def fused(network: Network) -> Network:
    """A copy in eval mode, channels last, where a convolution with its norm and its ReLU is one layer.

    Only neighbours in an nn.Sequential are merged: elsewhere the order of the modules says nothing.
    """
    twin = copy.deepcopy(network).eval().requires_grad_(False)
    for part in list(twin.modules()):
        if isinstance(part, nn.Sequential):
            _merge_neighbours(part)
        for name, layer in part.named_children():
            if isinstance(layer, nn.Conv2d):
                setattr(part, name, _one_layer(layer, relu=False))
            if isinstance(layer, nn.MaxPool2d) and _halves(layer):
                setattr(part, name, _Halving())
            if isinstance(layer, nn.Linear):
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
    """A convolution and the ReLU after it in one pass, its weights laid out for oneDNN once and for all.

    The operators are those that torch.compile calls; they need no compiler on the user's machine.
    """

    def __init__(self, convolution: nn.Conv2d, *, relu: bool) -> None:
        super().__init__()
        self.bias = convolution.bias
        self.activation = "relu" if relu else "none"
        self.stride, self.dilation, self.groups = convolution.stride, convolution.dilation, convolution.groups
        self.padding = convolution.padding
        self.weight = torch.ops.mkldnn._reorder_convolution_weight(
            convolution.weight.detach(), self.padding, self.stride, self.dilation, self.groups, None
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.ops.mkldnn._convolution_pointwise(  # type: ignore[no-any-return]
            x.contiguous(memory_format=torch.channels_last),
            self.weight,
            self.bias,
            self.padding,
            self.stride,
            self.dilation,
            self.groups,
            self.activation,
            [],
            "",
        )
