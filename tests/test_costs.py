"""The bill, item by item, of what was synthesized."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from pricing import prices
from pricing.bill import Item, bill
from pricing.report import report, total
from tests.helpers.stack import Stack
from tests.helpers.synthesis import SynthesizeStack

Json = dict[str, dict[str, Any]]
Change = Callable[[Json], object]


@pytest.fixture
def synthesized(stacks: dict[str, Stack]) -> Json:
    return {name: copy.deepcopy(stack.json) for name, stack in stacks.items()}


def amounts(items: list[Item]) -> list[tuple[str, str, float]]:
    return [(item.stack, item.what, round(item.up or 0, 2)) for item in items if item.up != 0]


def test_nfr06_default_bill(synthesized: Json) -> None:
    items = bill(synthesized)
    assert amounts(items) == [
        ("network", "EKS control plane", 73.00),
        ("network", "2 x t3.medium", 60.74),
        ("network", "2 x 20 GB gp3", 3.20),
        ("network", "2 public IPv4", 7.30),
        ("deps", "db.t4g.micro", 11.68),
        ("deps", "20 GB gp3 for it", 2.30),
        ("deps", "1 public IPv4 for it", 3.65),
        ("deps", "bucket, about 5 GB", 0.50),
        ("deps", "1 secret", 0.40),
        ("app", "22 GB gp3 volumes", 1.76),
        ("app", "7 backups of 2 GB", 0.32),
    ]
    assert total(items).up == pytest.approx(164.85, abs=0.005)


def test_nfr06_spot_is_within_the_budget(synthesized: Json) -> None:
    spot = total(bill(synthesized)).on_spot or 0
    assert spot == pytest.approx(124.155, abs=0.005)
    assert spot <= 155


def test_spot_nodes_cost_the_same_up_as_on_spot(
    synthesized: Json, synthesize_stack: SynthesizeStack
) -> None:
    network = synthesize_stack("network", NODE_CAPACITY_TYPE="SPOT")
    sum_ = total(bill({**synthesized, "network": network.json}))
    assert sum_.up == sum_.on_spot == pytest.approx(124.155, abs=0.005)


def test_public_name_costs_the_zone_and_a_gigabyte(public: dict[str, Stack]) -> None:
    items = bill({name: stack.json for name, stack in public.items()})
    assert total(items).up == pytest.approx(164.85 + 0.50 + 0.08, abs=0.005)
    assert total(items).down == pytest.approx(2.89 + 0.50, abs=0.005)
    assert all(item.up is not None for item in items)


def test_nfr08_next_to_nothing_when_torn_down(synthesized: Json) -> None:
    kept = [(item.what, round(item.down, 2)) for item in bill(synthesized) if item.down]
    assert kept == [
        ("a snapshot of up to 20 GB", 1.90),
        ("bucket, about 5 GB", 0.50),
        ("1 secret", 0.40),
        ("7 backups of 2 GB", 0.09),
    ]
    assert total(bill(synthesized)).down < 3


def test_ten_times_the_traces_cost_more_torn_down(synthesized: Json) -> None:
    """As docs/costs.md says: two backups of 20 GB instead of 2."""
    items = bill(synthesized)
    (backups,) = [item for item in items if item.what.endswith("backups of 2 GB")]
    assert backups.down == pytest.approx(2 * 2 * 0.023)
    assert total(items).down + 9 * backups.down == pytest.approx(3.72, abs=0.005)


@pytest.mark.parametrize(
    ("variables", "what", "up"),
    [
        ({"CLICKHOUSE_BACKUPS_KEPT": "30"}, "30 backups of 2 GB", 1.38),
        ({"CLICKHOUSE_BACKUP_SCHEDULE": "none"}, "2 backups of 2 GB", 0.09),
    ],
)
def test_backups_cost_by_their_number(
    synthesize_stack: SynthesizeStack, variables: dict[str, str], what: str, up: float
) -> None:
    app = synthesize_stack("app", **variables)
    (backups,) = [item for item in bill({"app": app.json}) if "backups of" in item.what]
    assert (backups.what, round(backups.up or 0, 2), round(backups.down, 2)) == (what, up, 0.09)


def vpc(stacks: Json) -> Any:  # noqa: ANN401
    return stacks["network"]["module"]["vpc"]


def nodes(stacks: Json) -> Any:  # noqa: ANN401
    return stacks["network"]["module"]["eks"]["eks_managed_node_groups"]["default"]


def template(stacks: Json) -> Any:  # noqa: ANN401
    return stacks["network"]["resource"]["aws_launch_template"]["nodes"]


def disk(stacks: Json) -> Any:  # noqa: ANN401
    (mapping,) = template(stacks)["block_device_mappings"]
    return mapping["ebs"]


def rds(stacks: Json) -> Any:  # noqa: ANN401
    return stacks["deps"]["module"]["rds"]


def values(stacks: Json) -> list[str]:
    found: list[str] = stacks["app"]["resource"]["helm_release"]["langfuse"]["values"]
    return found


@pytest.mark.parametrize(
    ("change", "more"),
    [
        (lambda stacks: vpc(stacks).update(enable_nat_gateway=True), 2 * (32.85 + 3.65)),
        (lambda stacks: nodes(stacks).update(desired_size=3), 30.37 + 1.60 + 3.65),
        (lambda stacks: template(stacks).update(instance_type="t3.large"), 60.74),
        (lambda stacks: disk(stacks).update(volume_size=30), 1.60),
        (lambda stacks: stacks["network"]["module"]["eks"].pop("upgrade_policy"), 365.00),
        (lambda stacks: stacks["network"]["module"]["eks"].update(create_kms_key=True), 1.00),
        (lambda stacks: rds(stacks).update(allocated_storage=30), 1.15),
        (lambda stacks: rds(stacks).update(instance_class="db.t4g.small"), 11.68),
        (lambda stacks: rds(stacks).update(publicly_accessible=False), -3.65),
        (lambda stacks: values(stacks).append("service: {type: LoadBalancer}"), 16.43 + 7.30),
        (lambda stacks: values(stacks).append("zookeeper: {persistence: {size: 8Gi}}"), 0.64),
        (lambda stacks: values(stacks).append("zookeeper: {enabled: false, size: 8Gi}"), 0),
    ],
)
def test_what_changes_the_bill(synthesized: Json, change: Change, more: float) -> None:
    before = total(bill(synthesized)).up or 0
    change(synthesized)
    after = total(bill(synthesized)).up or 0
    assert after - before == pytest.approx(more, abs=0.02)


def test_a_store_that_is_deleted_costs_nothing_torn_down(synthesized: Json) -> None:
    store = synthesized["deps"]["resource"]["aws_cloudformation_stack"]["retained_store"]
    retain = '"DeletionPolicy": "RetainExceptOnCreate"'
    assert retain in store["template_body"]
    store["template_body"] = store["template_body"].replace(retain, '"DeletionPolicy": "Delete"')
    rds(synthesized)["skip_final_snapshot"] = True
    del synthesized["app"]["resource"]["helm_release"]["langfuse-backup"]
    assert total(bill(synthesized)).down == 0


@pytest.mark.parametrize(
    ("change", "unpriced"),
    [
        (
            lambda stacks: stacks["deps"]["resource"].update(aws_sqs_queue={"a": {}}),
            "aws_sqs_queue",
        ),
        (lambda stacks: vpc(stacks).update(source="acme/vpc/aws"), "acme/vpc/aws"),
        (lambda stacks: template(stacks).update(instance_type="z1d.large"), "2 x z1d.large"),
        (lambda stacks: rds(stacks).update(instance_class="db.x1e.large"), "db.x1e.large"),
        (
            lambda stacks: stacks["network"]["module"]["eks"].update(enabled_log_types=["api"]),
            "control-plane logs",
        ),
    ],
)
def test_what_has_no_price_is_listed(synthesized: Json, change: Change, unpriced: str) -> None:
    change(synthesized)
    assert [item.what for item in bill(synthesized) if item.up is None] == [unpriced]
    assert f"Not priced: {unpriced}." in report(synthesized)


@pytest.mark.parametrize(
    ("instance_class", "most"),
    [
        ("db.t4g.micro", "98.55"),
        ("db.t4g.medium", "87.60"),
        ("db.t3.large", "76.65"),
        ("db.t4g.2xlarge", "262.80"),
    ],
)
def test_cpu_credits_are_named_and_not_summed(
    synthesized: Json, instance_class: str, most: str
) -> None:
    rds(synthesized)["instance_class"] = instance_class
    (credit,) = [item for item in bill(synthesized) if item.what.startswith("CPU credits")]
    assert (credit.what, credit.up, credit.down) == (f"CPU credits, at most {most}", 0, 0)


@pytest.mark.parametrize("instance_class", ["db.t2.micro", "db.m7g.large"])
def test_classes_without_unlimited_credits(synthesized: Json, instance_class: str) -> None:
    rds(synthesized)["instance_class"] = instance_class
    assert not [item for item in bill(synthesized) if "credits" in item.what]


def test_automated_backups_are_named_with_their_days(synthesized: Json) -> None:
    (backups,) = [item for item in bill(synthesized) if item.what == "automated backups"]
    assert (backups.up, backups.down) == (0, 0)
    assert backups.source.endswith("7 days")
    rds(synthesized)["backup_retention_period"] = 0
    assert not [item for item in bill(synthesized) if item.what == "automated backups"]


def test_nodes_are_priced_by_the_template_they_name(synthesized: Json) -> None:
    other = {**template(synthesized), "instance_type": "t3.large"}
    synthesized["network"]["resource"]["aws_launch_template"]["other"] = other
    assert "2 x t3.medium" in [item.what for item in bill(synthesized)]
    nodes(synthesized)["launch_template_id"] = "${aws_launch_template.other.id}"
    assert "2 x t3.large" in [item.what for item in bill(synthesized)]


def test_another_region_is_said_to_differ(synthesized: Json) -> None:
    assert "may differ" not in report(synthesized)
    for stack in synthesized.values():
        stack["provider"]["aws"][0]["region"] = "eu-west-1"
    assert report(synthesized).endswith("eu-west-1 may differ by some ten per cent.")


def test_every_price_has_a_source() -> None:
    table = {**prices.NODES, **prices.DATABASES, **vars(prices)}
    assert all(price.source for price in table.values() if isinstance(price, prices.Price))
