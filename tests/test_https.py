"""LANGFUSE_DOMAIN and ROUTE53_ZONE: what they add to each stack; unset, they add nothing."""

import dataclasses
from itertools import pairwise
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from constructs_lib.public_address import FAREWELL
from contracts import STACKS, DepsOutputs, IngressOutputs
from env_file import load_settings
from in_cluster.external_dns_values import INTERVAL, TTL
from tests.helpers.chart_values import ALLOCATABLE, chart_values, mib, pods
from tests.helpers.checkout import ROOT
from tests.helpers.modules import INTERFACES, META
from tests.helpers.snapshots import without_metadata
from tests.helpers.stack import Stack

DOMAIN, ZONE = "langfuse.example.com", "example.com"
EKS = "terraform-aws-modules/eks/aws"
INGRESS = "${local.deps_%s}"


@pytest.fixture(scope="module")
def traefik(public: dict[str, Stack]) -> dict[str, Any]:
    return chart_values(public["app"], "traefik")


@pytest.fixture(scope="module")
def external_dns(public: dict[str, Stack]) -> dict[str, Any]:
    return chart_values(public["app"], "external-dns")


# --- Off


def test_without_a_name_nothing_of_it_is_there(stacks: dict[str, Stack]) -> None:
    """The golden copies say that nothing else is."""
    for name in STACKS:
        for trace in ("traefik", "external-dns", "route53", "deps_ingress"):
            assert trace not in stacks[name].text


@pytest.mark.parametrize("name", STACKS)
def test_golden(
    public: dict[str, Stack], stacks: dict[str, Stack], name: str, snapshot: SnapshotAssertion
) -> None:
    """What differs from the golden copy of the default, and nothing else does."""
    difference = changed(public[name].json, stacks[name].json, depth=3)
    assert without_metadata(difference) == snapshot(
        extension_class=JSONSnapshotExtension, name=name
    )


def changed(now: dict[str, Any], before: dict[str, Any], depth: int) -> dict[str, Any]:
    """Return what is new or another in ``now``; nothing that was there may be missing."""
    assert set(before) <= set(now)
    return {
        key: changed(value, before[key], depth - 1)
        if depth > 1 and isinstance(before.get(key), dict)
        else value
        for key, value in now.items()
        if value != before.get(key)
    }


@pytest.mark.parametrize("name", STACKS)
def test_inputs_of_modules_exist(public: dict[str, Stack], name: str) -> None:
    for call in public[name].modules.values():
        assert set(call) - META <= set(INTERFACES[call["source"]]["inputs"])


# --- Network


def test_ports_80_and_443_are_open_to_whom_they_should(
    public: dict[str, Stack], every_variable: dict[str, Stack]
) -> None:
    rules = public["network"].module(EKS)["node_security_group_additional_rules"]
    opened = {(rule["from_port"], rule["to_port"]) for rule in rules.values()}
    assert opened == {(80, 80), (443, 443)}
    assert [rule["cidr_blocks"] for rule in rules.values()] == [["0.0.0.0/0"]] * 2
    narrowed = every_variable["network"].module(EKS)["node_security_group_additional_rules"]
    assert {tuple(rule["cidr_blocks"]) for rule in narrowed.values()} == {
        ("203.0.113.7/32", "198.51.100.0/24")
    }


# --- Deps


def roles(public: dict[str, Stack]) -> dict[str, dict[str, Any]]:
    """Return the permissions of the two roles, by service account."""
    return {
        call["oidc_providers"]["cluster"]["namespace_service_accounts"][0]: call["permissions"]
        for call in public["deps"].modules.values()
        if call.get("name") in {"langfuse-traefik", "langfuse-external-dns"}
    }


def test_zone_is_looked_up_not_made(public: dict[str, Stack]) -> None:
    zone = public["deps"].data("aws_route53_zone")
    assert (zone["name"], zone["private_zone"]) == (ZONE, False)
    assert "aws_route53_zone" not in public["deps"].json["resource"]


def test_roles_change_that_zone_only(public: dict[str, Stack]) -> None:
    assert set(roles(public)) == {"langfuse:traefik", "langfuse:external-dns"}
    for permissions in roles(public).values():
        for statement in permissions.values():
            (resource,) = statement["resources"]
            if "route53:ChangeResourceRecordSets" in statement["actions"]:
                assert resource.startswith("${data.aws_route53_zone.")
                assert resource.endswith(".arn}")
            elif resource == "*":
                assert statement["actions"] == ["route53:ListHostedZones"]


def test_traefik_may_change_its_proof_only(public: dict[str, Stack]) -> None:
    conditions = roles(public)["langfuse:traefik"]["prove"]["condition"]
    assert {each["variable"].removeprefix("route53:"): each["values"] for each in conditions} == {
        "ChangeResourceRecordSetsNormalizedRecordNames": [f"_acme-challenge.{DOMAIN}"],
        "ChangeResourceRecordSetsRecordTypes": ["TXT"],
    }


def test_second_contract_is_published_and_read(public: dict[str, Stack]) -> None:
    fields = {field.name for field in dataclasses.fields(IngressOutputs)}
    before = {field.name for field in dataclasses.fields(DepsOutputs)}
    assert set(public["deps"].published) == before | fields
    for field in fields:
        assert INGRESS % field in public["app"].text
        read = public["app"].json["locals"][f"deps_{field}"]
        assert f"data.tfe_outputs.deps[0].nonsensitive_values.{field}," in read


# --- App


def test_releases_come_in_an_order_by_which_the_record_goes(public: dict[str, Stack]) -> None:
    """Destroy goes the other way: Traefik's Service, time to see it go, ExternalDNS, Langfuse."""
    resources = public["app"].json["resource"]
    order = [
        "helm_release.langfuse",
        "helm_release.external-dns",
        "terraform_data.farewell",
        "helm_release.traefik",
    ]
    for first, then in pairwise(order):
        kind, name = then.split(".")
        assert resources[kind][name]["depends_on"] == [first]
    (provisioner,) = resources["terraform_data"]["farewell"]["provisioner"]
    assert provisioner["local-exec"] == {"when": "destroy", "command": f"sleep {FAREWELL}"}
    assert FAREWELL > 2 * INTERVAL


def test_record_follows_its_pod_within_two_minutes(
    traefik: dict[str, Any], external_dns: dict[str, Any]
) -> None:
    """One look, Route 53's own 60 seconds to every server, and what a resolver keeps."""
    assert external_dns["interval"] == f"{INTERVAL}s"
    ttl = traefik["service"]["annotations"]["external-dns.alpha.kubernetes.io/ttl"]
    assert int(ttl) == TTL
    assert INTERVAL + 60 + TTL <= 120


def test_page_has_these_times() -> None:
    page = " ".join((ROOT / "docs" / "https.md").read_text(encoding="utf-8").split())
    assert f"ExternalDNS looks every {INTERVAL} seconds" in page
    assert f"resolvers may keep the old answer for {TTL}." in page
    assert f"waits {FAREWELL} seconds" in page


def test_service_is_what_external_dns_looks_for(traefik: dict[str, Any]) -> None:
    service = traefik["service"]
    prefix = "external-dns.alpha.kubernetes.io"
    assert service["annotations"][f"{prefix}/hostname"] == DOMAIN
    assert service["annotations"][f"{prefix}/endpoints-type"] == "NodeExternalIP"
    assert (service["spec"]["type"], service["spec"]["clusterIP"]) == ("ClusterIP", "None")


def test_external_dns_owns_what_it_removes(external_dns: dict[str, Any]) -> None:
    assert external_dns["policy"] == "sync"
    assert external_dns["registry"] == "txt"
    assert external_dns["txtOwnerId"] == "langfuse.us-east-1"
    assert external_dns["domainFilters"] == [ZONE]
    assert external_dns["extraArgs"]["zone-id-filter"] == INGRESS % "zone_id"


def test_mark_of_the_zone_s_own_name_is_in_the_zone(external_dns: dict[str, Any]) -> None:
    """Terraform reads %%{ as %{, and ExternalDNS puts the type there instead of before the name."""
    prefix = external_dns["txtPrefix"].replace("%%{", "%{")
    assert prefix.replace("%{record_type}", "a") + ZONE == "externaldns-a.example.com"


def test_pods_take_their_roles(traefik: dict[str, Any], external_dns: dict[str, Any]) -> None:
    key = "eks.amazonaws.com/role-arn"
    assert traefik["serviceAccountAnnotations"][key] == INGRESS % "traefik_role_arn"
    assert external_dns["serviceAccount"]["annotations"][key] == INGRESS % "external_dns_role_arn"
    assert external_dns["serviceAccount"]["name"] == "external-dns"


def test_traefik_takes_its_node_s_ports_one_pod_at_a_time(traefik: dict[str, Any]) -> None:
    assert traefik["deployment"]["replicas"] == 1
    assert traefik["updateStrategy"]["type"] == "Recreate"
    assert {name: port["hostPort"] for name, port in traefik["ports"].items()} == {
        "web": 80,
        "websecure": 443,
    }
    redirection = traefik["ports"]["web"]["http"]["redirections"]["entryPoint"]
    assert (redirection["to"], redirection["scheme"]) == ("websecure", "https")


def test_nothing_but_langfuse_is_shown(traefik: dict[str, Any]) -> None:
    assert traefik["api"] == {"dashboard": False}
    assert traefik["global"]["sendAnonymousUsage"] is False


def test_traefik_has_one_route_and_it_is_a_file(
    traefik: dict[str, Any], public: dict[str, Stack]
) -> None:
    providers = traefik["providers"]
    assert {name for name, each in providers.items() if each["enabled"]} == {"file"}
    assert {"kubernetesCRD", "kubernetesIngress"} <= set(providers)
    route = providers["file"]["content"]["http"]
    (router,) = route["routers"].values()
    assert router["rule"] == f"Host(`{DOMAIN}`)"
    assert router["entryPoints"] == ["websecure"]
    assert router["tls"]["certResolver"] in traefik["certificatesResolvers"]
    servers = route["services"][router["service"]]["loadBalancer"]["servers"]
    assert servers == [{"url": "http://langfuse-web:3000"}]
    assert "ingress" not in chart_values(public["app"])["langfuse"]


def test_traefik_has_no_access_to_the_cluster(traefik: dict[str, Any]) -> None:
    """No Role, and no token: an empty volume is mounted where the token would be."""
    assert traefik["rbac"] == {"enabled": False}
    (mount,) = traefik["additionalVolumeMounts"]
    assert mount["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"
    assert traefik["deployment"]["additionalVolumes"] == [{"name": mount["name"], "emptyDir": {}}]


def test_another_name_starts_traefik_anew(traefik: dict[str, Any]) -> None:
    assert traefik["providers"]["file"]["watch"] is False
    assert DOMAIN in traefik["deployment"]["podAnnotations"].values()


def test_claim_of_the_certificates_is_an_item_of_the_release(traefik: dict[str, Any]) -> None:
    """The chart's own is marked to be kept, and its volume would be."""
    (claim,) = traefik["extraObjects"]
    assert claim["kind"] == "PersistentVolumeClaim"
    assert "annotations" not in claim["metadata"]
    assert claim["spec"]["storageClassName"] == "langfuse-gp3"
    assert traefik["persistence"]["existingClaim"] == claim["metadata"]["name"]
    assert traefik["podSecurityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"


def acme(traefik: dict[str, Any]) -> dict[str, Any]:
    (resolver,) = traefik["certificatesResolvers"].values()
    found: dict[str, Any] = resolver["acme"]
    return found


def test_certificate_is_proven_in_the_zone(traefik: dict[str, Any]) -> None:
    assert acme(traefik)["dnsChallenge"] == {"provider": "route53"}
    assert acme(traefik)["caServer"] == "https://acme-v02.api.letsencrypt.org/directory"
    assert acme(traefik)["email"] == "ada@example.com"
    assert traefik["env"] == [{"name": "AWS_HOSTED_ZONE_ID", "value": INGRESS % "zone_id"}]


def test_staging_has_a_store_of_its_own(
    every_variable: dict[str, Stack], traefik: dict[str, Any]
) -> None:
    """Or Traefik would go on with the certificate that no browser trusts."""
    staging = acme(chart_values(every_variable["app"], "traefik"))
    assert staging["caServer"] == "https://acme-staging-v02.api.letsencrypt.org/directory"
    assert staging["storage"] != acme(traefik)["storage"]


def test_langfuse_is_told_its_address(public: dict[str, Stack]) -> None:
    values = chart_values(public["app"])
    assert values["langfuse"]["nextauth"]["url"] == f"https://{DOMAIN}"
    assert values["langfuse"]["features"]["signUpDisabled"] is True
    assert f"open https://{DOMAIN} as" in public["app"].outputs["how_to_log_in"]["value"]


def test_charts_are_pinned_and_can_be_local(
    public: dict[str, Stack], one_node: dict[str, Stack]
) -> None:
    releases = public["app"].json["resource"]["helm_release"]
    assert releases["traefik"]["version"] == "41.3.0"
    assert releases["external-dns"]["version"] == "1.21.1"
    local = one_node["app"].json["resource"]["helm_release"]
    for name in ("traefik", "external-dns"):
        assert local[name]["chart"] == str(ROOT / "docs")
        assert {"repository", "version"}.isdisjoint(local[name])


def test_limits_fill_87_and_95_per_cent_of_the_nodes(
    public: dict[str, Stack], traefik: dict[str, Any], external_dns: dict[str, Any]
) -> None:
    limits = {
        pod: mib(values["resources"]["limits"]["memory"])
        for pod, values in {
            **pods(chart_values(public["app"])),
            "traefik": traefik,
            "external-dns": external_dns,
        }.items()
    }
    web = limits.pop("web") + limits.pop("worker")
    assert set(limits) == {"clickhouse", "redis", "traefik", "external-dns"}
    assert int(100 * sum(limits.values()) / ALLOCATABLE) == 87
    assert int(100 * web / ALLOCATABLE) == 95


def test_both_keep_clickhouse_company(
    traefik: dict[str, Any], external_dns: dict[str, Any], one_node: dict[str, Stack]
) -> None:
    for values in (traefik, external_dns):
        (near,) = values["affinity"]["podAffinity"][
            "preferredDuringSchedulingIgnoredDuringExecution"
        ]
        labels = near["podAffinityTerm"]["labelSelector"]["matchLabels"]
        assert labels["app.kubernetes.io/name"] == "clickhouse"
    # Unlike Traefik, it has no volume that would keep it in a zone.
    assert "nodeAffinity" not in external_dns["affinity"]
    assert "affinity" not in chart_values(one_node["app"], "external-dns")
    # Its volume is in the zone of ClickHouse's.
    assert set(chart_values(one_node["app"], "traefik")["affinity"]) == {"nodeAffinity"}


def test_two_t3_medium_hold_it_all() -> None:
    settings = load_settings(ROOT / "tests" / "env" / "accepts.public-name.env")
    assert (settings.node_count, settings.node_instance_type) == (2, "t3.medium")
    assert settings.url == f"https://{DOMAIN}"
