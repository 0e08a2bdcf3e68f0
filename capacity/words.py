"""Numbers as verify.py says them."""

from collections.abc import Callable
from typing import Final

_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def of(used: float, total: float, unit: Callable[[float], str]) -> str:
    """Return a share and its numbers."""
    if not total:
        return f"{unit(used)} without a limit"
    return f"{used / total:.0%}, {unit(used)} of {unit(total)}"


def gigabytes(size: float) -> str:
    """Return bytes in GiB, as volumes are sized."""
    return f"{size / 2**30:.1f} GiB"


def mebibytes(size: float) -> str:
    """Return bytes in MiB."""
    return f"{size / 2**20:.0f} MiB"


def duration(seconds: float) -> str:
    """Return a time in its largest whole unit."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return "0 s"
