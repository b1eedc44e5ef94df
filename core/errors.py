"""Everything that can go wrong on purpose.

OpacityError                 one sentence: which value, which rule, what to do
+-- UnreadableImage          the bytes are no image that can be read
+-- RefusedScan              readable, but not a scan that this card may judge
+-- UnknownName              no card, model, explainer, policy or label of that name
+-- CardError                weights/<id>/ is incomplete, or its files do not fit together
|   +-- MissingWeights
|   +-- AlteredWeights
+-- NoUsefulThreshold        the scores cannot meet what a policy asks for
+-- NotEnoughLabels          an evaluation needs both normal and abnormal cases
+-- DataSetError             a data set's folders are not laid out as published
"""


class OpacityError(Exception):
    """Base of all errors meant for a person; the message is shown as it is."""


class UnreadableImage(OpacityError):
    """The bytes are no image that can be read."""


class RefusedScan(OpacityError):
    """The scan is readable, but not one that this card may judge. test: which test failed, in a word."""

    def __init__(self, message: str, test: str = "") -> None:
        super().__init__(message)
        self.test = test


class UnknownName(OpacityError):
    """There is no card, model, explainer, policy or label of that name."""


class CardError(OpacityError):
    """A folder in weights/ is incomplete, or its files do not fit together."""


class MissingWeights(CardError):
    """The card is there, its weights are not."""


class AlteredWeights(CardError):
    """The weights are not the ones that the card was written for."""


class NoUsefulThreshold(OpacityError):
    """The scores cannot meet what a threshold policy asks for."""


class NotEnoughLabels(OpacityError):
    """An evaluation needs both normal and abnormal cases."""


class DataSetError(OpacityError):
    """A data set's folders are not laid out as published."""
