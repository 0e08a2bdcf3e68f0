"""All lines of check_account.py, and what it says where a question has no answer."""

from threading import Event
from time import monotonic

import httpx
import pytest
from botocore.exceptions import EndpointConnectionError  # type: ignore[import-untyped]

from preflight import checks
from preflight.permissions import wanted
from tests.helpers.aws_account import Document, refusal
from tests.helpers.aws_answers import denied
from tests.helpers.preflight import ADA, PLAN, PUBLIC, READY, Asked, passes, stops


def test_all_is_well(asked: Asked) -> None:
    actions = sum(map(len, wanted(asked.inquiry()).values()))
    assert asked.lines() == [
        (True, f"credentials  ok   {ADA}"),
        (True, "region       ok   us-east-1"),
        (True, "plan         ok   paid"),
        (True, f"permissions  ok   {actions} actions of policies/deployer.json"),
        (True, "names        ok   langfuse is free"),
        (True, "zones        ok   t3.medium in us-east-1a and us-east-1b"),
        (True, "vcpus        ok   4 needed, 30 of 32 left"),
        (True, "vpcs         ok   1 needed, 4 of 5 left"),
        (True, "kubernetes   ok   1.36, in standard support until 2099-07-29"),
        (True, "db class     ok   db.t4g.micro with PostgreSQL 16"),
        (True, "db quota     ok   1 needed, 37 of 40 left"),
        (True, "snapshots    ok   1 needed, 98 of 100 left"),
        (
            True,
            (
                "organization ok   acme, with the token of ada; makes langfuse-network, "
                "langfuse-deps, langfuse-app"
            ),
        ),
        (True, "images       ok   4 for amd64"),
    ]


def test_no_secret_is_said_and_nothing_is_written(asked: Asked) -> None:
    said = "\n".join(line for _, line in asked.lines(**PUBLIC))
    assert "do-not-print" not in said
    token = asked.inquiry().settings.tfe_token.get_secret_value().encode()
    shown = {each.url.host for each in asked.requests if token in str(each.headers.raw).encode()}
    assert shown == {"app.terraform.io"}
    posts = {str(each.url) for each in asked.requests if each.method != "GET"}
    assert posts == {PLAN}


def test_without_a_login_nothing_else_of_aws_is_asked(asked: Asked) -> None:
    asked.aws.answers = {"sts.GetCallerIdentity": refusal("InvalidClientTokenId", "The token is.")}
    said = asked.lines()
    assert said[0] == stops(
        "credentials  AWS refuses GetCallerIdentity: InvalidClientTokenId: The token is; put a key "
        "of your AWS user into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of .env; a temporary "
        "one needs AWS_SESSION_TOKEN too"
    )
    assert [line[:12].strip() for _, line in said] == ["credentials", "organization", "images"]


@pytest.mark.parametrize(
    ("code", "message", "remedy"),
    [
        (
            "ExpiredToken",
            "The security token included in the request is expired",
            "get new temporary credentials, and put all three into .env",
        ),
        (
            "SignatureDoesNotMatch",
            "Signature expired: 20261128T040000Z is now earlier than 20261128T050000Z",
            "set the clock of this machine",
        ),
        (
            "SignatureDoesNotMatch",
            "Signature not yet current: 20261128T060000Z is still later than 20261128T051500Z",
            "set the clock of this machine",
        ),
    ],
)
def test_a_login_that_was_good(asked: Asked, code: str, message: str, remedy: str) -> None:
    asked.aws.answers = {"sts.GetCallerIdentity": refusal(code, f"{message}\ndo-not-print")}
    said = f"AWS refuses GetCallerIdentity: {code}: {message}; {remedy}"
    assert asked.line("credentials") == stops(said)


def test_aws_cannot_be_reached(asked: Asked) -> None:
    error = EndpointConnectionError(endpoint_url="https://user:do-not-print@proxy")
    asked.aws.answers = {"sts.GetCallerIdentity": error}
    assert asked.line("credentials") == stops(
        "AWS cannot be reached (EndpointConnectionError); is there a proxy? Then set HTTPS_PROXY "
        "in .env"
    )


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ("us-nowhere-1", "AWS has no region us-nowhere-1; correct it in .env"),
        (
            "ap-east-1",
            "ap-east-1 is not-opted-in; enable it in the account's settings, or choose another",
        ),
    ],
)
def test_region(asked: Asked, region: str, said: str) -> None:
    lines = asked.lines(AWS_DEFAULT_REGION=region)
    assert lines[1] == stops(f"region       AWS_DEFAULT_REGION: {said}")
    assert len(lines) == 4


@pytest.mark.parametrize(
    ("part", "operation", "action"),
    [
        ("vpcs", "service-quotas.GetServiceQuota", "servicequotas:GetServiceQuota"),
        ("zones", "ec2.DescribeAvailabilityZones", "ec2:DescribeAvailabilityZones"),
        ("kubernetes", "eks.DescribeClusterVersions", "eks:DescribeClusterVersions"),
        ("permissions", "iam.SimulatePrincipalPolicy", "iam:SimulatePrincipalPolicy"),
        ("db quota", "rds.DescribeAccountAttributes", "rds:DescribeAccountAttributes"),
    ],
)
def test_a_permission_to_look_is_lacking(
    asked: Asked, part: str, operation: str, action: str
) -> None:
    asked.aws.answers = {**READY, operation: denied(action)}
    assert asked.line(part) == passes(f"warning: not known: your user lacks {action}")


def test_a_plan_that_may_not_be_read(asked: Asked) -> None:
    body = {
        "__type": "com.amazonaws#AccessDeniedException",
        "Message": f"User: {ADA} is not authorized to perform: freetier:GetAccountPlanState",
    }
    asked.web[PLAN] = httpx.Response(400, json=body)
    said = "warning: not known: your user lacks freetier:GetAccountPlanState"
    assert asked.line("plan") == passes(said)


def test_a_plan_that_cannot_be_asked_for(asked: Asked) -> None:
    asked.web[PLAN] = httpx.ConnectError("do-not-print")
    host = "freetier.us-east-1.api.aws"
    said = f"warning: not known: {host} cannot be reached (ConnectError)"
    assert asked.line("plan") == passes(said)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (refusal("Throttling", "Rate exceeded"), "AWS refuses DescribeVpcs: Throttling: Rate "),
        (EndpointConnectionError(endpoint_url="x"), "AWS cannot be reached (EndpointConnection"),
    ],
)
def test_no_answer_is_a_warning(asked: Asked, error: Exception, said: str) -> None:
    asked.aws.answers = {**READY, "ec2.DescribeVpcs": error}
    ok, line = asked.line("vpcs")
    assert ok
    assert line.startswith(f"warning: not known: {said}")


def test_a_surprise_is_a_warning_without_its_text(asked: Asked) -> None:
    asked.aws.answers = {**READY, "ec2.DescribeVpcs": KeyError("do-not-print")}
    assert asked.line("vpcs") == passes("warning: not known (KeyError)")


def test_checks_take_too_long(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that hang are given up at once: one after the other would take nine times as long."""
    monkeypatch.setattr(checks, "TIMEOUT", 0.3)
    let_go = Event()

    def hang(_: Document) -> Document:
        let_go.wait(30)
        return {}

    hanging = (
        "iam.SimulatePrincipalPolicy",
        "s3.HeadBucket",
        "ec2.DescribeAvailabilityZones",
        "ec2.DescribeInstanceTypes",
        "ec2.DescribeVpcs",
        "eks.DescribeClusterVersions",
        "rds.DescribeDBInstances",
        "rds.DescribeAccountAttributes",
    )
    asked.aws.answers = {**READY, **dict.fromkeys(hanging, hang)}
    inquiry = asked.inquiry()
    began = monotonic()
    said = [line for _, line in checks.lines(inquiry)]
    took = monotonic() - began
    let_go.set()
    late = [line for line in said if line.endswith("warning: not known: no answer in 0.3 s")]
    assert len(late) >= 9
    assert took < 2
