"""Traces and observations that Langfuse v4 rejects, as web's log has them.

In ``events_only``, v4's default, the old ingestion API takes scores only. It answers 207, which an
old SDK takes for success.
"""

import re
from typing import Final

from in_cluster.names import WEB
from verification.cluster import CheckError, Cluster

HOURS: Final = 24
# Bounds what kubectl transfers: a line is below 1 kB.
MAX_LINES: Final = 10_000

# Langfuse's web/src/pages/api/public/ingestion.ts: a warning for each request.
REJECTED: Final = re.compile(
    r"Rejected (\d+) event\(s\) from the legacy /api/public/ingestion endpoint"
    r" for project (\S+)"
)
# With langfuse.logging.format=json only; the default format leaves them out. The client chooses
# both, so anything unusual does not match.
SDK: Final = re.compile(r'"sdkName":"([\w@/-]{1,30})","sdkVersion":"([\w.+-]{1,20})"')


def rejected_events(cluster: Cluster) -> str:
    """Check that web rejected nothing of old SDKs in the last ``HOURS`` hours."""
    bounds = (f"--since={HOURS}h", f"--tail={MAX_LINES}")
    log = cluster.kubectl("logs", f"deployment/{WEB}", *bounds)
    found = [(line, match) for line in log.splitlines() if (match := REJECTED.search(line))]
    if not found:
        return f"nothing rejected in {HOURS} h"
    events = sum(int(match[1]) for _, match in found)
    senders = {f"project {match[2]}" for _, match in found}
    senders |= {" ".join(sdk.groups()) for line, _ in found if (sdk := SDK.search(line))}
    counts = f"{len(found):,} requests with {events:,} events in {HOURS} h"
    message = f"rejected: {counts}, {', '.join(sorted(senders))}"
    raise CheckError(message)
