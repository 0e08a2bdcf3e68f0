"""LANGFUSE_DOMAIN and ROUTE53_ZONE: a public name with https."""

import dataclasses
from typing import Any

import pytest

from constructs_lib.public_hostname import DNS_CLEANUP_SECONDS
from contracts import STACKS, DepsOutputs, IngressOutputs
from env_file import load_settings
from in_cluster.external_dns_values import INTERVAL, TTL
from tests.helpers.chart_values import ALLOCATABLE, chart_values, mib, pods
from tests.helpers.checkout import ROOT
from tests.helpers.modules import EKS, IRSA
from tests.helpers.synthesis import Stacks, SynthesizeStack
from tests.options.table import OPTIONS

DOMAIN, ZONE = "langfuse.example.com", "example.com"
INGRESS = "${local.deps_%s}"


@pytest.fixture(scope="module")
def traefik(public: Stacks) -> dict[str, Any]:
    return chart_values(public["app"], "traefik")


@pytest.fixture(scope="module")
def external_dns(public: Stacks) -> dict[str, Any]:
    return chart_values(public["app"], "external-dns")


# --- Off


def test_without_a_name_nothing_of_it_is_there(stacks: Stacks) -> None:
    for name in STACKS:
        for trace in ("traefik", "external-dns", "route53", "deps_ingress"):
            assert trace not in stacks[name].text


# --- Network


def test_ports_80_and_443_are_open_to_whom_they_should(
    public: Stacks, every_variable: Stacks
) -> None:
    def cidrs(stacks: Stacks) -> list[list[str]]:
        rules = stacks["network"].module(EKS)["node_security_group_additional_rules"]
        return [rule["cidr_blocks"] for rule in rules.values()]

    assert cidrs(public) == [["0.0.0.0/0"]] * 2
    assert cidrs(every_variable) == [["203.0.113.7/32", "198.51.100.0/24"]] * 2


# --- Deps


def test_roles_are_of_that_zone(public: Stacks) -> None:
    assert public["deps"].data("aws_route53_zone")["name"] == ZONE
    names = {call["name"] for call in public["deps"].modules.values() if call["source"] == IRSA}
    assert names == {
        "langfuse-langfuse",
        "langfuse-clickhouse",
        "langfuse-traefik",
        "langfuse-external-dns",
    }


def test_second_contract_is_published_and_read(public: Stacks) -> None:
    fields = {field.name for field in dataclasses.fields(IngressOutputs)}
    before = {field.name for field in dataclasses.fields(DepsOutputs)}
    assert set(public["deps"].published) == before | fields
    for field in fields:
        assert INGRESS % field in public["app"].text
        read = public["app"].json["locals"][f"deps_{field}"]
        assert f"data.tfe_outputs.deps[0].nonsensitive_values.{field}," in read


# --- App


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
    assert f"waits {DNS_CLEANUP_SECONDS} seconds" in page


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


def test_traefik_has_one_route_and_it_is_a_file(traefik: dict[str, Any], public: Stacks) -> None:
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


def test_staging_has_a_store_of_its_own(every_variable: Stacks, traefik: dict[str, Any]) -> None:
    """Or Traefik would go on with the certificate that no browser trusts."""
    staging = acme(chart_values(every_variable["app"], "traefik"))
    assert staging["caServer"] == "https://acme-staging-v02.api.letsencrypt.org/directory"
    assert staging["storage"] != acme(traefik)["storage"]


def test_langfuse_is_told_its_address(public: Stacks) -> None:
    values = chart_values(public["app"])
    assert values["langfuse"]["nextauth"]["url"] == f"https://{DOMAIN}"
    assert values["langfuse"]["features"]["signUpDisabled"] is True
    assert f"open https://{DOMAIN} as" in public["app"].outputs["how_to_log_in"]["value"]


def test_charts_can_be_local(synthesize_stack: SynthesizeStack) -> None:
    charts = {"TRAEFIK_CHART": "tests/data/chart", "EXTERNAL_DNS_CHART": "tests/data/chart"}
    app = synthesize_stack("app", **OPTIONS["public_name"], **charts)
    local = app.json["resource"]["helm_release"]
    for name in ("traefik", "external-dns"):
        assert local[name]["chart"] == str(ROOT / "tests" / "data" / "chart")
        assert {"repository", "version"}.isdisjoint(local[name])


def test_limits_fill_87_and_95_per_cent_of_the_nodes(
    public: Stacks, traefik: dict[str, Any], external_dns: dict[str, Any]
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
    traefik: dict[str, Any], external_dns: dict[str, Any]
) -> None:
    for values in (traefik, external_dns):
        (near,) = values["affinity"]["podAffinity"][
            "preferredDuringSchedulingIgnoredDuringExecution"
        ]
        labels = near["podAffinityTerm"]["labelSelector"]["matchLabels"]
        assert labels["app.kubernetes.io/name"] == "clickhouse"
    # Unlike Traefik, it has no volume that would keep it in a zone.
    assert "nodeAffinity" not in external_dns["affinity"]


def test_two_t3_medium_hold_it_all() -> None:
    settings = load_settings(ROOT / "tests" / "env" / "accepts.public-name.env")
    assert (settings.node_count, settings.node_instance_type) == (2, "t3.medium")
    assert settings.url == f"https://{DOMAIN}"
