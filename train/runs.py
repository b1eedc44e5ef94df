"""What training keeps on disk: results computed once, named by a digest of all that they depend on."""

import ast
import hashlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import TypeVar
from uuid import uuid4

import torch
from torch import Tensor

from core.precision import has_bfloat16

Value = TypeVar("Value")


def cached(
    stem: str, inputs: object, make: Callable[[], Value], folder: Path, *, mmap: bool = False
) -> Value:
    """What `make` returns, read from the folder when it was made from the same inputs before.

    stem: how the file's name begins; the digest of the inputs follows.
    inputs: all that the result depends on, the code that makes it among them (see `code`).
    make: returns tensors, numbers and strings, alone or in tuples, lists and dicts.
    mmap: whether tensors stay on disk until they are looked at.
    """
    # networks answer a little otherwise in bfloat16
    path = folder / f"{stem}-{digest(inputs, has_bfloat16('cpu'))[:16]}.pt"
    if not path.is_file():
        with torch.random.fork_rng():  # what was made before must not show in what is drawn after
            save(make(), path)
    found: Value = torch.load(path, weights_only=True, mmap=mmap)
    return found


def save(value: object, path: Path) -> None:
    """Write beside and rename: readers find all of it or nothing, though two processes write at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{uuid4().hex}")  # process numbers recur between machines
    try:
        torch.save(value, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def digest(*inputs: object) -> str:
    """sha256 of values, alike in every process: a Path counts by the bytes of its file, not by its name.

    Takes None, numbers, strings, bytes, Paths, Tensors, dataclasses, and lists, tuples and mappings of
    them; mappings in whichever order. Raises TypeError for anything else.
    """
    return _sha256(inputs).hex()


def code(*parts: Callable[..., object] | ModuleType) -> str:
    """Digest of the sources of functions, classes, modules and packages; comments may change."""
    return digest([ast.unparse(ast.parse(dedent(source))) for part in parts for source in _sources(part)])


def _sources(part: Callable[..., object] | ModuleType) -> list[str]:
    if isinstance(part, ModuleType) and hasattr(part, "__path__"):
        files = (path for folder in part.__path__ for path in Path(folder).rglob("*.py"))
        return [path.read_text("utf-8") for path in sorted(files)]
    return [inspect.getsource(part)]


def _sha256(value: object) -> bytes:
    kind, parts = _content(value)
    total = hashlib.sha256(f"{kind}\n".encode())
    for part in parts:
        total.update(part)
    return total.digest()


def _content(value: object) -> tuple[str, Iterable[bytes | memoryview]]:
    """The kind of a value, and its bytes or the digests of its parts."""
    if value is None or type(value) in (bool, int, float, str):
        return type(value).__name__, [repr(value).encode()]
    if isinstance(value, bytes):
        return "bytes", [value]
    if isinstance(value, Path):
        return "file", [value.read_bytes()]
    if isinstance(value, Tensor):
        flat = value.detach().cpu().reshape(-1).contiguous().view(torch.uint8)
        return f"{value.dtype} {tuple(value.shape)}", [flat.numpy().data]
    if isinstance(value, list | tuple):
        return "sequence", map(_sha256, value)
    if isinstance(value, Mapping):
        return "mapping", sorted(map(_sha256, value.items()))
    if is_dataclass(value) and not isinstance(value, type):
        named = {field.name: getattr(value, field.name) for field in fields(value)}
        return type(value).__qualname__, [_sha256(named)]
    raise TypeError(
        f"No digest for a {type(value).__qualname__}: it would not be the same in the next process. "
        "Give the numbers, strings, files or tensors that stand behind it."
    )
