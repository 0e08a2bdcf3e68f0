"""AWAKE_HOURS on a running installation: it falls asleep, is planned, changed and destroyed asleep.

The calls of the schedules are made by the steps, as each schedule has them in AWS. The hours are
chosen so that now is none of them.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from typing import Any, Final

import pytest

from awake_types import WEEKDAYS
from contracts import STACKS
from in_cluster.names import LAST_BACKUP, NAMESPACE
from tests.helpers.checkout import ROOT
from tests.helpers.universal_target import UniversalCall, universal_call
from tests.rehearsal.environment import Environment, wait_until
from tests.rehearsal.order import in_order
from tests.rehearsal.stand_ins.aws import ACCOUNT
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from tests.rehearsal.test_app import assert_placement, items, wait_for_all_pods
from tests.rehearsal.test_last_backup import made
from tests.rehearsal.test_private_nodes import volumes
from tests.rehearsal.test_resize import node_groups

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True
LONGEST = True

# Of one day, in three.
DAY: Final = WEEKDAYS[(datetime.now(UTC) + timedelta(days=3)).weekday()]
HOURS: Final = f"{DAY} 08:00-20:00 UTC"
SCHEDULES: Final = {
    "langfuse-nodes-sleep": "cron(0 20 * * ? *)",
    "langfuse-nodes-wake": f"cron(10 8 ? * {DAY.upper()} *)",
    "langfuse-database-sleep": "cron(10 20 * * ? *)",
    "langfuse-database-wake": f"cron(0 8 ? * {DAY.upper()} *)",
}
NODE_GROUP: Final = "aws_eks_node_group.this[0] will be updated in-place"


def schedule(environment: Environment, name: str) -> dict[str, Any]:
    found: dict[str, Any] = environment.aws.client("scheduler").get_schedule(Name=name)
    return found


def call_of(environment: Environment, name: str) -> UniversalCall:
    target = schedule(environment, name)["Target"]
    return universal_call(target["Arn"], target["Input"])


def run(environment: Environment, name: str) -> None:
    """Make the call of a schedule, as EventBridge does at its time."""
    call = call_of(environment, name)
    url = environment.eks.url if call.service == "eks" else None
    client = environment.aws.client(call.service, url)
    getattr(client, call.method)(**call.parameters)


def group(environment: Environment) -> dict[str, Any]:
    (name,) = node_groups(environment)
    eks = environment.aws.client("eks", environment.eks.url)
    found: dict[str, Any] = eks.describe_nodegroup(clusterName="langfuse", nodegroupName=name)
    result: dict[str, Any] = found["nodegroup"]
    return result


def size(environment: Environment) -> int:
    """Return how many nodes the group is to have."""
    return int(group(environment)["scalingConfig"]["desiredSize"])


def database_status(environment: Environment) -> str:
    (database,) = environment.databases()
    return str(database["DBInstanceStatus"])


def lose_nodes(plane: ControlPlane) -> None:
    """Take away all nodes, as the node group does that is to have none."""
    for name in plane.nodes():
        plane.remove_node(name)


@contextmanager
def nodes_come(environment: Environment, plane: ControlPlane) -> Iterator[None]:
    """Add nodes as soon as the node group is to have some, while the block runs."""

    def add() -> None:
        wait_until(lambda: size(environment) > 0)
        plane.add_nodes(size(environment))

    with ThreadPoolExecutor() as pool:
        added = pool.submit(add)
        yield
        added.result()


def fall_asleep(environment: Environment, plane: ControlPlane) -> None:
    """Make the calls of an evening, in their order."""
    run(environment, "langfuse-nodes-sleep")
    lose_nodes(plane)
    run(environment, "langfuse-database-sleep")
    assert (size(environment), database_status(environment)) == (0, "stopped")


@pytest.fixture(scope="module")
def before() -> dict[str, list[str]]:
    """Return what a step keeps for later ones."""
    return {}


def test_default_never_sleeps(
    environment: Environment, plane: ControlPlane, before: dict[str, list[str]]
) -> None:
    """Without AWAKE_HOURS there is no schedule."""
    for stack in STACKS:
        environment.installation.deploy(stack)
    before["volumes"] = volumes(plane)
    assert before["volumes"]
    assert_placement(wait_for_all_pods(plane))
    assert environment.aws.client("scheduler").list_schedules()["Schedules"] == []


def test_hours_are_set_on_a_running_installation(environment: Environment) -> None:
    """The node group's minimum becomes 0 in place, as do RDS's windows; nothing is replaced.

    Cannot prove: that AWS accepts the schedules, and runs them.
    """
    environment.installation.change_env(AWAKE_HOURS=HOURS)
    said = environment.installation.deploy("network")
    assert NODE_GROUP in said
    assert " 1 to change, 0 to destroy." in said
    assert group(environment)["scalingConfig"] == {"minSize": 0, "maxSize": 2, "desiredSize": 2}
    for stack in ("deps", "app"):
        assert ", 0 to destroy." in environment.installation.deploy(stack)
    (database,) = environment.databases()
    assert database["PreferredBackupWindow"] == "18:40-19:10"
    assert database["PreferredMaintenanceWindow"] == f"{DAY.lower()}:18:00-{DAY.lower()}:18:30"
    environment.installation.assert_nothing_to_do(*STACKS)


def test_schedules_have_the_hours_and_one_resource_each(environment: Environment) -> None:
    """Each has its time and zone, and a role for its own call on its own resource and no other."""
    (database,) = environment.databases()
    iam = environment.aws.client("iam")
    for name, expression in SCHEDULES.items():
        found = schedule(environment, name)
        assert (found["ScheduleExpression"], found["ScheduleExpressionTimezone"]) == (
            expression,
            "UTC",
        )
        role = found["Target"]["RoleArn"].rpartition("/")[2]
        (trust,) = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
        policy = iam.get_role_policy(RoleName=role, PolicyName="hours")["PolicyDocument"]
        (statement,) = policy["Statement"]
        assert call_of(environment, name).action in statement["Action"]
        resource = database["DBInstanceArn"] if "database" in name else None
        assert statement["Resource"] == (resource or group(environment)["nodegroupArn"])


def test_it_falls_asleep(
    environment: Environment, plane: ControlPlane, before: dict[str, list[str]]
) -> None:
    """No node and no running database are left; the volumes with the traces stay.

    Cannot prove: that AWS drains the nodes, and detaches the volumes.
    """
    fall_asleep(environment, plane)
    assert plane.nodes() == []
    assert volumes(plane) == before["volumes"]
    pods = items(plane, "pods", "-l", "app.kubernetes.io/instance=langfuse")
    assert {pod["status"]["phase"] for pod in pods} == {"Pending"}


def test_plans_are_empty_asleep(environment: Environment) -> None:
    """No plan of any stack has a difference, and none wakes anything."""
    environment.installation.assert_nothing_to_do(*STACKS)
    assert (size(environment), database_status(environment)) == (0, "stopped")


def test_verify_says_until_when(environment: Environment) -> None:
    """`verify.py` says that it sleeps, and fails nothing; `backups.py --now` says so and ends."""
    until = f"asleep until {DAY} 08:00 UTC; uv run awake.py wakes it now"
    said = environment.installation.run("python", "verify.py")
    assert said.splitlines() == [
        "cluster      ok   langfuse answers",
        f"awake        warning: {until}",
    ]
    assert environment.installation.backups("--now", status=1) == f"langfuse: {until}\n"


def test_it_wakes(
    environment: Environment, plane: ControlPlane, before: dict[str, list[str]]
) -> None:
    """In the morning the database starts, then the nodes; pods find their volumes."""
    run(environment, "langfuse-database-wake")
    assert (size(environment), database_status(environment)) == (0, "available")
    run(environment, "langfuse-nodes-wake")
    plane.add_nodes(size(environment))
    assert_placement(wait_for_all_pods(plane))
    assert volumes(plane) == before["volumes"]
    environment.installation.assert_nothing_to_do(*STACKS)


def test_a_deploy_wakes_it_first(environment: Environment, plane: ControlPlane) -> None:
    """A changed app deployed at night: database, nodes and pods first, then Helm's upgrade."""
    fall_asleep(environment, plane)
    environment.installation.change_env(CLICKHOUSE_BACKUPS_KEPT="3")
    with nodes_come(environment, plane):
        said = environment.installation.deploy("app")
    in_order(
        said,
        "The database sleeps: starting it, which takes minutes.",
        "The nodes sleep: starting 2.",
        "Waiting for statefulset.apps/langfuse-clickhouse.",
        "terraform_data.awake_before_change: Creation complete",
        "helm_release.langfuse-backup: Modifying...",
    )
    assert_placement(wait_for_all_pods(plane))
    environment.installation.assert_nothing_to_do(*STACKS)


def test_it_is_put_to_sleep_by_hand(environment: Environment, plane: ControlPlane) -> None:
    """`awake.py --sleep` ends nodes and database, and says until when; plans stay empty."""
    said = environment.installation.run("python", "awake.py", "--sleep")
    assert said.splitlines() == [
        "Ending 2 nodes.",
        "Stopping the database.",
        f"Asleep until {DAY} 08:00 UTC.",
    ]
    lose_nodes(plane)
    assert (size(environment), database_status(environment)) == (0, "stopped")
    environment.installation.assert_nothing_to_do(*STACKS)


def test_a_changed_database_is_started_first(environment: Environment) -> None:
    """RDS refuses to change a stopped database: deps starts it, and leaves the nodes asleep."""
    environment.installation.change_env(DATABASE_STORAGE_GB="30")
    said = environment.installation.deploy("deps")
    assert "The database sleeps: starting it, which takes minutes." in said
    assert changed_in_place(said) == ["module.rds.module.db_instance.aws_db_instance.this[0]"]
    (database,) = environment.databases()
    assert (database["AllocatedStorage"], database["DBInstanceStatus"]) == (30, "available")
    assert size(environment) == 0
    environment.installation.assert_nothing_to_do(*STACKS)


def changed_in_place(said: str) -> list[str]:
    """Return the addresses that Terraform planned to update."""
    lines = [line.split() for line in said.splitlines() if "will be updated in-place" in line]
    return [words[words.index("#") + 1] for words in lines]


def test_it_is_woken_by_hand(environment: Environment, plane: ControlPlane) -> None:
    """`awake.py` starts database and nodes, waits for the pods, and says until when."""
    run(environment, "langfuse-database-sleep")
    with nodes_come(environment, plane):
        said = environment.installation.run("python", "awake.py")
    lines = said.splitlines()
    assert lines[:2] == [
        "The database sleeps: starting it, which takes minutes.",
        "The nodes sleep: starting 2.",
    ]
    assert lines[-1].startswith("Awake until ")
    assert lines[-1].endswith(" 20:00 UTC.")
    assert_placement(wait_for_all_pods(plane))
    assert environment.installation.run("python", "awake.py") == f"{lines[-1]}\n"


def test_destroy_of_app_wakes_it_for_the_last_backup(
    environment: Environment, plane: ControlPlane
) -> None:
    """Asleep, a destroy of app starts database, nodes and pods, then makes the last backup."""
    fall_asleep(environment, plane)
    tries = made(plane, LAST_BACKUP)
    with nodes_come(environment, plane):
        said = environment.installation.destroy("app")
    in_order(
        said,
        "The nodes sleep: starting 2.",
        "terraform_data.awake_before_destroy: Destruction complete",
        "helm_release.langfuse-backup: Destroying...",
        "helm_release.langfuse: Destroying...",
    )
    assert made(plane, LAST_BACKUP) == tries + 1
    wait_until(lambda: plane.left_in(NAMESPACE) == [])


def test_destroy_of_deps_starts_the_database_for_its_snapshot(environment: Environment) -> None:
    """Asleep, a destroy of deps takes the schedules away, starts the database, and snapshots it.

    Cannot prove: that a start takes less than the half hour that the AWS CLI waits.
    """
    run(environment, "langfuse-nodes-sleep")
    run(environment, "langfuse-database-sleep")
    said = environment.installation.destroy("deps")
    in_order(
        said,
        "aws_scheduler_schedule.database_hours_sleep: Destruction complete",
        "The database sleeps: starting it, which takes minutes.",
        "aws_db_instance.this[0]: Destroying...",
    )
    assert len(environment.snapshots()) == 1


def test_destroy_of_network_leaves_nothing(environment: Environment) -> None:
    """Without nodes the cluster is deleted as ever, schedules and their role before it."""
    environment.installation.destroy("network")
    assert environment.left_over_besides_retained() == []
    assert environment.aws.unlisted() == []


def test_policies_suffice(environment: Environment) -> None:
    """`policies/awake-hours.json` and `deployer.json` allow what was asked of AWS for it."""
    statements = [
        statement
        for name in ("deployer", "awake-hours")
        for statement in json.loads((ROOT / "policies" / f"{name}.json").read_text("utf-8"))[
            "Statement"
        ]
    ]
    granted = [action for each in statements for action in each["Action"]]
    verbs = {"POST": "Create", "GET": "Get", "PUT": "Update", "DELETE": "Delete"}
    asked = {
        f"scheduler:{verbs[call.removeprefix('scheduler:').partition(' ')[0]]}Schedule"
        for call in environment.aws.provider_calls()
        if call.startswith("scheduler:")
    }
    assert {"scheduler:CreateSchedule", "scheduler:DeleteSchedule"} <= asked
    of_sleep = {call for call in environment.aws.calls() if call.startswith(("rds:St", "iam:"))}
    assert {"rds:StartDBInstance", "rds:StopDBInstance"} <= of_sleep
    calls = asked | of_sleep
    assert [call for call in calls if not any(fnmatch(call, each) for each in granted)] == []
