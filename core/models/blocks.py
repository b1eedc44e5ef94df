"""Layers that several networks share."""

from torch import Tensor, nn
from torch.nn import functional as F

EPSILON = 1.001e-5  # of the norms that the weights of ResNet-50 at hand were trained with
WIDER = 4  # a bottleneck's output over its inner width


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


class Bottleneck(nn.Module):
    """Three convolutions beside a shortcut, the first of which takes the stride, as in the first published
    ResNet-50 (He 2015, arXiv:1512.03385).

    Its parts are named as torchvision names them. torchvision's own brings a compiler along: 160 MB and
    seconds of a server that needs neither.
    """

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, stride=stride, bias=False)
        self.bn1 = nn.BatchNorm2d(width, eps=EPSILON)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width, eps=EPSILON)
        self.conv3 = nn.Conv2d(width, WIDER * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(WIDER * width, eps=EPSILON)
        self.downsample = None
        if inputs != WIDER * width:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, WIDER * width, 1, stride=stride, bias=False),
                nn.BatchNorm2d(WIDER * width, eps=EPSILON),
            )

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        inner = F.relu(self.bn1(self.conv1(x)), inplace=True)
        inner = F.relu(self.bn2(self.conv2(inner)), inplace=True)
        out = self.bn3(self.conv3(inner))
        out += shortcut
        return F.relu(out, inplace=True)


def residual_stage(inputs: int, width: int, *, blocks: int, stride: int = 2) -> nn.Sequential:
    """Blocks on one grid, the first of which is entered at the stride."""
    first = Bottleneck(inputs, width, stride)
    return nn.Sequential(first, *(Bottleneck(WIDER * width, width, 1) for _ in range(1, blocks)))
