"""Networks that several cards stand on."""

import gc
import weakref

from core import cards, checkpoints


def test_cards_on_one_network_share_it_and_it_leaves_with_the_last_of_them():
    one, other = (checkpoints.network(cards.read(name)) for name in ("pneumonia-resnet50", "covid-resnet50"))
    assert one.base is other.base
    base = weakref.ref(one.base)
    del one
    gc.collect()
    assert base() is other.base
    del other
    gc.collect()
    assert base() is None
