"""AWS but for EKS: moto's server in a process of its own, so that its state ends with it."""

import json
import os
import subprocess
import sys
import urllib.request
from fnmatch import fnmatchcase
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]

from . import aws_inventory
from .faults import CONTROL
from .loopback import LOOPBACK

REGION: Final = "us-east-1"
ACCOUNT: Final = "123456789012"
KEY: Final = "rehearsal"


class AwsError(RuntimeError):
    """It did not start, or a call that was waited for did not come."""


class Aws:
    """A fresh AWS account; ``log``, if given, is where moto's complaints go."""

    def __init__(self, log: Path | None = None, *, audited: bool = True) -> None:
        """Start nothing yet; ``audited`` for one whose inventory will be asked for."""
        self._log = log
        self._audited = audited
        self._process: subprocess.Popen[str] | None = None
        self._inventory: aws_inventory.Inventory | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self._port}"

    def __enter__(self) -> Self:
        """Start, and remember what an account has before anything is done in it."""
        package = __package__ or ""
        root = Path(__file__).resolve().parents[package.count(".") + 1]
        log = self._log.open("ab") if self._log else None
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"{package}.moto_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log or subprocess.DEVNULL,
            text=True,
            cwd=root,
            env={**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"},
        )
        if log:
            log.close()
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            self.__exit__(None, None, None)
            message = f"moto's server did not start; see {self._log or 'a log, if you give one'}"
            raise AwsError(message)
        self._port = int(line)
        if self._audited:
            self._inventory = aws_inventory.Inventory(self.client)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process; closing its input is enough."""
        if self._process:
            try:
                self._process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.communicate()
            self._process = None

    def client(self, service: str, url: str | None = None, key: str = KEY) -> Any:  # noqa: ANN401
        """Return a boto3 client with this key, for a service that is here or at ``url``."""
        return boto3.client(
            service,
            endpoint_url=url or self.url,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=KEY,
            config=Config(retries={"max_attempts": 1}),
        )

    def log_in(self, role_arn: str, subject: str) -> dict[str, str]:
        """Return a session of a role as variables, if it trusts this subject of Terraform Cloud.

        The provider would make the session itself, but not at another address than AWS's.
        """
        role = self.client("iam").get_role(RoleName=role_arn.rpartition("/")[2])["Role"]
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        conditions = statement["Condition"]
        audience = conditions["StringEquals"]["app.terraform.io:aud"]
        subjects = conditions["StringLike"]["app.terraform.io:sub"]
        if audience != "aws.workload.identity" or not any(
            fnmatchcase(subject, pattern) for pattern in subjects
        ):
            return {}
        session = self.client("sts").assume_role_with_web_identity(
            RoleArn=role_arn, RoleSessionName="terraform-run", WebIdentityToken="not.looked.at"
        )["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
            "AWS_SESSION_TOKEN": session["SessionToken"],
        }

    def inventory(self) -> list[str]:
        """Name everything that was made and is still there, as ``service kind id``."""
        if self._inventory is None:
            message = "it was never started"
            raise AwsError(message)
        return self._inventory.made()

    def unlisted(self) -> list[str]:
        """Name the calls that made something of a kind that ``inventory`` does not list."""
        return aws_inventory.unlisted(self.calls())

    def fail_next(self, times: int, status: int, code: str, matching: str) -> None:
        """Refuse the next ``times`` calls like ``matching``: ``rds:CreateDBInstance``, say."""
        given = {"times": times, "status": status, "code": code, "matching": matching}
        self._control("fail-next", given)

    def forgive(self) -> None:
        """Refuse nothing more of what was planned."""
        self._control("forgive")

    def faults_left(self) -> int:
        """Count the planned refusals that nothing has met yet."""
        return int(self._control("faults")["faults"])

    def calls(self) -> list[str]:
        """Return every call so far, as ``service:Action``, or ``s3:PUT /bucket/key``."""
        calls: list[str] = self._control("calls")["calls"]
        return calls

    def provider_calls(self) -> list[str]:
        """Return what Terraform's provider has called so far, each once."""
        calls: list[str] = self._control("calls")["provider-calls"]
        return calls

    def untagged_calls(self) -> list[str]:
        """Return what Terraform's provider has made in EC2 without the tag Project in the call."""
        calls: list[str] = self._control("calls")["untagged-calls"]
        return calls

    def signers(self, service: str) -> list[str]:
        """Return the ids of the access keys with which calls of a service were signed so far."""
        signers: list[str] = self._control("signers")["signers"]
        return [each.partition(" ")[2] for each in signers if each.startswith(f"{service} ")]

    def provider_builds(self) -> list[str]:
        """Return what the AWS providers that called have said of their version."""
        builds: list[str] = self._control("providers")["providers"]
        return builds

    def _control(self, what: str, given: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - it is our own
            f"{self.url}{CONTROL}{what}", data=json.dumps(given or {}).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            document: dict[str, Any] = json.load(answer)
            return document
