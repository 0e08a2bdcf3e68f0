"""Stand-ins of all that check_account.py asks, where nothing would stop a deploy."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

import versions
from backing_up.account import Account
from env_file import load_settings
from preflight import checks
from preflight.inquiry import Inquiry
from tests.helpers import ec2_and_rds
from tests.helpers.aws_account import ID, NAME, Document, refusal
from tests.helpers.aws_answers import Answer, AwsAnswers
from tests.helpers.synthesis import BASE_ENV

ADA = f"arn:aws:iam::{ID}:user/ada"
TAG = {"Key": "Project", "Value": NAME}
PUBLIC = {"LANGFUSE_DOMAIN": "langfuse.example.com", "ROUTE53_ZONE": "example.com"}
TFC = "https://app.terraform.io/api/v2"
HUB = "https://registry-1.docker.io/v2"
WEB = f"{HUB}/langfuse/langfuse/manifests/{versions.LANGFUSE_LINES[3].langfuse}"
PLAN = "https://freetier.us-east-1.api.aws/"
NS = "https://dns.google/resolve?name=example.com&type=NS"
NODE = {
    "InstanceType": "t3.large",
    "CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 2},
    "Tags": [],
}


# What moto cannot answer, what takes it seconds to import, and whose the key is.
READY: dict[str, Answer] = {
    **ec2_and_rds.READY,
    "sts.GetCallerIdentity": {"Account": ID, "Arn": ADA},
    "iam.SimulatePrincipalPolicy": lambda asked: decisions(asked, "allowed"),
    "cloudformation.DescribeStacks": refusal("ValidationError"),
    "ec2.DescribeInstances": {"Reservations": [{"Instances": [NODE]}]},
    # Of EC2, moto says as AWS does that nobody has changed a quota.
    "service-quotas.GetAWSDefaultServiceQuota": lambda asked: {
        "Quota": {"Value": {"L-1216C47A": 32.0, "L-34B43A08": 8.0}.get(asked["QuotaCode"], 5.0)}
    },
    "eks.DescribeClusterVersions": lambda asked: {"clusterVersions": [support(asked)]},
    "elasticache.DescribeReservedCacheNodesOfferings": {
        "ReservedCacheNodesOfferings": [{"CacheNodeType": "cache.t4g.micro"}]
    },
    "rds.DescribeOrderableDBInstanceOptions": {
        "OrderableDBInstanceOptions": [
            {
                "EngineVersion": "16.14",
                "StorageType": "gp3",
                "AvailabilityZones": [{"Name": "us-east-1b"}],
            }
        ]
    },
    "rds.DescribeAccountAttributes": {
        "AccountQuotas": [
            {"AccountQuotaName": "DBInstances", "Used": 3, "Max": 40},
            {"AccountQuotaName": "ManualSnapshots", "Used": 2, "Max": 100},
        ]
    },
}
INDEX = {
    "manifests": [
        {"platform": {"os": "linux", "architecture": "amd64"}},
        {"platform": {"os": "linux", "architecture": "arm64"}},
        {"platform": {"os": "unknown", "architecture": "unknown"}},
    ]
}
CHALLENGE = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="pull"'


def support(asked: Document) -> Document:
    (version,) = asked["clusterVersions"]
    year = {"1.33": 2026}.get(version, 2099)
    return {
        "clusterVersion": version,
        "endOfStandardSupportDate": datetime(year, 7, 29, tzinfo=UTC),
    }


def decisions(asked: Document, decision: str, *, of: str = "", **more: Any) -> Document:  # noqa: ANN401
    """Return ``decision`` for actions that begin with ``of``."""
    return {
        "EvaluationResults": [
            {
                "EvalActionName": action,
                "EvalDecision": decision if action.startswith(of) else "allowed",
                **more,
            }
            for action in asked["ActionNames"]
        ]
    }


Web = dict[str, httpx.Response | Exception]


def web() -> Web:
    """Return the answers of what is not AWS, by their addresses."""
    account = {
        "attributes": {"username": "ada"},
        "relationships": {"authenticated-resource": {"data": {"type": "users"}}},
    }
    organization = {"attributes": {"permissions": {"can-create-workspace": True}}}
    return {
        PLAN: httpx.Response(200, json={"accountPlanType": "PAID"}),
        f"{TFC}/account/details": httpx.Response(200, json={"data": account}),
        f"{TFC}/organizations/acme": httpx.Response(200, json={"data": organization}),
        NS: httpx.Response(200, json={"Answer": [{"data": "NS-2048.awsdns-64.com."}]}),
    }


class Asked:
    """Runs one check, or all."""

    def __init__(self, account: Account, answers: AwsAnswers, env_file: Path) -> None:
        self.account = account
        self.aws = answers
        self.aws.answers = dict(READY)
        self.web = web()
        self.requests: list[httpx.Request] = []
        self.env_file = env_file

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 has no types
        """Return the client of a service, to make something in the account."""
        return self.account.client(service)

    def inquiry(self, **variables: str) -> Inquiry:
        base = BASE_ENV.read_text(encoding="utf-8").splitlines()
        kept = [line for line in base if line.partition("=")[0] not in variables]
        lines = [*kept, *(f"{key}={value}" for key, value in variables.items()), ""]
        self.env_file.write_text("\n".join(lines), encoding="utf-8")
        http = httpx.Client(transport=httpx.MockTransport(self._answer))
        return Inquiry(load_settings(self.env_file), self.account, http)

    def lines(self, **variables: str) -> list[tuple[bool, str]]:
        return [*checks.lines(self.inquiry(**variables))]

    def line(self, part: str, **variables: str) -> tuple[bool, str]:
        """Return the verdict of one check, and its line after the name."""
        inquiry = self.inquiry(**variables)
        known = (*checks.FIRST, *checks.in_aws(inquiry), *checks.ELSEWHERE)
        (check,) = [each for each in known if each.part == part]
        ok, line = check.line(inquiry)
        assert line.startswith(f"{part:12} ")
        return ok, line[13:]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        url = str(request.url)
        answer = self.web.get(url)
        if answer is None and "/manifests/" in url:
            return httpx.Response(200, json=INDEX)
        if isinstance(answer, Exception):
            raise answer
        return answer or httpx.Response(404)


def stops(said: str) -> tuple[bool, str]:
    return False, said


def passes(said: str) -> tuple[bool, str]:
    return True, said
