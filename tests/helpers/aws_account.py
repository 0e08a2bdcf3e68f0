"""An AWS account in this process: S3 and Secrets Manager by moto, the others by stand-ins.

Moto has no automated backups of RDS, and its CloudFormation and SSM take seconds to import.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import boto3  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from backing_up.account import Account

NAME: Final = "langfuse"
REGION: Final = "us-east-1"
ID: Final = "123456789012"
BUCKET: Final = f"{NAME}-{ID}-{REGION}"
BY_MOTO: Final = frozenset({"s3", "secretsmanager"})

Document = dict[str, Any]


def refusal(code: str, message: str = "no", *, operation: str = "Call") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@dataclass
class StandIn:
    """RDS, EKS, CloudFormation, SSM and STS."""

    instances: list[Document] = field(default_factory=list)
    snapshots: list[Document] = field(default_factory=list)
    automated: list[Document] = field(default_factory=list)
    clusters: set[str] = field(default_factory=set)
    stacks: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)

    def get_caller_identity(self) -> Document:
        return {"Account": ID}

    def get_paginator(self, call: str) -> "Pages":
        return Pages(self, call)

    def create_db_snapshot(
        self,
        *,
        DBInstanceIdentifier: str,  # noqa: N803 - AWS's names
        DBSnapshotIdentifier: str,  # noqa: N803
        Tags: list[Document],  # noqa: N803
    ) -> None:
        if DBInstanceIdentifier not in {each["DBInstanceIdentifier"] for each in self.instances}:
            error = refusal("DBInstanceNotFound", operation="CreateDBSnapshot")
            raise error
        self._begin(DBSnapshotIdentifier, Tags)

    def copy_db_snapshot(
        self,
        *,
        SourceDBSnapshotIdentifier: str,  # noqa: N803
        TargetDBSnapshotIdentifier: str,  # noqa: N803
        CopyTags: bool,  # noqa: N803
    ) -> None:
        (source,) = [
            each
            for each in self.snapshots
            if each["DBSnapshotIdentifier"] == SourceDBSnapshotIdentifier
        ]
        self._begin(TargetDBSnapshotIdentifier, source.get("TagList", []) if CopyTags else [])

    def _begin(self, name: str, tags: list[Document]) -> None:
        """Begin a snapshot, which is there after it was looked at twice."""
        self.snapshot(name, datetime.now(UTC), status="creating")
        self.snapshots[-1] |= {"TagList": tags, "Looks": 2}

    def look(self) -> None:
        """Have snapshots in the making progress."""
        for each in self.snapshots:
            if "Looks" in each:
                each["Looks"] -= 1
                if each["Looks"] < 0 and each["Status"] == "creating":
                    each |= {"Status": "available", "SnapshotCreateTime": datetime.now(UTC)}

    def delete_db_snapshot(self, *, DBSnapshotIdentifier: str) -> None:  # noqa: N803 - AWS's name
        self.snapshots = [
            each for each in self.snapshots if each["DBSnapshotIdentifier"] != DBSnapshotIdentifier
        ]
        self.deleted.append(DBSnapshotIdentifier)

    def delete_db_instance_automated_backup(self, *, DbiResourceId: str) -> None:  # noqa: N803
        self.deleted.append(DbiResourceId)
        self.automated = [
            each for each in self.automated if each.get("DbiResourceId") != DbiResourceId
        ]

    def describe_cluster(self, *, name: str) -> Document:
        if name not in self.clusters:
            error = refusal("ResourceNotFoundException")
            raise error
        return {"cluster": {"name": name}}

    def describe_stacks(self, *, StackName: str) -> Document:  # noqa: N803
        if StackName not in self.stacks:
            error = refusal("ValidationError")
            raise error
        return {"Stacks": [{"StackStatus": self.stacks[StackName]}]}

    def delete_stack(self, *, StackName: str) -> None:  # noqa: N803
        self.deleted.append(StackName)
        del self.stacks[StackName]

    def get_parameter(self, *, Name: str) -> Document:  # noqa: N803
        if Name not in self.parameters:
            error = refusal("ParameterNotFound")
            raise error
        return {"Parameter": {"Name": Name, "Value": self.parameters[Name]}}

    def delete_parameter(self, *, Name: str) -> None:  # noqa: N803
        self.get_parameter(Name=Name)
        del self.parameters[Name]

    def snapshot(
        self, name: str, time: datetime, kind: str = "manual", status: str = "available"
    ) -> None:
        self.snapshots.append(
            {
                "DBSnapshotIdentifier": name,
                "DBInstanceIdentifier": NAME,
                "SnapshotType": kind,
                "Status": status,
                "AllocatedStorage": 20,
            }
            | ({"SnapshotCreateTime": time} if status == "available" else {"PercentProgress": 40})
        )


@dataclass
class Pages:
    """A paginator, with a page for each item."""

    account: StandIn
    call: str

    def paginate(self, **arguments: str) -> Iterator[Document]:
        self.account.look()
        kind, found = {
            "describe_db_instances": ("DBInstances", self.account.instances),
            "describe_db_snapshots": ("DBSnapshots", self.account.snapshots),
            "describe_db_instance_automated_backups": (
                "DBInstanceAutomatedBackups",
                self.account.automated,
            ),
        }[self.call]
        for each in found:
            if all(each[key] == value for key, value in arguments.items()):
                yield {kind: [each]}


@dataclass
class Session:
    """In place of boto3's."""

    stand_in: StandIn

    def client(self, service: str, **_: object) -> Any:  # noqa: ANN401
        if service not in BY_MOTO:
            return self.stand_in
        return client_of_moto(service)


@cache
def client_of_moto(service: str) -> Any:  # noqa: ANN401
    """Return a client: making one takes 0.1 s, and its account is that of the present mock."""
    return boto3.client(
        service,
        region_name=REGION,
        aws_access_key_id="key",
        aws_secret_access_key="secret",  # noqa: S106 - of moto
    )


def account_with(stand_in: StandIn) -> Account:
    return Account(NAME, REGION, Session(stand_in))
