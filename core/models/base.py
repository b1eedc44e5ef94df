"""What every classifier promises."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from torch import Tensor, nn


class Classifier(nn.Module, ABC):
    """A network cut in two, so that explanations need no hooks and sessions can share it."""

    @abstractmethod
    def features(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, D, h, w), always NCHW, last activation applied."""

    @abstractmethod
    def head(self, f: Tensor) -> Tensor:
        """(N, D, h, w) -> (N, K) logits; nothing in place on f."""

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))

    def steps(self) -> Sequence[Callable[[Tensor], Tensor]]:
        """`features` as a chain, if it is one: each step but the last treats all places alike.

        Explanations then look at changed windows only, as far as that goes. No step but a ReLU writes on
        what it is given.
        """
        return [self.features]

    def embed(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, D): the feature maps averaged over place."""
        return self.features(x).mean((2, 3))
