"""Whether an installation sleeps, as AWAKE_HOURS has it (docs/awake-hours.md)."""

from datetime import UTC, datetime

from verification.cluster import CheckError, Cluster


def asleep(cluster: Cluster) -> str | None:
    """Return until when it sleeps, and how to wake it; None if it does not.

    Without nodes in its hours it does not sleep: something is wrong, which the checks say.
    """
    hours, now = cluster.awake_hours, datetime.now(UTC)
    if hours is None or hours.contains(now):
        return None
    try:
        if cluster.kubectl("get", "nodes", "--output=name").strip():
            return None
    except CheckError:
        # Whoever asks next says so.
        return None
    return f"asleep until {hours.text(hours.next_begin(now))}; uv run awake.py wakes it now"
