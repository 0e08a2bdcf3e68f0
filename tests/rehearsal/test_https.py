"""A public hostname on a control plane: Traefik and ExternalDNS, their roles, and the record."""

import base64
import gzip
import json
import re
import time
from collections.abc import Iterator
from fnmatch import fnmatch
from typing import Any

import pytest

from images import DOCKER_HUB, EXTERNAL_SECRETS, GRAFANA, VICTORIA_METRICS, ImageSource, of_all_pods
from in_cluster.external_dns_values import INTERVAL
from in_cluster.names import EXTERNAL_DNS, NAMESPACE, TRAEFIK
from tests.helpers.chart_values import mib
from tests.helpers.checkout import ROOT
from tests.helpers.network_policy import (
    ADMITTED,
    SERVERS,
    TRAEFIK_TO_WEB,
    Pod,
    connections,
    selects,
)
from tests.rehearsal.environment import Environment, wait_until
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from tests.rehearsal.stand_ins.external_dns import PROGRAM, ExternalDns, is_missing
from tests.rehearsal.test_app import items

IMAGES = [
    image for image in of_all_pods(3) if image not in {EXTERNAL_SECRETS, VICTORIA_METRICS, GRAFANA}
]

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True

DOMAIN, ZONE = "langfuse.example.com", "example.com"
MIRROR = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mirror"
# The provider's calls of Route 53, which has no names of actions in its requests.
ACTIONS = {
    r"route53:GET /2013-04-01/hostedzone(sbyname)?": "route53:ListHostedZones",
    r"route53:GET /2013-04-01/hostedzone/\w+": "route53:GetHostedZone",
    r"route53:GET /2013-04-01/tags/hostedzone/\w+": "route53:ListTagsForResource",
}


@pytest.fixture(scope="module")
def external_dns(
    environment: Environment, plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ExternalDns]:
    """Return the program, which a test may start where it is on PATH."""
    folder = tmp_path_factory.mktemp("external-dns")
    with ExternalDns(plane, environment.aws.url, folder) as program:
        yield program


def ready_pods(plane: ControlPlane) -> dict[str, str]:
    """Return the node of each pod that is ready, by what it is."""
    return {
        role(pod["metadata"]["name"]): pod["spec"]["nodeName"]
        for pod in items(plane, "pods")
        for condition in pod["status"].get("conditions", [])
        if condition["type"] == "Ready" and condition["status"] == "True"
    }


def role(name: str) -> str:
    """Return what a pod is, by its name or that of its workload."""
    return re.sub(r"^langfuse-|(-master)?(-0)?$|-\w+-\w{5}$", "", name)


def role_of(environment: Environment, account: str) -> dict[str, Any]:
    """Return the role that trusts a service account of the namespace."""
    wanted = f"system:serviceaccount:{NAMESPACE}:{account}"
    iam = environment.aws.client("iam")
    (role,) = [
        role
        for role in iam.list_roles()["Roles"]
        if wanted in json.dumps(role["AssumeRolePolicyDocument"])
    ]
    return {**role, "Allows": allowed(iam, role["RoleName"])}


def allowed(iam: Any, role: str) -> list[tuple[str, str]]:  # noqa: ANN401 - a boto3 client
    """Return what a role allows, as action and resource."""
    documents = []
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        arn = policy["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        documents.append(found["Document"])
    return sorted(
        (action, resource)
        for document in documents
        for statement in document["Statement"]
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    )


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_zone_must_be_there(environment: Environment) -> None:
    """Without the hosted zone, the plan of deps stops before anything is made."""
    environment.stand_in_for_network()
    environment.installation.change_env(LANGFUSE_DOMAIN=DOMAIN, ROUTE53_ZONE=ZONE)
    said = environment.installation.deploy("deps", status=1)
    assert "no matching Route 53 Hosted Zone found" in said
    assert environment.databases() == []


def test_roles_reach_that_zone_only(environment: Environment) -> None:
    """Deps makes a role for each service account, with rights in that zone and no other.

    Cannot prove: that AWS enforces the conditions on names and types of records.
    """
    route53 = environment.aws.client("route53")
    for name in (ZONE, "example.org"):
        route53.create_hosted_zone(Name=name, CallerReference=name)
    environment.installation.apply("deps")
    zone = f"arn:aws:route53:::hostedzone/{zone_id(environment)}"
    assert role_of(environment, TRAEFIK)["Allows"] == [
        ("route53:ChangeResourceRecordSets", zone),
        ("route53:GetChange", "arn:aws:route53:::change/*"),
        ("route53:ListResourceRecordSets", zone),
    ]
    assert role_of(environment, EXTERNAL_DNS)["Allows"] == [
        ("route53:ChangeResourceRecordSets", zone),
        ("route53:ListHostedZones", "*"),
        ("route53:ListResourceRecordSets", zone),
    ]


def zone_id(environment: Environment) -> str:
    found = environment.aws.client("route53").list_hosted_zones_by_name(DNSName=ZONE)["HostedZones"]
    (zone,) = [each for each in found if each["Name"] == f"{ZONE}."]
    return str(zone["Id"]).rpartition("/")[2]


def test_policy_of_the_prerequisites_suffices(environment: Environment) -> None:
    """`policies/deployer.json` allows what Terraform asks of Route 53."""
    policy = json.loads((ROOT / "policies" / "deployer.json").read_text(encoding="utf-8"))
    granted = [action for each in policy["Statement"] for action in each["Action"]]
    calls = [call for call in environment.aws.provider_calls() if call.startswith("route53:")]
    assert calls
    for call in calls:
        (action,) = [name for form, name in ACTIONS.items() if re.fullmatch(form, call)]
        assert any(fnmatch(action, each) for each in granted), action


def test_pods_are_ready_beside_langfuse(environment: Environment, plane: ControlPlane) -> None:
    """All six pods are ready; Traefik and ExternalDNS are on ClickHouse's node.

    Cannot prove: that the node's ports reach Traefik, and that Let's Encrypt issues a certificate.
    """
    environment.installation.deploy("app")
    environment.installation.assert_nothing_to_do("app")
    nodes = ready_pods(plane)
    assert set(nodes) == {"web", "worker", "clickhouse", "redis", TRAEFIK, EXTERNAL_DNS}
    assert nodes["clickhouse"] == nodes["redis"] == nodes[TRAEFIK] == nodes[EXTERNAL_DNS]
    assert nodes["clickhouse"] != nodes["web"] == nodes["worker"]


def test_memory_limits_fit_the_nodes(plane: ControlPlane) -> None:
    """Memory limits fill 87 % and 95 % of the nodes' allocatable memory.

    Cannot prove: how much memory the programs use.
    """
    limits: dict[str, int] = {}
    for pod in items(plane, "pods"):
        for container in pod["spec"]["containers"]:
            node = pod["spec"]["nodeName"]
            limits[node] = limits.get(node, 0) + mib(container["resources"]["limits"]["memory"])
    assert sorted(100 * limit // 3276 for limit in limits.values()) == [87, 95]


def test_pods_have_their_roles_and_arguments(environment: Environment, plane: ControlPlane) -> None:
    """The service accounts name the roles, ExternalDNS the zone, and Traefik opens two ports."""
    accounts = {each["metadata"]["name"]: each["metadata"] for each in items(plane, "sa")}
    for account in (TRAEFIK, EXTERNAL_DNS):
        arn = accounts[account]["annotations"]["eks.amazonaws.com/role-arn"]
        assert arn == role_of(environment, account)["Arn"]
    arguments = container(plane, EXTERNAL_DNS)["args"]
    assert {
        "--policy=sync",
        "--registry=txt",
        "--txt-owner-id=langfuse.us-east-1",
        "--txt-prefix=externaldns-%{record_type}.",
        f"--domain-filter={ZONE}",
        f"--zone-id-filter={zone_id(environment)}",
    } <= set(arguments)
    ports = container(plane, TRAEFIK)["ports"]
    assert sorted(port["hostPort"] for port in ports if "hostPort" in port) == [80, 443]


def test_traefik_has_its_route_and_no_rights(plane: ControlPlane) -> None:
    """Traefik's one route is a ConfigMap; it has no role, no token, and may not read Secrets.

    Cannot prove: that Traefik accepts the route.
    """
    (route,) = [
        each
        for each in items(plane, "configmaps")
        if each["metadata"]["name"] == f"{TRAEFIK}-file-provider"
    ]
    assert f"Host(`{DOMAIN}`)" in route["data"]["config.yml"]
    assert items(plane, "ingress") == []
    kinds = "roles,rolebindings,clusterroles,clusterrolebindings"
    found = plane.kubectl("get", kinds, "--all-namespaces", "--output=name")
    assert TRAEFIK not in found
    # What `kubectl auth can-i get secrets --as=...` asks, which fails when the answer is no.
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": f"system:serviceaccount:{NAMESPACE}:{TRAEFIK}",
            "resourceAttributes": {"namespace": NAMESPACE, "verb": "get", "resource": "secrets"},
        },
    }
    allowed = "--output=jsonpath={.status.allowed}"
    assert plane.kubectl("create", "--filename=-", allowed, manifest=review) == "false"
    (pod,) = items(plane, "pods", f"--selector=app.kubernetes.io/name={TRAEFIK}")
    projected = [each for each in pod["spec"]["volumes"] if "projected" in each]
    assert projected == []


def test_every_image_comes_from_its_registry(plane: ControlPlane) -> None:
    """Each container of the six pods has the pinned image of its home registry."""
    pinned = {ImageSource().reference(image) for image in IMAGES}
    # Traefik's chart always names Docker Hub.
    assert {found.removeprefix(f"{DOCKER_HUB}/") for found in references(plane)} == pinned


def test_every_image_comes_from_the_mirror(environment: Environment, plane: ControlPlane) -> None:
    """With IMAGE_REGISTRY and IMAGE_DIGESTS, each container has an image of the mirror, by digest.

    Cannot prove: that a node can pull it.
    """
    digests = {image.name: f"sha256:{number:064}" for number, image in enumerate(IMAGES)}
    pinned = ",".join(f"{name}@{digest}" for name, digest in digests.items())
    environment.installation.change_env(IMAGE_REGISTRY=MIRROR, IMAGE_DIGESTS=pinned)
    environment.installation.deploy("app")
    environment.installation.assert_nothing_to_do("app")
    source = ImageSource(mirror=MIRROR, digests=digests)
    assert references(plane) == {source.reference(image) for image in IMAGES}
    wait_until(lambda: len(ready_pods(plane)) == len(IMAGES))


def references(plane: ControlPlane) -> set[str]:
    """Return every image in the manifests of the releases, init containers and hooks included."""
    found: set[str] = set()
    for record in items(plane, "secrets", "--selector=owner=helm,status=deployed"):
        packed = base64.b64decode(base64.b64decode(record["data"]["release"]))
        release = json.loads(gzip.decompress(packed))
        hooks = [hook["manifest"] for hook in release.get("hooks") or []]
        for manifest in (release["manifest"], *hooks):
            found.update(re.findall(r'(?m)^[ -]*image: "?([^"\s]+)', manifest))
    return found


def test_policies_admit_who_should_connect(plane: ControlPlane) -> None:
    """By the policies and the labels of the pods, only these connections are admitted.

    Cannot prove: that the VPC CNI enforces it; no packet is sent.
    """
    policies = items(plane, "networkpolicies")
    pods = {
        role(pod["metadata"]["name"]): Pod(pod["metadata"]["labels"], NAMESPACE)
        for pod in items(plane, "pods")
    }
    (cron,) = items(plane, "cronjobs")
    template = cron["spec"]["jobTemplate"]["spec"]["template"]
    pods["backup"] = Pod(template["metadata"]["labels"], NAMESPACE)
    assert len(policies) == len(SERVERS)
    assert connections(policies, pods) == {*ADMITTED, TRAEFIK_TO_WEB}
    for policy in policies:
        selected = [name for name in pods if selects(policy, pods[name], home=NAMESPACE)]
        assert [role(policy["metadata"]["name"])] == selected


def container(plane: ControlPlane, deployment: str) -> dict[str, Any]:
    (found,) = [
        each for each in items(plane, "deployments") if each["metadata"]["name"] == deployment
    ]
    (only,) = found["spec"]["template"]["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def test_node_is_replaced(plane: ControlPlane) -> None:
    """When a node returns, Traefik is ready on it again, with its certificates.

    Cannot prove: how long AWS takes to replace a node.
    """
    before = ready_pods(plane)
    volumes = sorted(claim["spec"]["volumeName"] for claim in items(plane, "pvc"))
    assert len(volumes) == 3
    plane.remove_node(before[TRAEFIK])
    plane.restore_node(before[TRAEFIK])
    wait_until(lambda: len(ready_pods(plane)) == len(before))
    assert ready_pods(plane)[TRAEFIK] == before[TRAEFIK]
    assert sorted(claim["spec"]["volumeName"] for claim in items(plane, "pvc")) == volumes


def test_record_follows_its_node(
    environment: Environment, plane: ControlPlane, external_dns: ExternalDns
) -> None:
    """ExternalDNS itself, with its pod's arguments and rights, keeps the record on Traefik's node.

    Cannot prove: how long Route 53 and resolvers take to follow.
    """
    if is_missing():
        pytest.skip(f"{PROGRAM} is not on PATH")
    node = ready_pods(plane)[TRAEFIK]
    give_address(plane, node, "203.0.113.7")
    external_dns.start(container(plane, EXTERNAL_DNS)["args"])
    wait_until(lambda: bool(records(environment)), 2 * INTERVAL)
    mark = (
        '"heritage=external-dns,external-dns/owner=langfuse.us-east-1,'
        f'external-dns/resource=service/{NAMESPACE}/{TRAEFIK}"'
    )
    assert records(environment) == {
        f"{DOMAIN}. A": ["203.0.113.7"],
        f"externaldns-a.{DOMAIN}. TXT": [mark],
    }
    plane.remove_node(node)
    plane.restore_node(node)
    give_address(plane, node, "203.0.113.9")
    wait_until(lambda: TRAEFIK in ready_pods(plane))
    start = time.monotonic()
    wait_until(lambda: records(environment).get(f"{DOMAIN}. A") == ["203.0.113.9"])
    assert time.monotonic() - start < INTERVAL + 10


def give_address(plane: ControlPlane, node: str, address: str) -> None:
    """Give a node a public address, as AWS does."""
    addresses = {"status": {"addresses": [{"type": "ExternalIP", "address": address}]}}
    plane.kubectl("patch", "node", node, "--subresource=status", f"--patch={json.dumps(addresses)}")


def records(environment: Environment) -> dict[str, list[str]]:
    """Return the zone's records, without NS and SOA."""
    found = environment.aws.client("route53").list_resource_record_sets(
        HostedZoneId=zone_id(environment)
    )
    return {
        f"{each['Name']} {each['Type']}": [value["Value"] for value in each["ResourceRecords"]]
        for each in found["ResourceRecordSets"]
        if each["Type"] not in {"NS", "SOA"}
    }


def test_destroy_leaves_nothing_in_cluster_and_zone(
    environment: Environment, plane: ControlPlane, external_dns: ExternalDns
) -> None:
    """After destroy no claim, volume, pod or DNS record is left.

    ExternalDNS is stopped with its pod, so it deleted the record before that.
    """
    destroy = environment.installation.start(*environment.installation.cdktf("destroy", "app"))
    wait_until(lambda: EXTERNAL_DNS not in ready_pods(plane))
    external_dns.stop()
    said, _ = destroy.communicate()
    assert destroy.returncode == 0, said
    assert records(environment) == {}
    wait_until(lambda: plane.left_in(NAMESPACE) == [])


def test_destroy_takes_the_roles_and_leaves_the_zone(environment: Environment) -> None:
    """Destroy of deps deletes the two roles; the user's zone stays."""
    environment.installation.apply("deps", "-destroy")
    roles = [role["RoleName"] for role in environment.aws.client("iam").list_roles()["Roles"]]
    assert [role for role in roles if role.startswith("langfuse")] == []
    assert zone_id(environment)
