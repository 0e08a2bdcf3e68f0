"""DnsRoles: what Traefik and ExternalDNS may do in one zone."""

from typing import Any

import pytest

from constructs_lib.dns_roles import DnsRoles
from tests.helpers.bare_stack import BareStack
from tests.helpers.stack import Stack


@pytest.fixture(scope="module")
def dns(bare_stack: BareStack) -> Stack:
    return bare_stack(
        lambda stack: DnsRoles(
            stack,
            "dns",
            name="langfuse",
            domain="langfuse.example.com",
            zone="example.com",
            partition="aws",
            oidc_provider_arn="arn:provider",
        )
    )


def roles(dns: Stack) -> dict[str, dict[str, Any]]:
    """Return the permissions of the two roles, by service account."""
    return {
        call["oidc_providers"]["cluster"]["namespace_service_accounts"][0]: call["permissions"]
        for call in dns.modules.values()
    }


def test_zone_is_looked_up_not_made(dns: Stack) -> None:
    zone = dns.data("aws_route53_zone")
    assert (zone["name"], zone["private_zone"]) == ("example.com", False)
    assert "resource" not in dns.json


def test_roles_change_that_zone_only(dns: Stack) -> None:
    assert set(roles(dns)) == {"langfuse:traefik", "langfuse:external-dns"}
    for permissions in roles(dns).values():
        for statement in permissions.values():
            (resource,) = statement["resources"]
            if "route53:ChangeResourceRecordSets" in statement["actions"]:
                assert resource.startswith("${data.aws_route53_zone.")
                assert resource.endswith(".arn}")
            elif resource == "*":
                assert statement["actions"] == ["route53:ListHostedZones"]


def test_traefik_may_change_its_proof_only(dns: Stack) -> None:
    conditions = roles(dns)["langfuse:traefik"]["prove"]["condition"]
    assert {each["variable"].removeprefix("route53:"): each["values"] for each in conditions} == {
        "ChangeResourceRecordSetsNormalizedRecordNames": ["_acme-challenge.langfuse.example.com"],
        "ChangeResourceRecordSetsRecordTypes": ["TXT"],
    }
