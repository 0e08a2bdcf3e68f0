"""Sets an account to any combination of retained resources."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from tests.rehearsal.stand_ins.aws import ACCOUNT, REGION, Aws

BUCKET: Final = f"langfuse-{ACCOUNT}-{REGION}"
SECRET: Final = "langfuse-application-secrets"  # noqa: S105 - its name
MARK: Final = "/langfuse/retained/database"
TAGS: Final = [{"Key": "Project", "Value": "langfuse"}]


@dataclass(frozen=True, kw_only=True)
class Left:
    """A combination; the database is neither made nor deleted here."""

    SECRETS = ("there", "scheduled", "gone")
    BUCKETS = ("there", "gone")
    SNAPSHOTS = ("none", "final", "several")

    secret: str
    bucket: str
    snapshots: str
    database: bool


class Remains:
    """Sets an account to a combination, from whatever it was before."""

    def __init__(self, aws: Aws) -> None:
        """Use the services of ``aws``."""
        self._secrets = aws.client("secretsmanager")
        self._s3 = aws.client("s3")
        self._rds = aws.client("rds")
        self._ssm = aws.client("ssm")
        self._secret = ""
        self._made = 0

    def remember_secret(self) -> None:
        """Keep the value of the secret, to put it back."""
        self._secret = self._secrets.get_secret_value(SecretId=SECRET)["SecretString"]

    def leave(self, left: Left, *, storage_gb: int = 20) -> None:
        """Set the account to the combination; a snapshot has ``storage_gb`` GiB."""
        self._leave_secret(left.secret)
        self._leave_bucket(left.bucket)
        self._leave_snapshots(Left.SNAPSHOTS.index(left.snapshots), storage_gb, left.database)

    def remove_mark(self) -> None:
        """Delete the mark of a completed database."""
        self._ssm.delete_parameter(Name=MARK)

    def untag_secret(self) -> None:
        """Remove the secret's tag, as on one that is older than the mark."""
        self._secrets.untag_resource(SecretId=SECRET, TagKeys=["DatabaseMark"])

    def untag_all(self) -> None:
        """Remove the tags of secret and bucket, which hides them as another account would."""
        with suppress(ClientError):
            self._s3.delete_bucket_tagging(Bucket=BUCKET)
        with suppress(ClientError):
            self._secrets.untag_resource(SecretId=SECRET, TagKeys=["Project"])

    def _leave_secret(self, where: str) -> None:
        with suppress(ClientError):
            self._secrets.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)
        if where == "gone":
            return
        tags = [*TAGS, {"Key": "DatabaseMark", "Value": "true"}]
        self._secrets.create_secret(Name=SECRET, SecretString=self._secret, Tags=tags)
        if where == "scheduled":
            self._secrets.delete_secret(SecretId=SECRET, RecoveryWindowInDays=30)

    def _leave_bucket(self, where: str) -> None:
        with suppress(ClientError):
            self._s3.create_bucket(Bucket=BUCKET)
        self._s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": TAGS})
        if where == "gone":
            self._s3.delete_bucket(Bucket=BUCKET)

    def _leave_snapshots(self, count: int, storage_gb: int, database: bool) -> None:  # noqa: FBT001
        found = self._rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
        for each in found:
            self._rds.delete_db_snapshot(DBSnapshotIdentifier=each["DBSnapshotIdentifier"])
        if count and not database:
            self._rds.create_db_instance(
                DBInstanceIdentifier="langfuse",
                DBInstanceClass="db.t4g.micro",
                Engine="postgres",
                MasterUsername="langfuse",
                MasterUserPassword="not-printed",
                AllocatedStorage=storage_gb,
                DBName="langfuse",
                StorageEncrypted=True,
            )
        for _ in range(count):
            self._made += 1
            self._rds.create_db_snapshot(
                DBInstanceIdentifier="langfuse",
                DBSnapshotIdentifier=f"final-langfuse-{self._made:08x}",
                Tags=TAGS,
            )
        if count and not database:
            self._rds.delete_db_instance(DBInstanceIdentifier="langfuse", SkipFinalSnapshot=True)
