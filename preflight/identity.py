"""Checks of the AWS account: who deploys, whether the region is enabled, and the account's plan."""

import json
import re
from datetime import UTC, datetime
from typing import Any, Final

from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
)

import sizing
from backing_up.account import code_of, reason_of
from preflight.inquiry import Inquiry
from verification.cluster import CheckError

ENABLED: Final = frozenset({"opt-in-not-required", "opted-in"})

# STS says it in a message of the error for a wrong signature.
_WRONG_CLOCK: Final = re.compile("RequestExpired|Signature (expired|not yet current)")

# The one endpoint of AWS Free Tier, whose model in the pinned botocore lacks this call.
PLAN_ENDPOINT: Final = "https://freetier.us-east-1.api.aws/"
PLAN_REGION: Final = "us-east-1"
PLAN_CALL: Final = "GetAccountPlanState"
# Days of automated backups of a database that the free plan allows.
FREE_BACKUP_DAYS: Final = 1


def credentials(inquiry: Inquiry) -> str:
    """Check that AWS accepts the credentials, and return whose they are.

    Raises:
        CheckError: it does not, or cannot be reached.

    """
    sts = inquiry.account.client("sts", region=inquiry.home_region)
    try:
        return str(sts.get_caller_identity()["Arn"])
    except BotoCoreError as error:
        remedy = "is there a proxy? Then set HTTPS_PROXY in .env"
        message = f"{reason_of(error)}; {remedy}"
        raise CheckError(message) from None
    except ClientError as error:
        message = f"{reason_of(error)}; {_remedy(error, inquiry.settings.aws_profile)}"
        raise CheckError(message) from None


def _remedy(error: ClientError, profile: str | None) -> str:
    """Return what to do about an error of STS."""
    if profile and not _WRONG_CLOCK.search(reason_of(error)):
        remedy = f"run: uv run aws configure list --profile {profile}"
    elif code_of(error).startswith("ExpiredToken"):
        remedy = "get new temporary credentials, and put all three into .env"
    elif _WRONG_CLOCK.search(reason_of(error)):
        remedy = "set the clock of this machine"
    else:
        remedy = (
            "put a key of your AWS user into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of .env; a"
            " temporary one needs AWS_SESSION_TOKEN too"
        )
    return remedy


def region(inquiry: Inquiry) -> str:
    """Check that the region exists and is enabled, and return its name.

    Raises:
        CheckError: it is not.

    """
    name = inquiry.settings.aws_default_region
    ec2 = inquiry.account.client("ec2", region=inquiry.home_region)
    # Without names: for one that does not exist, AWS answers with an error.
    found = {
        each["RegionName"]: each["OptInStatus"]
        for each in ec2.describe_regions(AllRegions=True)["Regions"]
    }
    if name not in found:
        message = f"AWS_DEFAULT_REGION: AWS has no region {name}; correct it in .env"
        raise CheckError(message)
    if found[name] not in ENABLED:
        message = (
            f"AWS_DEFAULT_REGION: {name} is {found[name]}; enable it in the account's settings, or "
            "choose another"
        )
        raise CheckError(message)
    return name


def plan(inquiry: Inquiry) -> str:
    """Check that the account's plan allows the settings, and return the plan.

    Raises:
        CheckError: it is the free plan, which refuses some of them, or has expired.

    """
    state = _plan_state(inquiry)
    if state is None:
        return "no plan: the account is older than AWS's free plan"
    if state.get("accountPlanType") != "FREE":
        return "paid"
    if state.get("accountPlanStatus") == "EXPIRED":
        message = "AWS's free plan of the account has expired; upgrade the account's plan"
        raise CheckError(message)
    if refused := _refused_by_free_plan(inquiry):
        message = (
            f"AWS's free plan refuses {' and '.join(refused)}; change that in .env, or upgrade the "
            "account's plan"
        )
        raise CheckError(message)
    credits_left = state.get("accountPlanRemainingCredits", {})
    return (
        f"free until {_day(state.get('accountPlanExpirationDate'))}, "
        f"{credits_left.get('amount', '?')} {credits_left.get('unit', 'USD')} left"
    )


def _refused_by_free_plan(inquiry: Inquiry) -> list[str]:
    settings = inquiry.settings
    pages = inquiry.account.client("ec2").get_paginator("describe_instance_types")
    eligible = sorted(
        each["InstanceType"]
        for page in pages.paginate(Filters=[{"Name": "free-tier-eligible", "Values": ["true"]}])
        for each in page["InstanceTypes"]
    )
    fitting = [
        each
        for each in eligible
        if sizing.allocatable_mib(each)
        and not sizing.shortage(settings.node_count, each, settings.pods)
    ]
    refused = []
    if settings.node_instance_type not in eligible:
        refused.append(
            f"NODE_INSTANCE_TYPE={settings.node_instance_type} (it takes "
            f"{' or '.join(fitting) or 'none that is large enough'})"
        )
    if settings.database_backup_days > FREE_BACKUP_DAYS:
        refused.append(f"DATABASE_BACKUP_DAYS={settings.database_backup_days} (it takes 1 or 0)")
    return refused


def _plan_state(inquiry: Inquiry) -> dict[str, Any] | None:
    """Return the answer of GetAccountPlanState; None if the account has no plan.

    Raises:
        ClientError: AWS refuses.

    """
    request = AWSRequest(
        "POST",
        PLAN_ENDPOINT,
        headers={
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"AWSFreeTierService.{PLAN_CALL}",
        },
        data=b"{}",
    )
    keys = inquiry.account.session.get_credentials()
    SigV4Auth(keys, "freetier", PLAN_REGION).add_auth(request)
    answer = inquiry.http.post(PLAN_ENDPOINT, headers=dict(request.headers), content=request.body)
    body: dict[str, Any] = json.loads(answer.content)
    if answer.is_success:
        return body
    code = str(body.get("__type", answer.status_code)).rpartition("#")[2]
    message = str(body.get("message", body.get("Message", "")))
    error = ClientError({"Error": {"Code": code, "Message": message}}, PLAN_CALL)
    if code_of(error) == "ResourceNotFoundException":
        return None
    raise error


def _day(time: object) -> str:
    """Return the day of a time, which this protocol sends as seconds or as text."""
    if isinstance(time, int | float):
        return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d}"
    return str(time)[:10]
