"""Check of the operator of ``SECRETS=external``, for an installation that has one."""

from typing import Final

from in_cluster.names import EXTERNAL_SECRET, EXTERNAL_SECRETS, NAMESPACE
from verification.check import Check
from verification.cluster import CheckError, Cluster

GUIDE: Final = "docs/external-secrets.md"


def secret_checks(cluster: Cluster) -> tuple[Check[Cluster], ...]:
    """Return the check; none where there is no operator."""
    if not cluster.has("deployment", EXTERNAL_SECRETS):
        return ()
    describe = f"see uv run kubectl describe externalsecrets -n {NAMESPACE}"
    return (Check("secrets", secrets, f"{describe}, and {GUIDE}#if-the-secret-is-not-filled"),)


def secrets(cluster: Cluster) -> str:
    """Check that the operator has read the secrets in AWS, and return when it did.

    Raises:
        CheckError: it has not; what it wrote before is still there.

    """
    status = cluster.get("externalsecrets", EXTERNAL_SECRET).get("status", {})
    ready = next((each for each in status.get("conditions", ()) if each["type"] == "Ready"), None)
    if ready is None:
        message = "the operator has not looked at it yet"
        raise CheckError(message)
    if ready["status"] != "True":
        message = f"not filled: {ready['message']}"
        raise CheckError(message)
    return f"filled from AWS at {status['refreshTime']}"
