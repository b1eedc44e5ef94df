from pathlib import Path

import pytest

from train.data import Case
from train.probe import refuse_seen


def case(name: str, split: str) -> Case:
    return Case(Path(name), name, "normal", name, split)


def test_a_network_that_learned_from_a_held_out_scan_is_refused():
    cases = [case("a", "train"), case("b", "validation"), case("c", "test")]
    refuse_seen(cases, [case("a", "train"), case("d", "train"), case("c", "test")], "below")
    for held_out in ("b", "c"):
        with pytest.raises(SystemExit, match="below was taught with 1 of"):
            refuse_seen(cases, [case(held_out, "train")], "below")
