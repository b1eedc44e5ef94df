"""MobileNetV2 on a finer grid, with a head that looks at lungs."""

from torch import Tensor, nn

from core.models.base import Classifier
from core.models.lung_head import LungHead


class LungMobileNetV2(Classifier):
    """The first `layers` of MobileNetV2's 18 (Sandler 2018, arXiv:1801.04381); the last stride is left out.

    The grid is a sixteenth of the input.
    """

    def __init__(self, *, classes: int = 2, channels: int = 1, layers: int = 18) -> None:
        from torchvision.models import mobilenet_v2  # where it is needed: it takes long

        super().__init__()
        net = mobilenet_v2(weights=None)
        self.layers = net.features[:layers]
        if layers > 14:
            self.layers[14].conv[1][0].stride = (1, 1)
        if channels != 3:
            first = self.layers[0][0]
            self.layers[0][0] = nn.Conv2d(channels, first.out_channels, 3, stride=2, padding=1, bias=False)
        self.width: int = self.layers[-1].out_channels
        self.answer = LungHead(self.width, classes)

    def features(self, x: Tensor) -> Tensor:
        return self.layers(x)  # type: ignore[no-any-return]

    def steps(self) -> list[nn.Module]:
        return list(self.layers)

    def head(self, f: Tensor) -> Tensor:
        return self.answer(f)  # type: ignore[no-any-return]
