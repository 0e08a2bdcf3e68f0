"""What the checks before a deploy ask with, and what an answer that AWS denies says."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import httpx
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from backing_up.account import Account, code_of, reason_of
from settings import Settings

# Seconds of one request to a host that is not AWS.
HTTP_TIMEOUT: Final = 10
# The same for AWS, whose requests are tried twice.
AWS_CONFIG: Final = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})

# Region that answers for a partition: its own are always enabled.
_HOME_REGIONS: Final = {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}

_DENIED: Final = re.compile("AccessDenied|Unauthorized|NotAuthorized")


@dataclass(frozen=True)
class Inquiry:
    """An installation that is to be deployed, and the way to the accounts that it needs."""

    settings: Settings
    account: Account
    http: httpx.Client

    @cached_property
    def partition(self) -> str:
        """AWS partition of the region, such as ``aws``."""
        region = self.settings.aws_default_region
        found: str = self.account.session.get_partition_for_region(region)
        return found

    @property
    def home_region(self) -> str:
        """Region that answers even if the one of ``.env`` is not enabled."""
        return _HOME_REGIONS.get(self.partition, "us-east-1")


def unknown(error: ClientError) -> str:
    """Return why a question to AWS has no answer, with the permission that it needs."""
    if not _DENIED.search(code_of(error)):
        return f"not known: {reason_of(error)}"
    message = str(error.response.get("Error", {}).get("Message", ""))
    action = re.search(r"perform: (\w+:\w+)", message)
    return f"not known: your user lacks {action[1] if action else error.operation_name}"
