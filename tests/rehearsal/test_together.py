"""Private nodes, ElastiCache and a ClickHouse of one's own at once, on a running installation.

What each does alone is in a part of its own. Nothing runs in a simulated pod.
"""

import json
import os
from fnmatch import fnmatch

import pytest

from in_cluster.names import LAST_BACKUP, NAMESPACE, REDIS_SWITCH_BACK
from tests.helpers.checkout import ROOT
from tests.rehearsal.environment import BUCKET, Environment, wait_until
from tests.rehearsal.stand_ins.cluster_objects import T3_MEDIUM, ZONES
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from tests.rehearsal.test_app import (
    assert_placement,
    items,
    ready_pods,
    wait_for_all_pods,
)
from tests.rehearsal.test_elasticache import connection, groups
from tests.rehearsal.test_last_backup import made
from tests.rehearsal.test_life import actions_of
from tests.rehearsal.test_major_plan import words
from tests.rehearsal.test_own_clickhouse import OWN, set_own, unset_own
from tests.rehearsal.test_resize import replace_nodes
from tests.rehearsal.ways_out import nat_instance, subnets_of_nodes
from verification.checks import CHECKS
from verification.cluster import Cluster

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True
LONGEST = True

STACKS = ("network", "deps", "app")
EVENTS = 7


def counted(environment: Environment) -> dict[str, object]:
    """Return what a switch must not change: database, secrets, and the objects in the bucket."""
    (database,) = environment.databases()
    listed = environment.aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="events/")
    return {
        "database": database["DbiResourceId"],
        "made": database["InstanceCreateTime"],
        "secrets": environment.application_secrets(),
        "events": listed["KeyCount"],
    }


def set_all(environment: Environment) -> None:
    """Set all three, and the one node that is enough then."""
    environment.installation.change_env(
        NODE_SUBNETS="private", NAT="instance", NODE_COUNT="1", REDIS="elasticache"
    )
    set_own(environment)


def replace_by(plane: ControlPlane, count: int) -> None:
    """Have new nodes take the place of all others, as EKS does once they are ready."""
    replace_nodes(plane, plane.add_nodes(count, T3_MEDIUM, zones=ZONES[:count]))


def assert_two_pods_on_one_node(environment: Environment, plane: ControlPlane) -> None:
    """Check that web and worker run on the one private node, and that nothing has a volume."""
    wait_until(lambda: sorted(ready_pods(plane)) == ["web", "worker"])
    assert set(ready_pods(plane).values()) == set(plane.nodes())
    assert plane.left_in(NAMESPACE) == [
        f"pod/{each['metadata']['name']}" for each in items(plane, "pods")
    ]
    assert connection(plane)["langfuse-web"].startswith("rediss://")
    assert [each["MapPublicIpOnLaunch"] for each in subnets_of_nodes(environment)] == [False]
    assert nat_instance(environment)["InstanceType"] == "t4g.nano"


@pytest.fixture(scope="module")
def before(environment: Environment) -> dict[str, object]:
    """Deploy a new installation with all three, put events in the bucket, and count."""
    set_all(environment)
    for stack in STACKS:
        environment.installation.deploy(stack)
    for number in range(EVENTS):
        environment.aws.client("s3").put_object(
            Bucket=BUCKET, Key=f"events/{number}.json", Body=b"{}"
        )
    return counted(environment)


def test_one_node_without_an_address_is_enough(
    environment: Environment, plane: ControlPlane, before: dict[str, object]
) -> None:
    """One private t3.medium has room for web and worker, and nothing has a volume.

    Cannot prove: that what web and worker use beyond their requests has room (docs/costs.md).
    """
    assert before["events"] == EVENTS
    replace_by(plane, 1)
    assert_two_pods_on_one_node(environment, plane)
    cluster = Cluster(plane.kubeconfig, os.environ)
    found = [check.line(cluster) for check in CHECKS if check.part in {"nodes", "pods"}]
    assert found == [(True, "nodes        ok   1 Ready"), (True, "pods         ok   2 ready")]
    environment.installation.assert_nothing_to_do(*STACKS)


def test_all_move_into_the_cluster(
    environment: Environment, plane: ControlPlane, before: dict[str, object]
) -> None:
    """Without the variables, network, app and then deps make the default of it, in place.

    App drains ElastiCache before Langfuse leaves it; deps then deletes it. No data moved.
    """
    unset_own(environment)
    environment.installation.change_env(
        NODE_SUBNETS="public", NAT=None, NODE_COUNT="2", REDIS="bundled"
    )
    environment.installation.deploy("network")
    replace_by(plane, 2)
    environment.installation.deploy("app")
    assert made(plane, REDIS_SWITCH_BACK) == 1
    assert_placement(wait_for_all_pods(plane))
    environment.installation.deploy("deps")
    assert groups(environment) == []
    assert counted(environment) == before
    environment.installation.assert_nothing_to_do(*STACKS)


def test_app_goes_first_on_the_way_out(environment: Environment, plane: ControlPlane) -> None:
    """With all three set again, app is refused until its destroy has made the last backup."""
    set_all(environment)
    environment.installation.deploy("deps")
    said = environment.installation.deploy("app", status=1)
    assert "would delete its volume without a last backup" in words(said)
    environment.installation.destroy("app")
    assert made(plane, LAST_BACKUP) == 1
    wait_until(lambda: plane.left_in(NAMESPACE) == [])


def test_all_move_out(
    environment: Environment, plane: ControlPlane, before: dict[str, object]
) -> None:
    """Then network and app bring all three back, with the data that was there."""
    environment.installation.deploy("network")
    replace_by(plane, 1)
    environment.installation.deploy("app")
    assert_two_pods_on_one_node(environment, plane)
    assert counted(environment) == before
    environment.installation.assert_nothing_to_do(*STACKS)


def test_no_secret_is_shown(environment: Environment) -> None:
    """The password of the user's ClickHouse is in no state."""
    for stack in STACKS:
        state = json.dumps(environment.cloud.state(f"langfuse-{stack}"))
        assert OWN["CLICKHOUSE_PASSWORD"] not in state


def test_destroy_leaves_nothing(environment: Environment, plane: ControlPlane) -> None:
    """A destroy in reverse drains the queues on the one node, and leaves what it always retains."""
    begun = made(plane, LAST_BACKUP)
    for stack in reversed(STACKS):
        environment.installation.destroy(stack)
    assert made(plane, LAST_BACKUP) == begun + 1
    assert plane.left_in(NAMESPACE) == []
    assert environment.left_over_besides_retained() == []
    assert environment.aws.unlisted() == []


def test_policies_suffice(environment: Environment) -> None:
    """The deployer's policies allow every call of Terraform but those of EKS, switches included."""
    names = ("deployer", "private-nodes", "elasticache")
    policies = [
        json.loads((ROOT / "policies" / f"{name}.json").read_text(encoding="utf-8"))
        for name in names
    ]
    granted = [
        action
        for each in policies
        for statement in each["Statement"]
        for action in statement["Action"]
    ]
    needed = {action for call in environment.aws.provider_calls() for action in actions_of(call)}
    assert len(needed) > 100
    assert [each for each in needed if not any(fnmatch(each, action) for action in granted)] == []
