"""A PostgreSQL database that is restored from its newest final snapshot."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from cdktf import TerraformHclModule, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.data_aws_db_instance import DataAwsDbInstance
from cdktf_cdktf_provider_aws.secretsmanager_secret_rotation import (
    SecretsmanagerSecretRotation,
    SecretsmanagerSecretRotationRotationRules,
)
from constructs import Construct

import versions
from constructs_lib.checkpoint import Checkpoint
from constructs_lib.existing_resources import ExistingResources
from constructs_lib.generated_password import GeneratedPassword
from constructs_lib.restore_point import RestorePoint

DATABASE: Final = "langfuse"
USERNAME: Final = "langfuse"

# Days until RDS makes another password of its own: AWS allows no longer pause. By itself it makes
# one every seven days, and Langfuse reads it at its start only.
LONGEST_PAUSE: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Times in UTC, as RDS has them."""

    backup_window: str
    """Such as ``16:30-17:00``, daily."""
    maintenance_window: str
    """Such as ``mon:16:00-mon:16:30``, weekly."""


class Postgres(Construct):
    """PostgreSQL on RDS and its security group.

    A destroy takes a final snapshot; the next create restores the newest one.
    """

    host: str
    """Hostname; the port is 5432."""
    database: str
    """Name of the database."""
    username: str
    password: str
    """Sensitive token; empty if AWS keeps the password."""
    secret_arn: str
    """Secrets Manager secret with the password; empty if Terraform makes the password."""
    snapshot_time: str
    """Terraform expression: time of the snapshot that is restored; null if none is."""
    arn: str
    address: str
    """Terraform address, for resources that depend on the database."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        existing: ExistingResources,
        vpc_id: str,
        subnet_ids: list[str],
        client_security_group_id: str,
        allowed_cidrs: list[str],
        instance_class: str,
        storage_gb: int,
        backup_days: int,
        password_of_aws: bool = False,
        windows: Windows | None = None,
        after: Sequence[str] = (),
    ) -> None:
        """Create or restore the database.

        Args:
            scope: parent construct.
            id_: construct id.
            name: identifier of the instance, the same after every destroy and deploy.
            existing: resources that an earlier deploy created.
            vpc_id: the VPC.
            subnet_ids: public subnets in at least two zones.
            client_security_group_id: security group whose members may connect.
            allowed_cidrs: IPv4 CIDRs that may connect as well; without any, the database has no
                public address.
            instance_class: RDS instance class, such as ``db.t4g.micro``.
            storage_gb: allocated storage, in GiB.
            backup_days: days that automated backups are kept, from 0 (none) to 35.
            password_of_aws: whether RDS makes the password and keeps it in Secrets Manager.
            windows: when RDS may back up and maintain; None for times of AWS's choice.
            after: Terraform addresses of what has to be done before the database is changed.

        """
        super().__init__(scope, id_)
        self.database = DATABASE
        self.username = USERNAME
        login: dict[str, object] = (
            {"manage_master_user_password": True} if password_of_aws else self._generated_password()
        )
        self.password = str(login.get("password", ""))
        firewall = self._firewall(name, vpc_id, client_security_group_id, allowed_cidrs)
        Checkpoint(self, "checkpoint", after=[firewall])
        restore_point = RestorePoint(
            self, "restore", identifier=name, storage_gb=storage_gb, existing=existing
        )
        self.snapshot_time = restore_point.snapshot_time
        rds = TerraformHclModule(
            self,
            "rds",
            source="terraform-aws-modules/rds/aws",
            version=versions.RDS_MODULE,
            variables={
                "identifier": name,
                "engine": "postgres",
                "engine_version": versions.POSTGRES,
                "instance_class": instance_class,
                "allocated_storage": storage_gb,
                "storage_type": "gp3",
                "storage_encrypted": True,
                "db_name": self.database,
                "username": self.username,
                **login,
                "publicly_accessible": bool(allowed_cidrs),
                "create_db_subnet_group": True,
                "subnet_ids": subnet_ids,
                "vpc_security_group_ids": [firewall],
                # The default parameters of PostgreSQL 16 on RDS force TLS.
                "create_db_parameter_group": False,
                "backup_retention_period": backup_days,
                # Automated backups outlive the instance and expire as usual. After a destroy by
                # mistake, or of a broken database, a point before it can still be restored.
                "delete_automated_backups": False,
                "apply_immediately": True,
                "snapshot_identifier": restore_point.snapshot_identifier,
                "skip_final_snapshot": False,
                "copy_tags_to_snapshot": True,
                "deletion_protection": False,
                # A restored instance is available only after its first backup.
                "timeouts": {"create": "60m", "update": "80m", "delete": "60m"},
                **(asdict(windows) if windows else {}),
            },
        )
        if after:
            rds.depends_on = [*after]
        rds.override_logical_id("rds")
        self.address = "module.rds"
        self.host = rds.get_string("db_instance_address")
        self.arn = rds.get_string("db_instance_arn")
        self.secret_arn = self._secret(name) if password_of_aws else ""

    def _secret(self, name: str) -> str:
        """Look up the secret that RDS has made, have it rotate seldom, and return its ARN.

        The module's own output, and its own rotation, fail where RDS takes over the password of an
        existing database: the provider plans no secret then (hashicorp/terraform-provider-aws#34094
        and terraform-aws-modules/terraform-aws-rds#588). This is read after such a change.
        """
        database = DataAwsDbInstance(self, "secret", db_instance_identifier=name)
        database.override_logical_id("database_with_secret")
        database.add_override("depends_on", [self.address])
        arn = f"${{one({database.fqn}.master_user_secret[*].secret_arn)}}"
        rotation = SecretsmanagerSecretRotation(
            self,
            "rotation",
            secret_id=arn,
            rotate_immediately=False,
            rotation_rules=SecretsmanagerSecretRotationRotationRules(
                automatically_after_days=LONGEST_PAUSE
            ),
            # Unknown in a plan that changes the database, which would replace this.
            lifecycle=TerraformResourceLifecycle(ignore_changes=["secret_id"]),
        )
        rotation.override_logical_id("rotation_of_the_database")
        return arn

    def _generated_password(self) -> dict[str, object]:
        """Generate the password, and return the module's variables about it."""
        password = GeneratedPassword(self, "password")
        password.override_logical_id("postgres_password")
        # The moved block keeps the password of installations from before 0.1.0, whose address ends
        # in CDKTF's hash.
        password.move_from_id("random_password.postgres_password_83C6746C")
        # A password managed by AWS costs $0.40 a month, and a restore does not support it.
        return {"password": password.result, "manage_master_user_password": False}

    def _firewall(
        self, name: str, vpc_id: str, client_security_group_id: str, cidrs: list[str]
    ) -> str:
        """Create the security group and return its id."""
        variables: dict[str, object] = {
            "name": f"{name}-postgres",
            "description": "PostgreSQL of Langfuse",
            "vpc_id": vpc_id,
            "ingress_with_source_security_group_id": [
                {
                    "rule": "postgresql-tcp",
                    "description": "Nodes",
                    "source_security_group_id": client_security_group_id,
                }
            ],
        }
        if cidrs:
            variables["ingress_with_cidr_blocks"] = [
                {
                    "rule": "postgresql-tcp",
                    "description": "Allowed addresses",
                    "cidr_blocks": ",".join(cidrs),
                }
            ]
        return TerraformHclModule(
            self,
            "firewall",
            source="terraform-aws-modules/security-group/aws",
            version=versions.SECURITY_GROUP_MODULE,
            variables=variables,
        ).get_string("security_group_id")
