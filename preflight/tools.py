"""Lines of the programs that a deploy runs: those of check_tools.py."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from check_tools import TOOLS, Tool
from verification.check import Check, Line
from verification.cluster import CheckError


def tool_lines() -> Iterator[Line]:
    """Ask all programs side by side, and yield the line of each."""
    with ThreadPoolExecutor(len(TOOLS)) as pool:
        yield from pool.map(lambda tool: Check(tool.program, _version).line(tool), TOOLS)


def _version(tool: Tool) -> str:
    """Return the version that is new enough.

    Raises:
        CheckError: the program is missing, too old, or does not run.

    """
    if fault := tool.fault():
        raise CheckError(fault)
    return f"{tool.minimum} or later"
