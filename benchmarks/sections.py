"""docs/benchmarks.md: every benchmark writes its own section and leaves the others alone."""

import contextlib
import platform
import re
from collections.abc import Sequence
from pathlib import Path

REPORT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
TITLE = "# Benchmarks"


def write(heading: str, lines: Sequence[str], report: Path = REPORT) -> None:
    """Put the section "## heading" in place of its last version, or at the end where there is none."""
    section = "\n".join([f"## {heading}", "", *lines]).strip()
    old = report.read_text("utf-8") if report.is_file() else TITLE
    parts = [part.strip() for part in re.split(r"(?m)^(?=## )", old)]
    places = [place for place, part in enumerate(parts) if part.splitlines()[:1] == [f"## {heading}"]]
    if places:
        parts[places[0]] = section
    else:
        parts.append(section)
    report.parent.mkdir(exist_ok=True)
    report.write_text("\n\n".join(parts) + "\n", "utf-8")


def processor() -> str:
    """What ran the benchmark, as the system names it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor() or platform.machine()
