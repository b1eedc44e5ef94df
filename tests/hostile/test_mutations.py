"""Good bytes, spoilt at random: each ends in a scan or in one sentence. Thousands with -m nightly."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.reading import images
from tests.hostile.promise import outcome
from tests.phantoms.files import GOOD

SPITEFUL = [b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x80\0\0\0", b"\0\0\0\x80"]
SPITEFUL += [
    b"\xfe\xff\0\xe0",
    b"\xfe\xff\xdd\xe0",
    b"\xff\xd9",
    b"\xff\xc0",
    b"nan ",
    b"-inf",
    b"1e39",
    b"UNOB",
]


@st.composite
def spoilt(draw: st.DrawFn, data: bytes) -> bytes:
    """One to six edits: overwrite, insert, delete, repeat or cut; half of them near the start."""
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 6))):
        reach = draw(st.sampled_from([min(len(changed), 700), len(changed)]))
        at = draw(st.integers(0, max(reach - 1, 0)))
        size = draw(st.sampled_from([1, 2, 4, 16, 200]))
        match draw(st.sampled_from(["overwrite", "overwrite", "insert", "delete", "repeat", "cut"])):
            case "overwrite":
                piece = draw(st.sampled_from(SPITEFUL) | st.binary(min_size=1, max_size=4))
                changed[at : at + len(piece)] = piece
            case "insert":
                changed[at:at] = draw(st.sampled_from(SPITEFUL) | st.binary(min_size=1, max_size=8))
            case "delete":
                del changed[at : at + size]
            case "repeat":
                changed[at:at] = changed[at : at + size]
            case "cut":
                del changed[max(at, 8) :]
    return bytes(changed)


def checked(kind: str, data: st.DataObject) -> None:
    changed = data.draw(spoilt(GOOD[kind]))
    if outcome(changed, "film.dcm") == "read":
        again, scan = (images.read(changed, "film.dcm") for _ in range(2))
        assert (again.pixels == scan.pixels).all()  # a pure function of the bytes


WATCHFUL = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True}


@pytest.mark.parametrize("kind", GOOD)
@settings(max_examples=60, **WATCHFUL)
@given(data=st.data())
def test_spoilt_files_are_read_or_refused(kind: str, data: st.DataObject):
    checked(kind, data)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", GOOD)
@settings(max_examples=1000, **(WATCHFUL | {"derandomize": False}))
@given(data=st.data())
def test_thousands_of_spoilt_files_are_read_or_refused(kind: str, data: st.DataObject):
    checked(kind, data)


def test_the_good_files_are_good():
    assert {kind: outcome(data) for kind, data in GOOD.items()} == dict.fromkeys(GOOD, "read")
