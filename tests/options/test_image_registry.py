"""IMAGE_REGISTRY and IMAGE_DIGESTS: a mirror of all images, and pinned digests."""

import json
import re
from typing import Any

import pytest

import images
from images import Image, ImageSource
from pricing.bill import bill
from tests.helpers.chart_values import STORES, chart_values, container
from tests.helpers.modules import node_group
from tests.helpers.synthesis import Stacks, WithOptions

ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
DIGEST = f"sha256:{1:064}"
# As in tests/env/accepts.every-variable.env.
MIRROR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/mirror"
OTHER_DIGEST = f"sha256:{2:064}"


@pytest.fixture(scope="module")
def mirrored(with_options: WithOptions) -> Stacks:
    return with_options("image_registry")


# --- Off


def test_without_it_the_charts_have_their_own(values: dict[str, Any], public: Stacks) -> None:
    charts = [values["langfuse"]["web"], values["langfuse"]["worker"]]
    charts += [chart_values(public["app"], name) for name in ("traefik", "external-dns")]
    assert [chart for chart in charts if "image" in chart] == []
    assert values["langfuse"]["image"]["tag"] == images.LINES[3].worker.tag
    assert "iam_role_policy_statements" not in node_group(public["network"])


# --- References


@pytest.mark.parametrize(
    ("image", "name", "reference"),
    [
        (images.LINES[3].web, "langfuse/langfuse", "docker.io/langfuse/langfuse"),
        (images.LINES[3].worker, "langfuse/langfuse-worker", "docker.io/langfuse/langfuse-worker"),
        (
            images.LINES[3].clickhouse,
            "clickhouse/clickhouse-server",
            "docker.io/clickhouse/clickhouse-server",
        ),
        (images.VALKEY, "valkey/valkey", "docker.io/valkey/valkey"),
        (images.TRAEFIK, "traefik", "docker.io/library/traefik"),
        (
            images.EXTERNAL_DNS,
            "registry.k8s.io/external-dns/external-dns",
            "registry.k8s.io/external-dns/external-dns",
        ),
        (
            images.VICTORIA_METRICS,
            "victoriametrics/victoria-metrics",
            "docker.io/victoriametrics/victoria-metrics",
        ),
        (images.GRAFANA, "grafana/grafana", "docker.io/grafana/grafana"),
    ],
)
def test_mirror_has_each_image_below_its_registry(image: Image, name: str, reference: str) -> None:
    """Docker Hub's official images are below library/ in a mirror, and nowhere else."""
    assert image.name == name
    assert ImageSource().repository(image) == name
    assert ImageSource(mirror="example.com/a").repository(image) == f"example.com/a/{reference}"


def test_tag_stays_before_the_digest() -> None:
    pinned = ImageSource(digests={"traefik": DIGEST})
    assert pinned.tag(images.TRAEFIK) == f"{images.TRAEFIK.tag}@{DIGEST}"
    assert pinned.tag(images.LINES[3].web) == images.LINES[3].web.tag


def test_names_differ_and_are_those_of_each_line() -> None:
    assert len(set(images.NAMES)) == len(images.NAMES)
    for major in images.LINES:
        assert tuple(image.name for image in images.of_all_pods(major)) == images.NAMES
        assert {image.registry for image in images.of_all_pods(major)} == {*images.REGISTRIES}


# --- Values of the charts


def test_web_and_worker_come_from_the_mirror(mirrored: Stacks) -> None:
    """One digest is pinned: the other has the common tag, which a user's values may change."""
    langfuse = chart_values(mirrored["app"])["langfuse"]
    assert langfuse["web"]["image"] == {
        "repository": f"{ECR}/docker.io/langfuse/langfuse",
        "tag": f"{images.LINES[3].web.tag}@{DIGEST}",
    }
    assert langfuse["worker"]["image"] == {
        "repository": f"{ECR}/docker.io/langfuse/langfuse-worker"
    }


def test_clickhouse_and_redis_come_from_the_mirror(mirrored: Stacks) -> None:
    values = chart_values(mirrored["app"])
    clickhouse = f"clickhouse/clickhouse-server:{images.LINES[3].clickhouse.tag}"
    assert {name: container(values, name)["image"] for name in STORES} == {
        "clickhouse": f"{ECR}/docker.io/{clickhouse}",
        "redis": f"{ECR}/docker.io/valkey/valkey:{images.VALKEY.tag}@{OTHER_DIGEST}",
    }


def test_pods_of_options_come_from_the_mirror(every_variable: Stacks) -> None:
    app = every_variable["app"]
    assert chart_values(app, "traefik")["image"] == {
        "registry": f"{MIRROR}/docker.io",
        "repository": "library/traefik",
        "tag": f"{images.TRAEFIK.tag}@sha256:{2:064}",
    }
    assert chart_values(app, "external-dns")["image"] == {
        "repository": f"{MIRROR}/registry.k8s.io/external-dns/external-dns"
    }
    assert chart_values(app, "external-secrets")["image"] == {
        "repository": f"{MIRROR}/ghcr.io/external-secrets/external-secrets"
    }


@pytest.mark.parametrize(
    ("options", "pods"),
    # With ElastiCache one store, and the pods of both Jobs.
    [(("image_registry",), len(STORES)), (("image_registry", "elasticache"), 1 + 2)],
)
def test_no_manifest_of_ours_names_another_registry(
    with_options: WithOptions, options: tuple[str, ...], pods: int
) -> None:
    app = with_options(*options)["app"]
    values = [chart_values(app)["extraManifests"]]
    if "elasticache" in options:
        values.append(chart_values(app, "langfuse-redis-switch"))
    found = re.findall(r'"image": "([^"]+)"', json.dumps(values))
    assert len(found) == pods
    assert [image for image in found if not image.startswith(f"{ECR}/docker.io/")] == []


# --- Nodes


@pytest.mark.parametrize(
    ("mirror", "below"),
    [
        (ECR, "ecr:us-east-1:123456789012:repository/"),
        (f"{ECR}/a/b", "ecr:us-east-1:123456789012:repository/a/b/"),
        (
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
            "ecr:cn-north-1:123456789012:repository/",
        ),
        ("registry.example.com/mirror", None),
        (f"{ECR}.example.com", None),
        (None, None),
    ],
)
def test_nodes_may_fill_a_cache_in_ecr(mirror: str | None, below: str | None) -> None:
    found = ImageSource(mirror=mirror).ecr_repositories(["docker.io", "registry.k8s.io"])
    assert found == ([f"{below}docker.io/*", f"{below}registry.k8s.io/*"] if below else [])


@pytest.mark.parametrize("more", [(), ("external_secrets",)])
def test_nodes_may_create_repositories_of_the_cache_only(
    with_options: WithOptions, more: tuple[str, ...]
) -> None:
    network = with_options("image_registry", *more)["network"]
    (statement,) = node_group(network)["iam_role_policy_statements"]
    assert statement["actions"] == ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
    partition = "${data.aws_partition.cluster_partition_"
    registries = ("docker.io", "registry.k8s.io", *(["ghcr.io"] if more else []))
    for arn, registry in zip(statement["resources"], registries, strict=True):
        assert arn.startswith(f"arn:{partition}")
        assert arn.endswith(f".partition}}:ecr:us-east-1:123456789012:repository/{registry}/*")


def test_it_costs_nothing_here(mirrored: Stacks, stacks: Stacks) -> None:
    """ECR's storage is of the registry that the user has."""
    assert bill({name: stack.json for name, stack in mirrored.items()}) == bill(
        {name: stack.json for name, stack in stacks.items()}
    )
