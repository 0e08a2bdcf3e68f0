"""The whole of what is synthesized, so that no change of it goes unseen.

After a change that is meant: ``uv run --group test pytest --snapshot-update``; read the difference.
"""

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from contracts import STACKS
from tests.helpers.snapshots import without_metadata
from tests.helpers.stack import Stack
from tests.helpers.synthesis import Synthesize

# What holds data or is a place that data is found by. Another address is another, empty, store.
STATEFUL = {
    "aws_cloudformation_stack",
    "helm_release",
    "random_bytes",
    "random_password",
    "terraform_data",
}
STATEFUL_MODULES = {"terraform-aws-modules/rds/aws", "terraform-aws-modules/eks/aws"}


@pytest.mark.parametrize("name", STACKS)
def test_stack(stacks: dict[str, Stack], name: str, snapshot: SnapshotAssertion) -> None:
    assert without_metadata(stacks[name].json) == snapshot(
        extension_class=JSONSnapshotExtension, name=name
    )


def test_settings_of_no_effect_alone(synthesize: Synthesize, stacks: dict[str, Stack]) -> None:
    """What goes with a public name or with remote runs changes nothing without them."""
    others = synthesize(
        TERRAFORM_CLOUD_RUNS="local",
        INGRESS_ALLOWED_CIDRS="203.0.113.7/32",
        ACME_STAGING="true",
        TRAEFIK_CHART="https://charts.example.com/traefik",
        EXTERNAL_DNS_CHART="https://charts.example.com/external-dns",
    )
    assert set(others) == {"network", "deps", "app"}
    assert {name: stack.text for name, stack in others.items()} == {
        name: stack.text for name, stack in stacks.items()
    }


def test_stateful_addresses(stacks: dict[str, Stack], snapshot: SnapshotAssertion) -> None:
    addresses = {
        name: sorted(
            [
                f"{kind}.{resource}"
                for kind in STATEFUL
                for resource in stack.json.get("resource", {}).get(kind, {})
                if resource != "checkpoint"
            ]
            + [
                f"module.{module}"
                for module, call in stack.modules.items()
                if call["source"] in STATEFUL_MODULES
            ]
        )
        for name, stack in stacks.items()
    }
    assert addresses == snapshot(extension_class=JSONSnapshotExtension, name="addresses")


def test_golden_copies_show_what_is_in_documents() -> None:
    opened = {"a": ["x: 1\n"], "//": "CDKTF's", "b": '{\n "c": 1}'}
    assert without_metadata(opened) == {"a": [{"x": 1}], "b": {"c": 1}}
    for text in ("find() { aws; }\nx=$(find a)\n", "The secret: it is gone.\n\n  uv run x", "a: b"):
        assert without_metadata(text) == text
