"""A disk without room: the kernel refuses to let any file of this process grow beyond some bytes (RLIMIT_FSIZE)."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Writes beyond `size` bytes of a file fail with a real EFBIG, after a partial write."""
    before, ceiling = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, ceiling))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, ceiling))
