"""A killed deploy, and changes of a running database: a clear message, and nothing is lost."""

import json
import shlex

import pytest

from tests.rehearsal.environment import Environment
from tests.rehearsal.stand_ins.control_plane import ControlPlane

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True


def test_deploy_of_the_store_is_killed(environment: Environment) -> None:
    """After a kill (SIGKILL) while the retained store is made, deps deploys to its end with it.

    The next deploy reports that the CloudFormation stack exists; deleting it retains its resources.

    Cannot prove: how CloudFormation treats a stack whose client was killed.
    """
    environment.stand_in_for_network()
    environment.kill("deploy", "deps", once=lambda: bool(environment.stacks()))
    secrets = environment.application_secrets()
    environment.unlock("deps")
    assert "AlreadyExistsException" in environment.installation.apply("deps", status=1)
    environment.aws.client("cloudformation").delete_stack(StackName="langfuse-retained")
    environment.installation.apply("deps")
    assert environment.application_secrets() == secrets


def test_database_is_changed_out_of_band(environment: Environment) -> None:
    """An instance class that was changed by hand is changed back; the database is not replaced."""
    (before,) = environment.databases()
    environment.aws.client("rds").modify_db_instance(
        DBInstanceIdentifier="langfuse", DBInstanceClass="db.t4g.small", ApplyImmediately=True
    )
    environment.installation.apply("deps")
    (after,) = environment.databases()
    assert after["DBInstanceClass"] == before["DBInstanceClass"]
    assert after["DbiResourceId"] == before["DbiResourceId"]


def test_fr06_database_is_closed_in_place(environment: Environment) -> None:
    """With `DATABASE_ALLOWED_CIDRS=none`, the instance and its firewall change, and nothing else.

    Cannot prove: that AWS frees the public address without an interruption.
    """
    (before,) = environment.databases()
    environment.installation.change_env(DATABASE_ALLOWED_CIDRS="none")
    said = environment.installation.deploy("deps")
    assert "Plan: 0 to add, 1 to change, 1 to destroy." in said
    assert "aws_security_group_rule.ingress_with_cidr_blocks[0] will be destroyed" in said
    assert "aws_db_instance.this[0] will be updated in-place" in said
    (after,) = environment.databases()
    assert (before["PubliclyAccessible"], after["PubliclyAccessible"]) == (True, False)
    assert after["DbiResourceId"] == before["DbiResourceId"]
    assert allowed_cidrs(environment) == []


def allowed_cidrs(environment: Environment) -> list[str]:
    """Return the networks that the database's security group admits."""
    ec2 = environment.aws.client("ec2")
    groups = ec2.describe_security_groups(Filters=[{"Name": "tag:Project", "Values": ["langfuse"]}])
    return [
        each["CidrIp"]
        for group in groups["SecurityGroups"]
        for rule in group["IpPermissions"]
        for each in rule["IpRanges"]
    ]


def test_way_to_a_closed_database(environment: Environment, plane: ControlPlane) -> None:
    """The printed commands start a pod that becomes ready, with the port that is forwarded.

    Cannot prove: that the pod passes anything on.
    """
    printed = environment.installation.terraform(
        "deps", "output", "-raw", "how_to_reach_the_database"
    )
    run, wait, forward = (shlex.split(each)[2:] for each in printed.split(" && "))
    for program, *arguments in (run, wait):
        assert program == "kubectl"
        plane.kubectl(*arguments)
    *_, pod, ports = forward
    spec = json.loads(plane.kubectl("get", pod, "--output=json"))["spec"]
    (container,) = spec["containers"]
    assert [str(each["containerPort"]) for each in container["ports"]] == [ports.split(":")[1]]
    (database,) = environment.databases()
    assert container["args"][-1] == f"tcp-connect:{database['Endpoint']['Address']}:5432"
    plane.kubectl("delete", pod)


def test_fr06_database_is_opened_in_place(environment: Environment) -> None:
    """Without that line the database has its public address and the rule back, in place."""
    environment.installation.change_env(DATABASE_ALLOWED_CIDRS="0.0.0.0/0")
    said = environment.installation.deploy("deps")
    assert "Plan: 1 to add, 1 to change, 0 to destroy." in said
    (database,) = environment.databases()
    assert database["PubliclyAccessible"] is True
    assert allowed_cidrs(environment) == ["0.0.0.0/0"]
    environment.installation.assert_nothing_to_do("deps")


def test_fr28_snapshot_is_gone(environment: Environment) -> None:
    """With the retained store and no snapshot, deps fails instead of creating an empty database."""
    secrets = environment.application_secrets()
    environment.installation.apply("deps", "-destroy")
    (snapshot,) = environment.snapshots()
    environment.aws.client("rds").delete_db_snapshot(DBSnapshotIdentifier=snapshot)
    said = environment.installation.apply("deps", status=1)
    assert "no snapshot of it with the tag Project=langfuse is left" in " ".join(said.split())
    assert environment.databases() == []
    assert environment.application_secrets() == secrets
