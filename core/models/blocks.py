"""Layers that several networks share."""

from torch import nn


def convolution(inputs: int, outputs: int, *, stride: int = 1, inplace: bool = False) -> list[nn.Module]:
    """3 x 3 convolution, BatchNorm, ReLU.

    inputs, outputs: channels.
    stride: of the convolution.
    inplace: of the ReLU, which saves memory.
    """
    return [
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=inplace),
    ]
