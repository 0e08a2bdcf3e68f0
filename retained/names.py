"""Names of what outlives ``terraform destroy``: by them it is made, and found again."""

from typing import Final

# Tag of a secret whose installation marks its database's completion. One without it is older than
# the mark, and was made after its database.
MARKER_TAG: Final = "DatabaseMark"


def secret_name(name: str) -> str:
    """Return the name of the secret that holds the application's secrets."""
    return f"{name}-application-secrets"


def bucket_arn_of(name: str, partition: str) -> str:
    """Return the ARN of a bucket, which names neither region nor account."""
    return f"arn:{partition}:s3:::{name}"


def marker_path(name: str) -> str:
    """Return the path of the SSM parameter below which the mark of a database is."""
    return f"/{name}/retained"
