"""A PostgreSQL database that comes back from its last snapshot."""

from typing import Final

from cdktf import TerraformHclModule
from cdktf_cdktf_provider_random.password import Password
from constructs import Construct

import versions
from constructs_lib.checkpoint import Checkpoint
from constructs_lib.existing_resources import ExistingResources
from constructs_lib.restore_point import RestorePoint

DATABASE: Final = "langfuse"
USERNAME: Final = "langfuse"

# Letters and digits, because Langfuse puts the password into a URL as it is: 48 of 62 are 285 bits.
PASSWORD_LENGTH: Final = 48


class Postgres(Construct):
    """PostgreSQL on RDS, its firewall, and its way back.

    Destroying it leaves a final snapshot; creating it again restores the newest one.
    """

    host: str
    database: str
    username: str
    password: str
    address: str
    """Terraform address, for what must wait until there is a database."""

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
    ) -> None:
        """Make the database.

        Args:
            scope: parent construct.
            id_: construct id.
            name: identifier of the instance, the same in every cycle.
            existing: what an earlier deploy left.
            vpc_id: the VPC.
            subnet_ids: public subnets in at least two zones.
            client_security_group_id: whose members may connect.
            allowed_cidrs: who else may connect.
            instance_class: such as ``db.t4g.micro``.
            storage_gb: in GiB.
            backup_days: days that automated backups are kept, from 0 (none) to 35.

        """
        super().__init__(scope, id_)
        self.database = DATABASE
        self.username = USERNAME
        password = Password(self, "password", length=PASSWORD_LENGTH, special=False)
        password.override_logical_id("postgres_password")
        # Its address until 0.1.0, with CDKTF's hash: a new one would be another password.
        password.move_from_id("random_password.postgres_password_83C6746C")
        self.password = password.result
        firewall = self._firewall(name, vpc_id, client_security_group_id, allowed_cidrs)
        Checkpoint(self, "checkpoint", after=[firewall])
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
                "password": self.password,
                # A password managed by AWS costs $0.40 a month and cannot be had on a restore.
                "manage_master_user_password": False,
                "publicly_accessible": True,
                "create_db_subnet_group": True,
                "subnet_ids": subnet_ids,
                "vpc_security_group_ids": [firewall],
                # PostgreSQL 16's own defaults force TLS.
                "create_db_parameter_group": False,
                "backup_retention_period": backup_days,
                # They outlive the instance and expire as they would have: a destroy by mistake, or
                # of a broken database, leaves the days before it, not only the final snapshot.
                "delete_automated_backups": False,
                "apply_immediately": True,
                "snapshot_identifier": RestorePoint(
                    self, "restore", identifier=name, storage_gb=storage_gb, existing=existing
                ).snapshot_identifier,
                "skip_final_snapshot": False,
                "copy_tags_to_snapshot": True,
                "deletion_protection": False,
                # A restore waits for its first backup.
                "timeouts": {"create": "60m", "update": "80m", "delete": "60m"},
            },
        )
        rds.override_logical_id("rds")
        self.address = "module.rds"
        self.host = rds.get_string("db_instance_address")

    def _firewall(
        self, name: str, vpc_id: str, client_security_group_id: str, cidrs: list[str]
    ) -> str:
        """Make the security group and return its id."""
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
