"""The environment of a scenario: stand-ins for the services, and one installation."""

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import psutil

import versions
from contracts import ApplicationSecrets, DepsOutputs, NetworkOutputs
from tests.rehearsal.installation import Installation
from tests.rehearsal.stand_ins.aws import ACCOUNT, REGION, Aws
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from tests.rehearsal.stand_ins.eks import Eks
from tests.rehearsal.stand_ins.terraform_cloud import TerraformCloud

ORGANIZATION: Final = "rehearsal"
TOKEN: Final = "the-one-token"  # noqa: S105 - of the stand-in
PASSWORD: Final = "a,b{c}=d e#f"  # noqa: S105 - what Helm's --set would stumble over
# A secret environment variable, and its value with what Helm and a URL give a meaning.
MAIL: Final = "SMTP_CONNECTION_URL"
MAIL_URL: Final = "smtps://ada:a,b{c}=d#e@smtp.example.com:465"
CHARTS: Final = {
    "LANGFUSE_CHART": f"langfuse-{versions.LANGFUSE_CHART}.tgz",
    "TRAEFIK_CHART": f"traefik-{versions.TRAEFIK_CHART}.tgz",
    "EXTERNAL_DNS_CHART": f"external-dns-{versions.EXTERNAL_DNS_CHART}.tgz",
    "EXTERNAL_SECRETS_CHART": f"external-secrets-{versions.EXTERNAL_SECRETS_CHART}.tgz",
}
SECRETS: Final = "langfuse-application-secrets"
# Tag that stands for a row of the database.
ROW: Final = "aws:row"
BUCKET: Final = f"langfuse-{ACCOUNT}-{REGION}"
LOCKED: Final = re.compile(r'provider "[^"]+/([\w-]+)" \{\s+version\s+= "([^"]+)"')
# Resources that a destroy retains (ADR 4), as the inventory names them.
RETAINED: Final = (
    rf"s3 bucket {BUCKET} \(\d objects\)",
    rf"secretsmanager secret {SECRETS}",
    r"rds snapshot final-langfuse-[0-9a-f]{8}",
    # Automated backups, for DATABASE_BACKUP_DAYS.
    r"rds snapshot rds:langfuse-[0-9-]+",
    r"ssm parameter /langfuse/retained/database",
)


@dataclass
class Environment:
    """AWS, EKS, Terraform Cloud, perhaps a control plane, and an installation that uses them."""

    aws: Aws
    eks: Eks
    cloud: TerraformCloud
    control_plane: ControlPlane | None
    installation: Installation

    def left_over(self) -> list[str]:
        """List the resources that exist in AWS and did not at the start."""
        return sorted([*self.aws.inventory(), *self.eks.resources()])

    def left_over_besides_retained(self) -> list[str]:
        """List those that a destroy should have deleted."""
        retained = re.compile("|".join(RETAINED))
        return [name for name in self.left_over() if not retained.fullmatch(name)]

    def application_secrets(self) -> str:
        """Return the value of the retained secret."""
        secrets = self.aws.client("secretsmanager")
        value: str = secrets.get_secret_value(SecretId=SECRETS)["SecretString"]
        return value

    def databases(self) -> list[dict[str, Any]]:
        """Return every database instance, as RDS describes it."""
        found: list[dict[str, Any]] = self.aws.client("rds").describe_db_instances()["DBInstances"]
        return found

    def stacks(self) -> list[str]:
        """Return the names of all CloudFormation stacks."""
        found = self.aws.client("cloudformation").describe_stacks()["Stacks"]
        return [stack["StackName"] for stack in found]

    def snapshots(self) -> list[str]:
        """Return the final snapshots, the newest first."""
        answer = self.aws.client("rds").describe_db_snapshots(SnapshotType="manual")
        newest_first = sorted(
            answer["DBSnapshots"], key=lambda each: each["SnapshotCreateTime"], reverse=True
        )
        return [snapshot["DBSnapshotIdentifier"] for snapshot in newest_first]

    def versions(self) -> set[str]:
        """Return the Terraform and the providers that were run, as ``name version``."""
        found = {f"Terraform {self.installation.terraform_version}"}
        for lock in self.installation.folder.glob("cdktf.out/stacks/*/.terraform.lock.hcl"):
            text = lock.read_text(encoding="utf-8")
            found |= {f"{name} {version}" for name, version in LOCKED.findall(text)}
        # A mirror may hold another build than it says.
        builds = {f"aws {build}" for build in self.aws.provider_builds()}
        return found | {f"{build} in its place" for build in builds - found}

    def put_in_a_row(self, row: str) -> None:
        """Tag the database: its snapshots carry the tag, as they would carry a row.

        Terraform leaves alone what begins with ``aws:``.
        """
        (database,) = self.databases()
        self.aws.client("rds").add_tags_to_resource(
            ResourceName=database["DBInstanceArn"], Tags=[{"Key": ROW, "Value": row}]
        )

    def rows_of(self, arn: str) -> list[str]:
        """Return the rows of a database or of a snapshot."""
        tags = self.aws.client("rds").list_tags_for_resource(ResourceName=arn)["TagList"]
        return [tag["Value"] for tag in tags if tag["Key"] == ROW]

    def row_in(self, snapshot: str) -> str:
        """Return the row that a snapshot carries."""
        rds = self.aws.client("rds")
        (found,) = rds.describe_db_snapshots(DBSnapshotIdentifier=snapshot)["DBSnapshots"]
        (row,) = self.rows_of(found["DBSnapshotArn"])
        return row

    def in_state(self, stack: str, name: str) -> list[dict[str, Any]]:
        """Return the attributes, from a state, of resources with ``name`` in their type or name."""
        return [
            instance["attributes"]
            for resource in self.cloud.state(f"langfuse-{stack}").get("resources", [])
            if resource["mode"] == "managed" and name in f"{resource['type']}.{resource['name']}"
            for instance in resource["instances"]
        ]

    def database_in_state(self) -> dict[str, Any]:
        """Return the database's attributes in Terraform's state."""
        (database,) = self.in_state("deps", "aws_db_instance.")
        return database

    def kill(self, command: str, stack: str, *, once: Callable[[], bool]) -> None:
        """Start a command, and kill it and its children as soon as ``once`` returns true."""
        process = self.installation.start(*self.installation.cdktf(command, stack))
        wait_until(lambda: once() or process.poll() is not None)
        if process.poll() is not None:
            message = f"{command} {stack} ended first:\n{process.communicate()[0][-3000:]}"
            raise AssertionError(message)
        leader = psutil.Process(process.pid)
        for each in (*leader.children(recursive=True), leader):
            with suppress(psutil.NoSuchProcess):
                each.kill()
        process.communicate()

    def unlock(self, stack: str) -> None:
        """Check that the killed command's lock is reported, and force-unlock the workspace."""
        said = self.installation.terraform(stack, "plan", "-input=false", status=1)
        assert "Error acquiring the state lock" in said
        workspace = f"{ORGANIZATION}/langfuse-{stack}"
        self.installation.terraform(stack, "force-unlock", "-force", workspace)

    def stand_in_for_network(self) -> None:
        """Publish network's outputs without deploying it: a new VPC each time, as in a rebuild."""
        ec2 = self.aws.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)
            for cidr, zone in (("10.0.0.0/20", f"{REGION}a"), ("10.0.16.0/20", f"{REGION}b"))
        ]
        nodes = ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=vpc)
        outputs = NetworkOutputs(
            vpc_id=vpc,
            database_subnet_ids=[subnet["Subnet"]["SubnetId"] for subnet in subnets],
            data_zone=f"{REGION}a",
            node_security_group_id=nodes["GroupId"],
            oidc_provider_arn=f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.example.com/id/1",
            cluster_name="langfuse",
            cluster_endpoint=self.eks.endpoint,
            cluster_certificate_authority_data=self.eks.ca_data,
        )
        self.cloud.publish(ORGANIZATION, "langfuse-network", asdict(outputs))

    def stand_in_for_deps(self, **others: str) -> None:
        """Publish the outputs of deps without deploying it: the chart needs names only.

        With ``others``, these outputs have other values.
        """
        secrets = dict.fromkeys((each.name for each in fields(ApplicationSecrets)), "0a" * 32)
        self.aws.client("secretsmanager").create_secret(
            Name=SECRETS, SecretString=json.dumps(secrets)
        )
        outputs = DepsOutputs(
            database_host="langfuse.example.com",
            database_name="langfuse",
            database_username="langfuse",
            database_password="not-printed-database",  # noqa: S106 - of the stand-in
            bucket_name=BUCKET,
            application_secrets_name=SECRETS,
            workload_role_arn=f"arn:aws:iam::{ACCOUNT}:role/langfuse",
            clickhouse_role_arn=f"arn:aws:iam::{ACCOUNT}:role/langfuse-clickhouse",
        )
        self.cloud.publish(ORGANIZATION, "langfuse-deps", {**asdict(outputs), **others})


def wait_until(condition: Callable[[], bool], seconds: float = 300) -> None:
    """Return as soon as the condition holds, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.2)


@contextmanager
def start_environment(folder: Path, mirror: Path, *, cluster: bool) -> Iterator[Environment]:
    """Start all stand-ins on loopback ports; leave none running, and no file outside ``folder``.

    Args:
        folder: where everything is written; it exists.
        mirror: holds ``modules``, ``providers`` and ``charts``; what is not there comes from the
            public registries.
        cluster: whether to start a Kubernetes control plane, whose programs must be on PATH.

    """
    modules, providers, charts = mirror / "modules", mirror / "providers", mirror / "charts"
    with ExitStack() as stack:
        control_plane = None
        eks = Eks()
        if cluster:
            control_plane = stack.enter_context(ControlPlane(folder / "control-plane"))
            control_plane.add_nodes(2)
            control_plane.add_system_pods()
            ca_data = base64.b64encode(control_plane.ca_pem.encode()).decode()
            eks = Eks(control_plane.endpoint, ca_data)
        stack.enter_context(eks)
        aws = stack.enter_context(Aws(folder / "moto.log"))
        cloud = stack.enter_context(
            TerraformCloud(TOKEN, modules=modules if modules.is_dir() else None)
        )
        config = folder / "terraform.rc"
        config.write_text(
            cloud.cli_config(providers if providers.is_dir() else None), encoding="utf-8"
        )
        to_aws = {
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_ENDPOINT_URL_EKS": eks.url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        cloud.runs.enable(
            folder / "runs", to_aws, aws.log_in, providers if providers.is_dir() else None
        )
        installation = Installation(
            folder / "checkout", {**to_aws, "TF_CLI_CONFIG_FILE": str(config)}
        )
        installation.write_env(
            AWS_ACCESS_KEY_ID="AKIAREHEARSAL",
            AWS_SECRET_ACCESS_KEY="not-printed-aws",  # noqa: S106 - of the stand-in
            TFE_TOKEN=TOKEN,
            TFC_ORGANIZATION=ORGANIZATION,
            LANGFUSE_ADMIN_EMAIL="ada@example.com",
            LANGFUSE_ADMIN_NAME="Ada",
            LANGFUSE_ADMIN_PASSWORD=PASSWORD,
            **{
                variable: str(charts / chart)
                for variable, chart in CHARTS.items()
                if (charts / chart).is_file()
            },
        )
        yield Environment(aws, eks, cloud, control_plane, installation)
