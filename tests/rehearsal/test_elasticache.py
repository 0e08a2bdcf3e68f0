"""ElastiCache on a running installation: the switch there and back, in either order of stacks.

Nothing runs in a simulated pod; what the Job of the switch does is in `test_redis_switch`.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from typing import Any

import pytest

from in_cluster.names import (
    NAMESPACE,
    REDIS_SWITCH,
    REDIS_SWITCH_BACK,
    RELEASE,
    SECRET,
    WEB,
    WORKER,
    SecretKey,
)
from tests.helpers.checkout import ROOT
from tests.rehearsal.environment import Environment, wait_until
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from tests.rehearsal.stand_ins.kwok_stages import HELD
from tests.rehearsal.test_app import items, ready_pods
from tests.rehearsal.test_last_backup import made, status

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True

STORE = "langfuse-redis"


def langfuse(plane: ControlPlane) -> dict[str, Any]:
    """Return what a refused or failed switch must not have touched."""
    return {
        "generations": {
            each["metadata"]["name"]: each["metadata"]["generation"]
            for each in items(plane, "deployments,statefulsets")
        },
        "status": status(plane, RELEASE),
    }


def redis_objects(plane: ControlPlane) -> list[str]:
    """Return the objects of the Redis in the cluster, but for its pod."""
    kinds = "statefulsets,services,persistentvolumeclaims,networkpolicies"
    return sorted(
        f"{each['kind']} {each['metadata']['name']}"
        for each in items(plane, kinds)
        if each["metadata"]["name"].startswith(STORE)
    )


def connection(plane: ControlPlane) -> dict[str, str]:
    """Return the URL of Redis that web and worker are each given, and its password."""
    urls = {
        each["metadata"]["name"]: variable["value"]
        for each in items(plane, "deployments")
        for variable in each["spec"]["template"]["spec"]["containers"][0]["env"]
        if variable["name"] == "REDIS_CONNECTION_STRING"
    }
    (secret,) = items(plane, "secrets", f"--field-selector=metadata.name={SECRET}")
    password = base64.b64decode(secret["data"][SecretKey.REDIS_PASSWORD]).decode()
    return {**urls, "password": password}


def groups(environment: Environment) -> list[dict[str, Any]]:
    """Return the replication groups in AWS."""
    found = environment.aws.client("elasticache").describe_replication_groups()
    result: list[dict[str, Any]] = found["ReplicationGroups"]
    return result


def endpoint(environment: Environment) -> str:
    (group,) = groups(environment)
    host: str = group["NodeGroups"][0]["PrimaryEndpoint"]["Address"]
    return host


@contextmanager
def without_jobs(plane: ControlPlane) -> Iterator[None]:
    """Have the cluster refuse every Job."""
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "no-jobs", "namespace": NAMESPACE},
        "spec": {"hard": {"count/jobs.batch": "0"}},
    }
    plane.kubectl("create", "--filename=-", manifest=quota)
    wait_until(lambda: bool(items(plane, "resourcequotas")[0].get("status", {}).get("hard")))
    yield
    plane.kubectl("delete", "resourcequota/no-jobs", "-n", NAMESPACE)


def deploy_all(environment: Environment, plane: ControlPlane, pods: int) -> None:
    environment.installation.deploy("deps")
    environment.installation.deploy("app")
    wait_until(lambda: len(ready_pods(plane)) == pods)


def test_default_installation(environment: Environment, plane: ControlPlane) -> None:
    """A default installation has Redis in the cluster, and nothing in ElastiCache."""
    environment.stand_in_for_network()
    deploy_all(environment, plane, pods=4)
    assert redis_objects(plane) == [
        "NetworkPolicy langfuse-redis-master",
        "PersistentVolumeClaim langfuse-redis",
        "Service langfuse-redis-master",
        "StatefulSet langfuse-redis-master",
    ]
    assert groups(environment) == []


def test_app_alone_is_refused(environment: Environment, plane: ControlPlane) -> None:
    """With REDIS=elasticache, app before deps is refused by name of what to deploy first."""
    before = langfuse(plane)
    environment.installation.change_env(REDIS="elasticache")
    said = environment.installation.deploy("app", status=1)
    assert "Run cdktf deploy deps first" in said
    assert langfuse(plane) == before


def test_deps_makes_redis_beside_the_database(environment: Environment) -> None:
    """One node with TLS and a token, which evicts nothing; the nodes alone may connect.

    Cannot prove: that AWS accepts it, and how long it takes.
    """
    said = environment.installation.deploy("deps")
    assert " 0 to change, 0 to destroy." in said
    (group,) = groups(environment)
    assert (group["Engine"], group["CacheNodeType"]) == ("valkey", "cache.t4g.micro")
    assert group["TransitEncryptionEnabled"]
    assert group["AuthTokenEnabled"]
    assert group["SnapshotRetentionLimit"] == 0
    assert group["MemberClusters"] == ["langfuse-001"]
    client = environment.aws.client("elasticache")
    (member,) = client.describe_cache_clusters()["CacheClusters"]
    parameters = client.describe_cache_parameters(
        CacheParameterGroupName=member["CacheParameterGroup"]["CacheParameterGroupName"]
    )["Parameters"]
    assert {each["ParameterName"]: each["ParameterValue"] for each in parameters} == {
        "maxmemory-policy": "noeviction"
    }
    ec2 = environment.aws.client("ec2")
    (firewall,) = (each["SecurityGroupId"] for each in member["SecurityGroups"])
    (found,) = ec2.describe_security_groups(GroupIds=[firewall])["SecurityGroups"]
    (rule,) = found["IpPermissions"]
    assert (rule["FromPort"], rule["ToPort"], rule["IpRanges"]) == (6379, 6379, [])
    (source,) = rule["UserIdGroupPairs"]
    (nodes,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["nodes"]}])[
        "SecurityGroups"
    ]
    assert source["GroupId"] == nodes["GroupId"]
    assert environment.in_state("deps", "aws_cloudwatch_log_group") == []
    environment.installation.assert_nothing_to_do("deps")


def test_failed_drain_leaves_langfuse(environment: Environment, plane: ControlPlane) -> None:
    """Where the queues are not drained, the deploy fails, and Langfuse has its Redis as before."""
    before = langfuse(plane)
    with without_jobs(plane):
        said = environment.installation.deploy("app", status=1)
    assert REDIS_SWITCH in said
    assert langfuse(plane) == before
    assert len(redis_objects(plane)) == 4


def test_switch_to_elasticache(environment: Environment, plane: ControlPlane) -> None:
    """The next deploy drains first, then Langfuse moves, and Redis leaves the cluster."""
    environment.installation.apply("app")
    assert made(plane, REDIS_SWITCH) == 1
    # A claim is deleted when its pod has ended.
    wait_until(lambda: len(ready_pods(plane)) == 3 and redis_objects(plane) == [])
    (token,) = environment.in_state("deps", "random_password.redis_auth_token")
    url = f"rediss://default:$(REDIS_PASSWORD)@{endpoint(environment)}:6379/0"
    assert connection(plane) == {WEB: url, WORKER: url, "password": token["result"]}
    drained, moved = order(plane, REDIS_SWITCH)
    assert drained <= moved
    environment.installation.assert_nothing_to_do("deps", "app")


def order(plane: ControlPlane, job: str) -> tuple[str, str]:
    """Return when the pod of a Job was made, and when Helm last began to upgrade Langfuse."""
    events = items(plane, "events", "--field-selector=reason=SuccessfulCreate")
    begun = max(
        each["lastTimestamp"] or each["eventTime"]
        for each in events
        if each["involvedObject"]["name"] == job
    )
    records = items(plane, "secrets", "-l", f"owner=helm,name={RELEASE}")
    return begun, max(each["metadata"]["creationTimestamp"] for each in records)


def test_redis_in_use_is_not_deleted(environment: Environment, plane: ControlPlane) -> None:
    """On the way back, deps before app is refused by AWS: the policy that app attaches is in use.

    Cannot prove: the wording of AWS.
    """
    before = langfuse(plane)
    environment.installation.change_env(REDIS="bundled")
    said = environment.installation.deploy("deps", status=1)
    assert "langfuse-redis-is-used-by-app" in said
    assert "DeleteConflict" in said
    assert len(groups(environment)) == 1
    assert langfuse(plane) == before


def test_failed_drain_on_the_way_back(environment: Environment, plane: ControlPlane) -> None:
    """Where ElastiCache's queues are not drained, the way back fails as well; nothing has moved."""
    before = langfuse(plane)
    with held(plane), switching_back(environment, plane):
        end(plane, "Failed")
    assert langfuse(plane) == before
    assert redis_objects(plane) == []


@contextmanager
def held(plane: ControlPlane) -> Iterator[None]:
    """Have the pods of the switch run until a step ends them."""
    target = ("patch", "serviceaccount", REDIS_SWITCH, "-n", NAMESPACE, "--type=merge", "-p")
    plane.kubectl(*target, json.dumps({"imagePullSecrets": [{"name": HELD}]}))
    yield
    plane.kubectl(*target, json.dumps({"imagePullSecrets": []}))


def running(plane: ControlPlane) -> list[str]:
    selector = f"batch.kubernetes.io/job-name={REDIS_SWITCH_BACK}"
    return [
        pod["metadata"]["name"]
        for pod in items(plane, "pods", "-l", selector)
        if pod["status"].get("phase") == "Running"
    ]


def end(plane: ControlPlane, phase: str) -> None:
    (name,) = running(plane)
    told = json.dumps({"status": {"phase": phase}})
    target = ("pod", name, "-n", NAMESPACE, "--subresource=status")
    plane.kubectl("patch", *target, "--type=merge", "-p", told)


@contextmanager
def switching_back(environment: Environment, plane: ControlPlane) -> Iterator[None]:
    """Start a deploy of app, which fails, and yield as soon as ElastiCache is drained."""
    process = environment.installation.start(*environment.installation.cdktf("deploy", "app"))
    try:
        wait_until(lambda: bool(running(plane)) or process.poll() is not None)
        assert process.poll() is None, process.communicate()[0][-3000:]
        assert redis_objects(plane) == []
        yield
        said, _ = process.communicate()
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert process.returncode == 1, said


def test_switch_back(environment: Environment, plane: ControlPlane) -> None:
    """The next deploy of app drains ElastiCache, and moves Langfuse; then deps deletes it."""
    tries = made(plane, REDIS_SWITCH_BACK)
    environment.installation.deploy("app")
    assert made(plane, REDIS_SWITCH_BACK) == tries + 1
    wait_until(lambda: len(ready_pods(plane)) == 4)
    assert len(redis_objects(plane)) == 4
    drained, moved = order(plane, REDIS_SWITCH_BACK)
    assert drained <= moved
    (password,) = environment.in_state("app", "random_password.redis_password")
    url = "redis://default:$(REDIS_PASSWORD)@langfuse-redis-master:6379/0"
    assert connection(plane) == {WEB: url, WORKER: url, "password": password["result"]}
    environment.installation.deploy("deps")
    left = environment.left_over()
    assert [name for name in left if name.startswith("elasticache") or "redis" in name] == []
    environment.installation.assert_nothing_to_do("deps", "app")


def test_destroy_leaves_nothing(environment: Environment, plane: ControlPlane) -> None:
    """A new installation with ElastiCache needs no drain, and a destroy leaves nothing of it."""
    environment.installation.apply("app", "-destroy")
    environment.installation.change_env(REDIS="elasticache")
    deploy_all(environment, plane, pods=3)
    environment.installation.assert_nothing_to_do("deps", "app")
    environment.installation.destroy("app")
    wait_until(lambda: plane.left_in(NAMESPACE) == [])
    assert [status(plane, each) for each in (RELEASE, REDIS_SWITCH)] == [None, None]
    environment.installation.destroy("deps")
    left = environment.left_over_besides_retained()
    network = ("ec2 vpc", "ec2 subnet", "ec2 security-group", "ec2 network-acl", "ec2 route-table")
    assert [name for name in left if not name.startswith(network)] == []
    assert environment.aws.unlisted() == []


def test_policies_suffice(environment: Environment) -> None:
    """`policies/elasticache.json` allows what Terraform asked of ElastiCache.

    Cannot prove: that AWS asks for no more, such as its service's own role does.
    """
    policy = json.loads((ROOT / "policies" / "elasticache.json").read_text(encoding="utf-8"))
    granted = [action for each in policy["Statement"] for action in each["Action"]]
    calls = [call for call in environment.aws.provider_calls() if call.startswith("elasticache:")]
    assert len(calls) > 10
    assert [call for call in calls if not any(fnmatch(call, each) for each in granted)] == []
