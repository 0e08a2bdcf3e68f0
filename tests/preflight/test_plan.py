"""What check_account.py says of the plan of the AWS account."""

import httpx
import pytest

from tests.helpers.preflight import PLAN, READY, Asked, passes, stops


def free_plan(**more: object) -> httpx.Response:
    state = {
        "accountPlanType": "FREE",
        "accountPlanStatus": "ACTIVE",
        "accountPlanRemainingCredits": {"amount": 87.5, "unit": "USD"},
        "accountPlanExpirationDate": 1780272000.0,
    }
    return httpx.Response(200, json=state | more)


def test_the_free_plan_refuses_the_defaults(asked: Asked) -> None:
    asked.web[PLAN] = free_plan()
    assert asked.line("plan") == stops(
        "AWS's free plan refuses NODE_INSTANCE_TYPE=t3.medium (it takes c7i-flex.large or "
        "m7i-flex.large) and DATABASE_BACKUP_DAYS=7 (it takes 1 or 0); change that in .env, or "
        "upgrade the account's plan"
    )


@pytest.mark.parametrize("time", [1780272000.0, "2026-06-01T00:00:00Z"])
def test_the_free_plan_takes_what_fits(asked: Asked, time: object) -> None:
    asked.web[PLAN] = free_plan(accountPlanExpirationDate=time)
    said = asked.line("plan", NODE_INSTANCE_TYPE="m7i-flex.large", DATABASE_BACKUP_DAYS="1")
    assert said == passes("ok   free until 2026-06-01, 87.5 USD left")


def test_the_free_plan_has_nothing_that_fits(asked: Asked) -> None:
    asked.aws.answers = {**READY, "ec2.DescribeInstanceTypes": {"InstanceTypes": []}}
    asked.web[PLAN] = free_plan()
    assert "(it takes none that is large enough)" in asked.line("plan")[1]


def test_the_free_plan_has_expired(asked: Asked) -> None:
    asked.web[PLAN] = free_plan(accountPlanStatus="EXPIRED")
    said = "AWS's free plan of the account has expired; upgrade the account's plan"
    assert asked.line("plan") == stops(said)


def test_an_account_from_before_the_plans(asked: Asked) -> None:
    asked.web[PLAN] = httpx.Response(400, json={"__type": "ResourceNotFoundException"})
    said = "ok   no plan: the account is older than AWS's free plan"
    assert asked.line("plan") == passes(said)


def test_the_plan_is_asked_for_with_a_signature(asked: Asked) -> None:
    asked.line("plan")
    (request,) = asked.requests
    assert request.headers["X-Amz-Target"] == "AWSFreeTierService.GetAccountPlanState"
    assert "/us-east-1/freetier/aws4_request" in request.headers["Authorization"]
    assert request.content == b"{}"
