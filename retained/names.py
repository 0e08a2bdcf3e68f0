"""Names of the resources that outlive ``terraform destroy``; later deploys find them by name."""

from typing import Final

# Tag of a secret whose installation creates the database marker. A secret without the tag is of an
# older version, which created the secret after the database.
MARKER_TAG: Final = "DatabaseMark"

# A snapshot of the database and a backup of ClickHouse that are further apart do not belong
# together. A destroy makes both within minutes; a daily backup may be older by a day and its own
# duration.
FAR_APART_HOURS: Final = 26

# Age of the way back to Langfuse 3 with which a deploy of Langfuse 4 begins: what has come since is
# what going back would lose.
WAY_BACK_HOURS: Final = 24


def secret_name(name: str) -> str:
    """Return the name of the Secrets Manager secret with the application secrets."""
    return f"{name}-application-secrets"


def bucket_arn_of(name: str, partition: str) -> str:
    """Return the ARN of a bucket, which contains neither region nor account."""
    return f"arn:{partition}:s3:::{name}"


def marker_path(name: str) -> str:
    """Return the path of the SSM parameters of an installation; the marker is below it."""
    return f"/{name}/retained"


def bucket_name(name: str, account: str, region: str) -> str:
    """Return the name of the bucket, which is unique in all of AWS."""
    return f"{name}-{account}-{region}"


def marker_name(name: str) -> str:
    """Return the name of the SSM parameter that is the marker."""
    return f"{marker_path(name)}/database"


def resources_stack(name: str) -> str:
    """Return the name of the CloudFormation stack that creates bucket and secret."""
    return f"{name}-retained"


def marker_stack(name: str) -> str:
    """Return the name of the CloudFormation stack that creates the marker."""
    return f"{name}-retained-mark"
