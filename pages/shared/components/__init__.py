"""What runs in the browser: plain JavaScript beside a Python face."""

import re
from collections.abc import Sequence
from pathlib import Path

DOM = Path(__file__).parent / "dom.js"
LANGUAGE = Path(__file__).parent / "language.js"
_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default )", re.MULTILINE)


def joined(scripts: Sequence[Path]) -> str:
    """One module made of several: Streamlit takes a single string.

    scripts: each after those that it needs while it loads; the last one exports for all.
    """
    text = "\n".join(script.read_text(encoding="utf-8") for script in scripts)
    return _EXPORT.sub("", _IMPORT.sub("", text))
