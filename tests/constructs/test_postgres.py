"""Postgres: the database, its firewall and its way back."""

from typing import Any

import pytest
from cdktf import TerraformStack

from constructs_lib.existing_resources import ExistingResources
from constructs_lib.postgres import Postgres
from tests.helpers.bare_stack import BareStack
from tests.helpers.modules import FIREWALL, RDS
from tests.helpers.stack import Stack


def postgres(
    bare_stack: BareStack, allowed_cidrs: list[str], *, password_of_aws: bool = False
) -> Stack:
    def make(stack: TerraformStack) -> Postgres:
        remains = ExistingResources(
            stack, "remains", name="langfuse", bucket_name="b", partition="aws"
        )
        return Postgres(
            stack,
            "postgres",
            name="langfuse",
            existing=remains,
            vpc_id="vpc-1",
            subnet_ids=["subnet-1", "subnet-2"],
            client_security_group_id="sg-nodes",
            allowed_cidrs=allowed_cidrs,
            instance_class="db.t4g.micro",
            storage_gb=20,
            backup_days=14,
            password_of_aws=password_of_aws,
        )

    return bare_stack(make)


@pytest.fixture(scope="module")
def stack(bare_stack: BareStack) -> Stack:
    return postgres(bare_stack, ["203.0.113.7/32", "198.51.100.0/24"])


@pytest.fixture(scope="module")
def database(stack: Stack) -> dict[str, Any]:
    return stack.module(RDS)


def test_fr05_postgres_is_in_the_given_subnets(database: dict[str, Any]) -> None:
    assert (database["engine"], database["engine_version"]) == ("postgres", "16")
    assert database["instance_class"] == "db.t4g.micro"
    assert (database["allocated_storage"], database["storage_type"]) == (20, "gp3")
    assert database["storage_encrypted"] is True
    assert database["create_db_subnet_group"] is True
    assert database["subnet_ids"] == ["subnet-1", "subnet-2"]


def test_fr06_nfr03_firewall_admits_nodes_and_the_given_networks(
    stack: Stack, database: dict[str, Any]
) -> None:
    assert database["publicly_accessible"] is True
    assert database["vpc_security_group_ids"] == [
        f"${{{stack.module_address(FIREWALL)}.security_group_id}}"
    ]
    firewall = stack.module(FIREWALL)
    assert firewall["vpc_id"] == "vpc-1"
    (nodes,) = firewall["ingress_with_source_security_group_id"]
    (others,) = firewall["ingress_with_cidr_blocks"]
    assert nodes["rule"] == others["rule"] == "postgresql-tcp"
    assert nodes["source_security_group_id"] == "sg-nodes"
    assert others["cidr_blocks"] == "203.0.113.7/32,198.51.100.0/24"


def test_fr06_firewall_can_admit_nodes_alone(bare_stack: BareStack) -> None:
    closed = postgres(bare_stack, [])
    assert "ingress_with_cidr_blocks" not in closed.module(FIREWALL)
    assert closed.module(FIREWALL)["ingress_with_source_security_group_id"]
    assert closed.module(RDS)["publicly_accessible"] is False


def test_fr09_final_snapshot(database: dict[str, Any]) -> None:
    assert database["skip_final_snapshot"] is False
    assert database["copy_tags_to_snapshot"] is True
    assert database["deletion_protection"] is False


def test_fr28_database_comes_from_its_restore_point(stack: Stack, database: dict[str, Any]) -> None:
    assert database["identifier"] == "langfuse"
    assert database["snapshot_identifier"] == (
        "${terraform_data.restore_from.output.snapshot_identifier}"
    )
    (condition,) = stack.data("aws_db_snapshot")["lifecycle"]["postcondition"]
    assert condition["condition"] == "${self.allocated_storage <= 20}"


def test_automated_backups_outlive_the_database(database: dict[str, Any]) -> None:
    assert database["backup_retention_period"] == 14
    assert database["delete_automated_backups"] is False


def test_tls_is_that_of_the_engine_s_defaults(database: dict[str, Any]) -> None:
    """PostgreSQL 16 forces TLS; the certificate may be of any authority in the bundle."""
    assert database["create_db_parameter_group"] is False
    assert not {"parameters", "ca_cert_identifier"} & set(database)


def test_nfr02_password_is_generated(stack: Stack, database: dict[str, Any]) -> None:
    password = stack.resource("random_password", "postgres_password")
    assert password["length"] >= 43  # 62 ** 43 > 2 ** 256: 32 bytes
    assert password["special"] is False
    assert database["password"] == "${random_password.postgres_password.result}"  # noqa: S105
    assert database["manage_master_user_password"] is False


def test_state_is_stored_while_the_database_is_made(stack: Stack) -> None:
    pause = stack.resource("terraform_data", "checkpoint")
    assert pause["triggers_replace"] == {
        "after": [f"${{{stack.module_address(FIREWALL)}.security_group_id}}"]
    }
    assert "terraform_data.checkpoint" not in stack.text  # Nothing waits for it.


def test_database_and_its_address_are_published(stack: Stack) -> None:
    published = {name: output["value"] for name, output in stack.outputs.items()}
    assert published == {
        "host": "${module.rds.db_instance_address}",
        "database": "langfuse",
        "username": "langfuse",
        "password": "${random_password.postgres_password.result}",
        "snapshot_time": (
            "one(${data.aws_db_snapshot.newest_final_snapshot}[*].snapshot_create_time)"
        ),
        "arn": "${module.rds.db_instance_arn}",
        "address": "module.rds",
        "secret_arn": "",
    }


@pytest.fixture(scope="module")
def managed(bare_stack: BareStack) -> Stack:
    return postgres(bare_stack, [], password_of_aws=True)


def test_password_of_aws_is_in_no_state(managed: Stack) -> None:
    database = managed.module(RDS)
    assert "random_password" not in managed.text
    assert "password" not in database
    assert database["manage_master_user_password"] is True


def test_secret_is_looked_up_after_the_database_has_changed(managed: Stack) -> None:
    """In a plan in which RDS takes over, the module's own output would be null."""
    found = managed.data("aws_db_instance", "database_with_secret")
    assert found["db_instance_identifier"] == "langfuse"
    assert found["depends_on"] == ["module.rds"]
    arn = "one(data.aws_db_instance.database_with_secret.master_user_secret[*].secret_arn)"
    assert managed.outputs["secret_arn"]["value"] == f"${{{arn}}}"
    assert "master_user_secret_arn" not in managed.text


def test_aws_changes_the_password_as_seldom_as_it_can(managed: Stack) -> None:
    """Without it, AWS makes another one every seven days, and Langfuse would go on with the old."""
    rotation = managed.resource("aws_secretsmanager_secret_rotation", "rotation_of_the_database")
    assert rotation["rotation_rules"] == {"automatically_after_days": 1000}
    assert rotation["rotate_immediately"] is False
    assert rotation["lifecycle"] == {"ignore_changes": ["secret_id"]}
    assert "manage_master_user_password_rotation" not in managed.module(RDS)
