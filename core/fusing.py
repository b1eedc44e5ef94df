"""Lay a network out for many scans at once: the same answers to a few millionths, in less time."""

import copy
import ctypes
import platform
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

# glibc, malloc.h
M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3
LARGEST_KEPT: Final = 32 * 2**20  # bytes; glibc takes no larger one
MOST_KEPT: Final = 512 * 2**20


def keep_memory() -> None:
    """Let this process keep freed memory, up to MOST_KEPT, for its next layers.

    A layer of many scans is some 25 MB. The C library of Linux gives that back at once and gets it anew, page
    by page: a quarter of the lung network's time. Others do not, and are left as they are.
    """
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
        library.mallopt(M_TRIM_THRESHOLD, MOST_KEPT)


def fused(network: nn.Module) -> nn.Module:
    """A copy in eval mode, channels last, where every convolution followed by its norm is one layer.

    Only neighbours in an nn.Sequential are merged: elsewhere the order of the modules says nothing.
    """
    twin = copy.deepcopy(network).eval()
    for part in list(twin.modules()):
        if isinstance(part, nn.Sequential):
            _merge_neighbours(part)
    return twin.to(memory_format=torch.channels_last).requires_grad_(False)


def _merge_neighbours(layers: nn.Sequential) -> None:
    for place in range(len(layers) - 1):
        first, second = layers[place], layers[place + 1]
        if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
            layers[place] = fuse_conv_bn_eval(first, second)
            layers[place + 1] = nn.Identity()


def laid_out(x: Tensor) -> Tensor:
    """x: (N, C, H, W), as a fused network wants it."""
    return x.contiguous(memory_format=torch.channels_last)
