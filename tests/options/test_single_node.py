"""NODE_COUNT=1: everything on one node, in the zone of the volumes."""

from tests.helpers.chart_values import chart_values, pods
from tests.helpers.modules import node_group
from tests.helpers.stack import Stack
from tests.helpers.synthesis import WithOptions


def test_node_is_in_the_zone_of_the_volumes(with_options: WithOptions, network: Stack) -> None:
    assert network.outputs["data_zone"]["value"].endswith(".names, 0)}")
    group = node_group(with_options("single_node")["network"])
    assert group["subnet_ids"] == ["${element(module.vpc.public_subnets, 0)}"]


def test_pods_need_no_rules_but_the_zone(with_options: WithOptions) -> None:
    values = chart_values(with_options("single_node")["app"])
    affinities = {
        pod: set(each.get("pod", each).get("affinity", {})) for pod, each in pods(values).items()
    }
    assert affinities == {
        "web": set(),
        "worker": set(),
        "clickhouse": {"nodeAffinity"},
        "redis": {"nodeAffinity"},
    }


def test_traefik_needs_no_rules_but_the_zone(with_options: WithOptions) -> None:
    app = with_options("single_node", "public_name")["app"]
    assert set(chart_values(app, "traefik")["affinity"]) == {"nodeAffinity"}
    assert "affinity" not in chart_values(app, "external-dns")
