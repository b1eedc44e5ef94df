"""What the C library does with freed memory, on Linux; others are left as they are."""

import ctypes
import platform
from typing import Final

# glibc, malloc.h
M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3
M_TOP_PAD: Final = -2
M_ARENA_MAX: Final = -8
LARGEST_KEPT: Final = 32 * 2**20  # bytes; glibc takes no larger one
MOST_KEPT: Final = 512 * 2**20
HEAP: Final = 64 * 2**20
LARGEST_OF_HEAP: Final = 4 * 2**20
ARENAS: Final = 2


def keep_memory() -> None:
    """Let this process keep freed memory, up to MOST_KEPT, for its next layers: before it starts threads.

    A layer of many scans is some 25 MB. The C library of Linux gives that back at once and gets it anew, page
    by page: a quarter of the lung network's time. Others do not, and are left as they are.
    """
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
        library.mallopt(M_TRIM_THRESHOLD, MOST_KEPT)
        library.mallopt(M_ARENA_MAX, 1)  # threads that start later share a store
        library.mallopt(M_TOP_PAD, HEAP)  # and what earlier ones have gives no heap back


def share_memory() -> None:
    """Let many threads come from few stores, and give large blocks back as they are freed: for a server.

    By itself the C library opens a store for every thread, up to eight a processor, and keeps what each of
    them once needed.
    """
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(M_ARENA_MAX, ARENAS)
        library.mallopt(M_MMAP_THRESHOLD, LARGEST_OF_HEAP)


def give_back() -> None:
    """Hand what is free to the system, also from the middle of a store: after much was let go."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
