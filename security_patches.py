"""Until when a major version of Langfuse gets security patches, as main.py and verify.py say it."""

from datetime import UTC, date, datetime

import versions


def patches(major: str) -> str:
    """Return when the security patches of a major version end; empty if that is not known."""
    end = versions.END_OF_PATCHES.get(major)
    if end is None:
        return ""
    phrase = "security patches until" if today() <= end else "no security patches since"
    return f"{major} has {phrase} {end}, see docs/langfuse-4.md#from-3-to-4"


def today() -> date:
    """Return the date, in UTC."""
    return datetime.now(UTC).date()
