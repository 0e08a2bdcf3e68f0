"""Langfuse's release on a cluster that is not in AWS, deployed and destroyed by Terraform."""

import json
from dataclasses import dataclass
from typing import Any

from tests.images import postgresql
from tests.images.for_kind import Cluster, adapt
from tests.rehearsal.environment import BUCKET, Environment


@dataclass(frozen=True)
class Release:
    """The release; network and deps are stood in for, but for PostgreSQL and S3."""

    environment: Environment
    cluster: Cluster

    def prepare(self) -> None:
        """Make what deps would make, then synthesize app and adapt it to the cluster."""
        s3 = self.environment.aws.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        tags = {"TagSet": [{"Key": "Project", "Value": "langfuse"}]}
        s3.put_bucket_tagging(Bucket=BUCKET, Tagging=tags)
        self.environment.stand_in_for_network()
        self.environment.stand_in_for_deps(
            database_host=postgresql.HOST, database_password=postgresql.PASSWORD
        )
        installation = self.environment.installation
        installation.change_env(LANGFUSE_PROJECT_KEYS="true")
        installation.run("python", "main.py")
        file = installation.folder / "cdktf.out" / "stacks" / "app" / "cdk.tf.json"
        stack: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps(adapt(stack, self.cluster)), encoding="utf-8")
        installation.terraform("app", "init", "-input=false")

    def deploy(self) -> None:
        """Install it, and wait until it is ready."""
        self.environment.installation.apply("app")

    def destroy(self) -> None:
        """Destroy it, as `cdktf destroy app` does."""
        self.environment.installation.apply("app", "-destroy")

    def backups(self) -> list[str]:
        """Return the times of the complete backups of ClickHouse, the oldest first."""
        s3 = self.environment.aws.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="clickhouse/")
        keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
        return sorted(key.split("/")[1] for key in keys if key.endswith("/.backup"))
