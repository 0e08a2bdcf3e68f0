"""Types of the variables that choose another way into AWS and Terraform Cloud.

Each type checks a form; its message never repeats the value.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from faults import refuse_first_of
from setting_types import AsciiText, Text, Token

# Type of a fault that is between variables, and whose message names them.
BETWEEN: Final = "between_variables"

# Partition of AWS by the beginning of a region (botocore's partitions.json); all others are "aws".
_PARTITIONS: Final[Mapping[str, str]] = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
    "eusc-": "aws-eusc",
}
_HOST: Final = r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*"
# Of a managed policy, with or without a path; AWS's own have aws in place of the account.
_POLICY_ARN: Final = r"arn:(aws[a-z-]*):iam::(\d{12}|aws):policy/([!-~]+/)?[\w+=,.@-]{1,128}"


def partition_of_region(region: str) -> str:
    """Return the partition of AWS, such as ``aws``, that a region is in."""
    found = (name for start, name in _PARTITIONS.items() if region.startswith(start))
    return next(found, "aws")


def partition_of_policy(arn: str) -> str:
    """Return the partition in the ARN of a policy."""
    return arn.split(":")[1]


def token_variable(host: str) -> str:
    """Return the variable from which Terraform takes its token for a host.

    Terraform, "Environment variable credentials": dots become ``_``, hyphens ``__``.
    """
    return f"TF_TOKEN_{host.replace('-', '__').replace('.', '_')}"


def between(message: str) -> PydanticCustomError:
    """Return a fault that is between variables.

    Args:
        message: the variables, the fault and the remedy.

    """
    return PydanticCustomError(BETWEEN, "{message}", {"message": message})


def _empty_is_none(value: object) -> object:
    """AWS's SDKs take an empty key for none, and so must what judges the keys."""
    return None if isinstance(value, str) and not value.strip() else value


def _profile(value: str) -> str:
    if re.search(r"[\[\]\r\n]", value):
        message = "has brackets, which end a profile's name in ~/.aws/config; leave them out"
        raise ValueError(message)
    return value


def _policy_arn(value: str) -> str:
    if not re.fullmatch(_POLICY_ARN, value, re.ASCII):
        message = "is no ARN of a policy; copy it from IAM, under Policies"
        raise ValueError(message)
    return value


def _terraform_cloud_host(value: str) -> str:
    faults = {
        "has a scheme; leave it out": "://" in value,
        "has a port, which Terraform takes no token for; leave it out": re.search(r":\d", value),
        "has a path; leave it out": "/" in value,
        "has capital letters; use none": re.search("[A-Z]", value),
        "is no host's full name": not re.fullmatch(_HOST, value),
    }
    refuse_first_of(faults)
    return value


def _program(value: str) -> str:
    if re.search(r"\s", value):
        message = "has spaces; name one program, without arguments"
        raise ValueError(message)
    return value


AccessKey = Annotated[AsciiText | None, BeforeValidator(_empty_is_none)]
SecretKey = Annotated[Token | None, BeforeValidator(_empty_is_none)]
Profile = Annotated[Text, AfterValidator(_profile)]
PolicyArn = Annotated[Text, AfterValidator(_policy_arn)]
TerraformCloudHost = Annotated[Text, AfterValidator(_terraform_cloud_host)]
Program = Annotated[Text, AfterValidator(_program)]
