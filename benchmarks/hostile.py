"""Read a folder of real and malformed files, and spoilt copies: python -m benchmarks.hostile --data DATA

Prints how many were tried, read and unreadable, how many made their decoder stop, the slowest one and
the decoders' peak memory. Ends with 1 if anything but a scan or one of our errors came out.
"""

import argparse
import random
import resource
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from core.errors import UnreadableImage
from core.reading import images, sandbox

SPITEFUL = (
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"nan ",
    b"\xfe\xff\0\xe0",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with dicom/ and chest_xray/")
    parser.add_argument("--mutations", type=int, default=2000, help="spoilt copies in all")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    surprises = 0
    good = [path for part in ("cxr", "ct", "not_chest") for path in files(options.data / "dicom" / part)]
    for part in ("cxr", "ct", "not_chest", "malformed"):
        surprises += count(
            part, ((path.read_bytes(), path.name) for path in files(options.data / "dicom" / part))
        )
    good += files(options.data / "chest_xray/test")[:20]
    surprises += count("spoilt copies", copies(good, options.mutations, options.seed))
    sandbox.end()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"decoders' peak memory {peak / 1024:.0f} MB, surprises {surprises}")
    return int(surprises > 0)


def files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def copies(good: list[Path], number: int, seed: int) -> Iterator[tuple[bytes, str]]:
    small = [path for path in good if path.stat().st_size < 600_000]
    for turn in range(number):
        path = small[turn % len(small)]
        yield spoil(path.read_bytes(), seed + turn), path.name


def spoil(data: bytes, seed: int) -> bytes:
    """One to eight edits: overwrite, insert, delete, repeat or cut; half of them near the start."""
    dice, changed = random.Random(seed), bytearray(data)
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(max(min(len(changed), dice.choice((2000, len(changed) or 1))), 1))
        size = dice.choice((1, 2, 4, 64, 1000))
        piece = dice.choice((*SPITEFUL, dice.randbytes(dice.randint(1, 6))))
        match dice.choice(("overwrite",) * 6 + ("insert", "delete", "repeat", "cut")):
            case "overwrite":
                changed[at : at + len(piece)] = piece
            case "insert":
                changed[at:at] = piece
            case "delete":
                del changed[at : at + size]
            case "repeat":
                changed[at:at] = changed[at : at + size]
            case "cut":
                del changed[max(at, 132) :]
    return bytes(changed)


def count(what: str, cases: Iterator[tuple[bytes, str]]) -> int:
    """Read all and print one line; gives the number of surprises."""
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    for data, name in cases:
        start = time.monotonic()
        try:
            images.read(data, name)
            outcomes["read"] += 1
        except UnreadableImage as error:
            stopped = "decoder stop" in str(error) or "to decode" in str(error)
            outcomes["decoder stopped" if stopped else "unreadable"] += 1
        except Exception as error:  # noqa: BLE001 - that none comes is what is measured
            outcomes["surprises"] += 1
            print(f"{name}: {type(error).__name__}")
        slowest = max(slowest, time.monotonic() - start)
    tried = sum(outcomes.values())
    print(f"{what}: {tried} tried, {dict(outcomes)}, slowest {slowest:.2f} s", flush=True)
    return outcomes["surprises"]


if __name__ == "__main__":
    raise SystemExit(main())
