"""Values of ``.env`` are refused for one fault at a time, the first that is there."""

from collections.abc import Mapping


def first_of(faults: Mapping[str, object]) -> str | None:
    """Return the first fault whose value is true, or None."""
    return next((fault for fault, is_there in faults.items() if is_there), None)


def refuse_first_of(faults: Mapping[str, object]) -> None:
    """Refuse a value by its first fault.

    Raises:
        ValueError: the fault.

    """
    if fault := first_of(faults):
        raise ValueError(fault)
