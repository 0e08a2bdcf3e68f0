"""PublicHostname: ExternalDNS and Traefik, in an order by which the record goes."""

from itertools import pairwise
from typing import Any

import pytest
from cdktf import DataResource, TerraformStack

from constructs_lib.public_hostname import DNS_CLEANUP_SECONDS, PublicHostname
from in_cluster.external_dns_values import INTERVAL
from tests.helpers.bare_stack import BareStack
from tests.helpers.stack import Stack


@pytest.fixture(scope="module")
def address(bare_stack: BareStack) -> Stack:
    def make(stack: TerraformStack) -> PublicHostname:
        langfuse = DataResource(stack, "langfuse")
        langfuse.override_logical_id("langfuse")
        return PublicHostname(
            stack,
            "address",
            traefik_chart="https://traefik.example.com",
            traefik_values={"a": 1},
            external_dns_chart="https://dns.example.com",
            external_dns_values={"b": 2},
            after=langfuse,
        )

    return bare_stack(make)


def test_releases_come_in_an_order_by_which_the_record_goes(address: Stack) -> None:
    """Destroy goes the other way: Traefik's Service, time to see it go, ExternalDNS, Langfuse."""
    resources = address.json["resource"]
    order = [
        "terraform_data.langfuse",
        "helm_release.external-dns",
        "terraform_data.farewell",
        "helm_release.traefik",
    ]
    for first, then in pairwise(order):
        kind, name = then.split(".")
        assert resources[kind][name]["depends_on"] == [first]
    (provisioner,) = resources["terraform_data"]["farewell"]["provisioner"]
    assert provisioner["local-exec"] == {
        "when": "destroy",
        "command": f"sleep {DNS_CLEANUP_SECONDS}",
    }
    assert DNS_CLEANUP_SECONDS > 2 * INTERVAL


def test_charts_are_pinned(address: Stack) -> None:
    def chart(name: str) -> tuple[Any, ...]:
        release = address.resource("helm_release", name)
        return release["repository"], release["chart"], release["version"], release["values"]

    assert chart("traefik") == ("https://traefik.example.com", "traefik", "41.3.0", ["a: 1\n"])
    assert chart("external-dns") == (
        "https://dns.example.com",
        "external-dns",
        "1.21.1",
        ["b: 2\n"],
    )
    # Helm never deletes CRDs.
    assert {each["skip_crds"] for each in address.resources("helm_release")} == {True}
