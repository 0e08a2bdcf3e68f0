"""All lines of check_account.py, and what it says where a question has no answer."""

from collections.abc import Callable, Iterator
from threading import Event

import httpx
import pytest
from botocore.exceptions import EndpointConnectionError  # type: ignore[import-untyped]

import check_account
from preflight import checks
from preflight.inquiry import Inquiry
from preflight.permissions import wanted
from tests.helpers.aws_account import Document, refusal
from tests.helpers.aws_answers import denied
from tests.helpers.checkout import ROOT
from tests.helpers.preflight import ADA, PLAN, PUBLIC, READY, TFC, Asked, passes, stops


def test_all_is_well(asked: Asked) -> None:
    actions = sum(map(len, wanted(asked.inquiry()).values()))
    assert asked.lines() == [
        (True, f"credentials  ok   {ADA}"),
        (True, "region       ok   us-east-1"),
        (True, "plan         ok   paid"),
        (True, f"permissions  ok   {actions} actions of policies/deployer.json"),
        (True, "names        ok   langfuse is free"),
        (True, "zones        ok   t3.medium in us-east-1b and us-east-1c"),
        (True, "vcpus        ok   4 needed, 30 of 32 left"),
        (True, "vpcs         ok   1 needed, 4 of 5 left"),
        (True, "kubernetes   ok   1.36, in standard support until 2099-07-29"),
        (True, "db class     ok   db.t4g.micro with PostgreSQL 16"),
        (True, "db quota     ok   1 needed, 37 of 40 left"),
        (True, "snapshots    ok   1 needed, 98 of 100 left"),
        (True, "terraform    ok   acme, with the token of ada"),
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
        "of your AWS user into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of .env"
    )
    assert [line[:12].strip() for _, line in said] == ["credentials", "terraform", "images"]


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
            "af-south-1",
            "af-south-1 is not-opted-in; enable it in the account's settings, or choose another",
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


def test_a_check_takes_too_long(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "TIMEOUT", 0.01)
    answered = Event()

    def answer(_: Document) -> Document:
        answered.wait(10)
        return {"Vpcs": []}

    asked.aws.answers = {**READY, "ec2.DescribeVpcs": answer}
    for ok, line in checks.lines(asked.inquiry()):
        if line.startswith("vpcs "):
            assert (ok, line[13:]) == passes("warning: not known: no answer in 0.01 s")
            answered.set()
    assert answered.is_set()


@pytest.fixture
def run(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[], tuple[object, list[str]]]:
    """Return a function that runs the program, and returns its exit code and its lines."""
    asked.inquiry()
    monkeypatch.setattr(check_account, "ENV_FILE", asked.env_file)
    monkeypatch.setattr(check_account, "account_of", lambda *_, **__: asked.account)
    transport = httpx.MockTransport(asked._answer)  # noqa: SLF001 - of this file
    client = httpx.Client(transport=transport)
    monkeypatch.setattr("check_account.httpx.Client", lambda **_: client)

    def program() -> tuple[object, list[str]]:
        with pytest.raises(SystemExit) as exit_info:
            check_account.main()
        return exit_info.value.code, capsys.readouterr().out.splitlines()

    return program


Program = Callable[[], tuple[object, list[str]]]


def test_warnings_do_not_fail(asked: Asked, run: Program) -> None:
    asked.aws.answers = {**READY, "ec2.DescribeVpcs": denied("ec2:DescribeVpcs")}
    code, lines = run()
    assert code is False
    assert "vpcs         warning: not known: your user lacks ec2:DescribeVpcs" in lines
    assert len(lines) == 14


def test_what_stops_a_deploy_fails(asked: Asked, run: Program) -> None:
    asked.web[f"{TFC}/account/details"] = httpx.Response(401)
    code, lines = run()
    assert code is True
    assert [line for line in lines if line.startswith("terraform    TFE_TOKEN: ")]


def test_an_env_with_faults(asked: Asked, run: Program) -> None:
    asked.env_file.unlink()
    assert run() == (".env: is missing; run: cp -n .env.example .env", [])


def test_interrupted(run: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Inquiry) -> Iterator[tuple[bool, str]]:
        raise KeyboardInterrupt

    monkeypatch.setattr(check_account, "lines", interrupted)
    assert run() == ("check_account.py: interrupted.", [])


def test_readme_has_it_before_the_first_deploy() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.index("uv run check_account.py") < readme.index("uv run npx cdktf deploy network")
