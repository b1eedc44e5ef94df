"""Every real file of the public DICOM collections, the malformed ones included."""

from collections import Counter
from pathlib import Path

import pytest

from tests.hostile.promise import outcome


@pytest.mark.parametrize("folder", ["malformed", "ct", "cxr", "not_chest"])
def test_every_real_file_is_read_or_refused(data: Path, folder: str):
    counts = Counter(outcome(path.read_bytes(), path.name) for path in files(data / "dicom" / folder))
    print(folder, dict(counts))
    assert sum(counts.values()) == len(files(data / "dicom" / folder))


def files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def test_what_free_decoders_can_read_is_read(data: Path):
    unread = [path.name for path in files(data / "dicom/ct") if outcome(path.read_bytes()) == "unreadable"]
    # Both hold 12-bit JPEG Extended, for which only decoders under the GPL exist.
    assert len(unread) == 2
    assert all("jpeg" in name.lower() for name in unread)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_real_compressed_streams_spoilt_are_read_or_refused(data: Path):
    from benchmarks.hostile import spoil

    for path in files(data / "dicom/ct"):
        for seed in range(40):
            outcome(spoil(path.read_bytes(), seed), path.name)
