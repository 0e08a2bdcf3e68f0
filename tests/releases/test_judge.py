"""Each change that Terraform or Kubernetes can only replace is found, and no other."""

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

import pytest
import yaml

from tests.helpers.synthesis import Stacks
from tests.releases.kept import Json
from tests.releases.kubernetes import parsed, refused
from tests.releases.terraform import breaks

ABSENT: Final = object()
STORE: Final = "resource/aws_cloudformation_stack/retained_store"
MANIFESTS: Final = "locals/langfuse_values/extraManifests"
NODES: Final = "module/eks/eks_managed_node_groups/default"
CLAIM: Final = "PersistentVolumeClaim langfuse-clickhouse"
GROUP: Final = "eks_managed_node_groups.default"

# By stack, address and path: what is found if the path below it has that value.
BREAKS: Final[Mapping[tuple[str, str, str], Mapping[str, tuple[str, object]]]] = {
    ("app", "terraform.backend", "terraform/backend/remote"): {
        "another state": ("workspaces/name", "langfuse-application"),
    },
    ("deps", "provider.aws", "provider"): {
        "another region": ("aws", [{"region": "eu-west-1"}]),
    },
    ("app", "random_password.redis_password", "resource/random_password"): {
        "is gone": ("redis_password", ABSENT),
        "length replaces it": ("redis_password/length", 49),
        "count replaces it": ("redis_password/count", 1),
    },
    ("app", "helm_release.langfuse", "resource/helm_release"): {
        "is gone": ("langfuse", ABSENT),
        "namespace replaces it": ("langfuse/namespace", "llm"),
        "another chart": ("langfuse/chart", "langfuse-ng"),
        "another major version of the chart": ("langfuse/version", "2.0.0"),
    },
    ("network", "aws_launch_template.nodes", "resource/aws_launch_template/nodes"): {
        "name_prefix replaces it": ("name_prefix", "nodes-"),
    },
    ("network", "module.vpc", "module/vpc"): {
        "cidr replaces aws_vpc.this": ("cidr", "10.1.0.0/16"),
        "public_subnets replaces aws_subnet.public": ("public_subnets", ["10.0.0.0/20"]),
        "instance_tenancy replaces what it reaches": ("instance_tenancy", "dedicated"),
        "another major version of the module": ("version", "7.0.0"),
        "another module": ("source", "example/vpc/aws"),
    },
    ("network", "module.eks", "module"): {
        "is gone": ("eks", ABSENT),
        f"{GROUP}.name replaces aws_eks_node_group.this": (
            "eks/eks_managed_node_groups/default/name",
            "other",
        ),
        f"{GROUP} replaces aws_eks_node_group.this": ("eks/eks_managed_node_groups", {}),
        "addons.vpc-cni.before_compute replaces aws_eks_addon.this, for "
        "aws_eks_addon.before_compute": ("eks/addons/vpc-cni/before_compute", False),
    },
    ("deps", "module.rds", "module/rds"): {
        "username replaces aws_db_instance.this": ("username", "admin"),
    },
    ("deps", "aws_cloudformation_stack.retained_store", STORE): {
        "name replaces it": ("name", "other"),
        "Secrets has another name": ("template_body/Resources/Secrets/Properties/Name", "other"),
        "Bucket has another DeletionPolicy": (
            "template_body/Resources/Bucket/DeletionPolicy",
            "Delete",
        ),
        "Bucket is gone": ("template_body/Resources/Bucket", ABSENT),
    },
    ("app", "helm_release.langfuse", MANIFESTS): {
        f"{CLAIM} is gone": ("clickhouseClaim", ABSENT),
        f"{CLAIM}: spec.storageClassName cannot change": (
            "clickhouseClaim/spec/storageClassName",
            "gp3",
        ),
        f"{CLAIM}: spec.resources.requests.storage cannot shrink": (
            "clickhouseClaim/spec/resources/requests/storage",
            "19Gi",
        ),
        "StorageClass langfuse-gp3: parameters cannot change": (
            "storageClass/parameters/type",
            "gp2",
        ),
        "PriorityClass langfuse-data: value cannot change": ("priorityClass/value", 1),
        "StatefulSet langfuse-redis-master is gone": ("redis", ABSENT),
        "StatefulSet langfuse-clickhouse: spec.serviceName cannot change": (
            "clickhouse/spec/serviceName",
            "other",
        ),
        "StatefulSet langfuse-clickhouse: spec.selector cannot change": (
            "clickhouse/spec/selector/matchLabels",
            {"app": "other"},
        ),
        "StatefulSet langfuse-clickhouse: spec.volumeClaimTemplates cannot change": (
            "clickhouse/spec/volumeClaimTemplates",
            [],
        ),
        "Service langfuse-clickhouse: spec.clusterIP cannot change": (
            "clickhouseService/spec/clusterIP",
            "10.0.0.1",
        ),
    },
    ("app", "helm_release.langfuse", "locals/langfuse_values"): {
        "value nameOverride cannot change": ("nameOverride", "llm"),
        "value redis.persistence.size cannot change": ("redis/persistence", {"size": "1Gi"}),
    },
}
CASES: Final = [
    pytest.param(stack, f"{base}/{path}", value, f"{stack} {address}: {what}", id=f"{path}: {what}")
    for (stack, address, base), cases in BREAKS.items()
    for what, (path, value) in cases.items()
]


def changed(node: Any, path: str, value: object) -> Any:  # noqa: ANN401 - any JSON
    """Return a copy with another value at a path, or none; texts on the way are documents."""
    key, _, rest = path.partition("/")
    if isinstance(node, str):
        return json.dumps(changed(parsed(node), path, value))
    copy = dict(node)
    if rest:
        copy[key] = changed(node[key], rest, value)
    elif value is ABSENT:
        del copy[key]
    else:
        assert node.get(key) != value
        copy[key] = value
    return copy


@pytest.mark.parametrize(("stack", "path", "value", "expected"), CASES)
def test_a_break_is_found(
    stacks: Stacks, stack: str, path: str, value: object, expected: str
) -> None:
    before = stacks[stack].json
    assert breaks(stack, before, changed(before, path, value)) == {expected}


@pytest.mark.parametrize(
    ("stack", "path", "value"),
    [
        ("network", "module/eks/kubernetes_version", "1.37"),
        ("network", "module/vpc/version", "6.6.0"),
        ("network", f"{NODES}/min_size", 0),
        ("network", f"{NODES}/launch_template_version", "2"),
        ("network", "resource/aws_launch_template/nodes/instance_type", "t3.large"),
        ("network", "module/other", {"source": "terraform-aws-modules/s3/aws", "version": "1"}),
        ("deps", "module/rds/instance_class", "db.t4g.small"),
        ("deps", "resource/aws_s3_bucket_cors_configuration/retained_bucket", ABSENT),
        ("deps", f"{STORE}/on_failure", "ROLLBACK"),
        ("deps", f"{STORE}/template_body/Resources/Bucket/Properties/Tags", []),
        ("app", "resource/terraform_data/secrets_revision/triggers_replace", {}),
        ("app", "resource/helm_release/langfuse/timeout", 1),
        ("app", f"{MANIFESTS}/clickhouseClaim/spec/resources/requests/storage", "1Ti"),
        ("app", f"{MANIFESTS}/clickhouse/spec/replicas", 2),
        ("app", f"{MANIFESTS}/storageClass/allowVolumeExpansion", False),
        ("app", f"{MANIFESTS}/clickhouseNetworkPolicy", ABSENT),
        ("app", "locals/langfuse_values/s3/deploy", True),
    ],
)
def test_what_is_changed_in_place_is_no_break(
    stacks: Stacks, stack: str, path: str, value: object
) -> None:
    before = stacks[stack].json
    assert breaks(stack, before, changed(before, path, value)) == set()


def test_a_moved_block_keeps_what_it_names(stacks: Stacks) -> None:
    before = stacks["app"].json
    after = json.loads(stacks["app"].text)
    passwords = after["resource"]["random_password"]
    passwords["redis"] = passwords.pop("redis_password")
    gone = {"app random_password.redis_password: is gone"}
    assert breaks("app", before, after) == gone
    steps = ("random_password.redis_password", "random_password.cache", "random_password.redis")
    after["moved"] = [{"from": old, "to": new} for old, new in pairwise(steps)]
    assert breaks("app", before, after) == set()
    passwords["redis"]["length"] = 1
    assert breaks("app", before, after) == {
        "app random_password.redis_password: length replaces it"
    }


def test_of_an_unknown_type_everything_counts() -> None:
    before: Json = {"terraform": {}, "resource": {"aws_new": {"a": {"size": 1, "//": {}}}}}
    after: Json = {"terraform": {}, "resource": {"aws_new": {"a": {"size": 2}}}}
    assert breaks("deps", before, after) == {"deps aws_new.a: size replaces it"}


@pytest.mark.parametrize(
    ("kind", "before", "after", "expected"),
    [
        ("Deployment", {"spec": {"selector": 1}}, {"spec": {"selector": 2}}, "spec.selector"),
        ("Deployment", {"spec": {"replicas": 1}}, {"spec": {"replicas": 2}}, None),
        ("Job", {"spec": {"template": 1}}, {"spec": {"template": 2}}, "spec.template"),
        ("CronJob", {"spec": {"schedule": 1}}, {"spec": {"schedule": 2}}, None),
        ("RoleBinding", {"roleRef": 1}, {"roleRef": 2}, "roleRef"),
        ("Secret", {"type": "Opaque"}, {"type": "kubernetes.io/tls"}, "type"),
        ("ConfigMap", {"immutable": True, "data": 1}, {"immutable": True, "data": 2}, "data"),
        ("ConfigMap", {"data": 1}, {"data": 2}, None),
    ],
)
def test_what_the_api_server_refuses(
    kind: str, before: Json, after: Json, expected: str | None
) -> None:
    head = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}}
    texts = ([yaml.safe_dump({"manifests": {"a": head | each}})] for each in (before, after))
    found = [f"{kind} a: {expected} cannot change"] if expected else []
    assert [*refused(*texts)] == found


def test_a_hook_is_deleted_first_and_made_again() -> None:
    """And so may change; an object of a kind that is not known may not."""
    head: Json = {"apiVersion": "v1", "metadata": {"name": "a"}}
    hook: Json = {"apiVersion": "v1", "metadata": {"name": "a", "annotations": {"helm.sh/hook": 1}}}

    def judge(head: Json, kind: str) -> list[str]:
        both = (head | {"kind": kind, "spec": {"template": each}} for each in (1, 2))
        return [*refused(*([yaml.safe_dump([each])] for each in both))]

    assert judge(hook, "Job") == []
    assert judge(head, "Job") == ["Job a: spec.template cannot change"]
    assert judge(head, "Gateway") == ["Gateway a: of a kind whose fields are not known"]


def test_data_stay_where_they_are_mounted(stacks: Stacks) -> None:
    before = stacks["app"].json
    pod = parsed(before["locals"]["langfuse_values"])["extraManifests"]["clickhouse"]["spec"]
    (container,) = pod["template"]["spec"]["containers"]
    mounts = [
        {**each, "mountPath": each["mountPath"].replace("/var/lib", "/srv")}
        for each in container["volumeMounts"]
    ]
    elsewhere = [{**container, "volumeMounts": mounts}]
    path = f"{MANIFESTS}/clickhouse/spec/template/spec/containers"
    assert breaks("app", before, changed(before, path, elsewhere)) == {
        "app helm_release.langfuse: PersistentVolumeClaim langfuse-clickhouse is mounted elsewhere"
    }
