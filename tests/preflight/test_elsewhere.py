"""What check_account.py says of a hosted zone, Terraform Cloud and registries."""

import httpx
import pytest

import images
import versions
from tests.helpers.preflight import (
    CHALLENGE,
    HUB,
    NS,
    PUBLIC,
    TFC,
    WEB,
    Asked,
    passes,
    stops,
)
from tests.options.table import OPTIONS


def test_image_of_a_clickhouse_in_the_cluster_is_not_wanted_beside_ones_own(asked: Asked) -> None:
    tag = versions.LANGFUSE_LINES[3].clickhouse
    asked.web[f"{HUB}/clickhouse/clickhouse-server/manifests/{tag}"] = httpx.Response(404)
    assert asked.line("images")[0] is False
    assert asked.line("images", **OPTIONS["own_clickhouse"]) == passes("ok   3 for amd64")


def make_zone(asked: Asked, *, private: bool = False) -> None:
    vpc = {"VPCRegion": "us-east-1", "VPCId": "vpc-1"}
    asked.client("route53").create_hosted_zone(
        Name="example.com",
        CallerReference=f"{private}",
        HostedZoneConfig={"PrivateZone": private},
        **({"VPC": vpc} if private else {}),
    )


def test_zone(made: Asked) -> None:
    make_zone(made)
    make_zone(made, private=True)
    assert made.line("zone", **PUBLIC) == passes("ok   example.com, delegated")
    assert made.line("images", **PUBLIC) == passes("ok   6 for amd64")


@pytest.mark.parametrize(("zones", "number"), [(0, "no public zone"), (2, "several public zones")])
def test_no_zone_or_two(made: Asked, zones: int, number: str) -> None:
    for _ in range(zones):
        make_zone(made)
    make_zone(made, private=True)
    assert made.line("zone", **PUBLIC) == stops(
        f"ROUTE53_ZONE: this account has {number} example.com; there must be one: "
        "make it, or delete the others"
    )


def test_a_zone_that_is_not_delegated(made: Asked) -> None:
    make_zone(made)
    made.web[NS] = httpx.Response(200, json={"Status": 3})
    assert made.line("zone", **PUBLIC) == passes(
        "warning: ROUTE53_ZONE: example.com is not delegated to this zone, so nobody "
        "finds its names; have your registrar name ns-2048.awsdns-64.com, ns-2049.awsdns-65.net, "
        "ns-2050.awsdns-66.org, ns-2051.awsdns-67.co.uk"
    )


def test_a_resolver_that_does_not_answer(made: Asked) -> None:
    make_zone(made)
    made.web[NS] = httpx.ConnectError("no")
    assert made.line("zone", **PUBLIC) == passes(
        "warning: example.com is there; not known whether it is delegated (ConnectError)"
    )


WORKSPACES = f"{TFC}/organizations/acme/workspaces"


def workspace(**attributes: object) -> httpx.Response:
    """Return a workspace, which is as cdktf makes it but for ``attributes``."""
    given = {"locked": False, "vcs-repo": None, **attributes}
    return httpx.Response(200, json={"data": {"attributes": given}})


def owner(kind: str) -> httpx.Response:
    relation = {"authenticated-resource": {"data": {"type": kind}}}
    data = {"attributes": {"username": "api-1"}, "relationships": relation}
    return httpx.Response(200, json={"data": data})


def test_terraform_cloud_refuses_the_token(asked: Asked) -> None:
    asked.web[f"{TFC}/account/details"] = httpx.Response(401)
    assert asked.line("organization") == stops(
        "TFE_TOKEN: Terraform Cloud refuses it; make a token of a user or a team, and put it into "
        ".env"
    )


def test_no_such_organization(asked: Asked) -> None:
    asked.web[f"{TFC}/organizations/acme"] = httpx.Response(404)
    assert asked.line("organization") == stops(
        "TFC_ORGANIZATION: acme does not exist, or the token of ada is not of it; make it in "
        "Terraform Cloud, or correct the name in .env"
    )


def test_a_token_that_makes_no_workspaces(asked: Asked) -> None:
    organization = {"attributes": {"permissions": {"can-create-workspace": False}}}
    asked.web[f"{TFC}/organizations/acme"] = httpx.Response(200, json={"data": organization})
    asked.web[f"{WORKSPACES}/langfuse-deps"] = workspace()
    assert asked.line("organization") == stops(
        "TFE_TOKEN: the token of ada may not make workspaces in acme, which lacks "
        "langfuse-network, langfuse-app; let its team manage workspaces"
    )
    for name in ("network", "app"):
        asked.web[f"{WORKSPACES}/langfuse-{name}"] = workspace()
    assert asked.line("organization") == passes(
        "ok   acme, with the token of ada; goes on with langfuse-network, langfuse-deps, "
        "langfuse-app"
    )
    ok, said = asked.line("organization", TERRAFORM_CLOUD_RUNS="remote")
    assert not ok
    assert "which lacks langfuse-workspaces; let" in said


def test_the_token_of_an_organization(asked: Asked) -> None:
    asked.web[f"{TFC}/account/details"] = owner("organizations")
    assert asked.line("organization") == passes(
        "warning: TFE_TOKEN: it is the organization's, which may not plan and apply; make one of a "
        "user or a team"
    )
    asked.web[f"{TFC}/account/details"] = owner("teams")
    assert asked.line("organization") == passes(
        "ok   acme, with the token of api-1; makes langfuse-network, langfuse-deps, langfuse-app"
    )


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        (
            {"vcs-repo": {"identifier": "acme/other"}},
            (
                "NAME: the workspace langfuse-deps is there, and runs what a repository has: it is "
                "another project's; choose another NAME, or delete it"
            ),
        ),
        (
            {"locked": True},
            (
                "the workspace langfuse-deps is locked; wait until its run ends, or unlock it in "
                "Terraform Cloud if none is under way"
            ),
        ),
    ],
)
def test_a_workspace_that_a_deploy_cannot_use(
    asked: Asked, attributes: dict[str, object], said: str
) -> None:
    asked.web[f"{WORKSPACES}/langfuse-deps"] = workspace(**attributes)
    assert asked.line("organization") == stops(said)


@pytest.mark.parametrize(
    ("answer", "ok", "said"),
    [
        (httpx.Response(503), True, "warning: not known: app.terraform.io answers 503"),
        (
            httpx.ConnectError("do-not-print"),
            False,
            (
                "app.terraform.io cannot be reached (ConnectError); is there a proxy? Then set "
                "HTTPS_PROXY in .env"
            ),
        ),
    ],
)
def test_terraform_cloud_does_not_answer(
    asked: Asked, answer: httpx.Response | Exception, *, ok: bool, said: str
) -> None:
    asked.web[f"{TFC}/account/details"] = answer
    assert asked.line("organization") == (ok, said)


def test_images_are_read_with_an_anonymous_token(asked: Asked) -> None:
    token = "https://auth.docker.io/token?service=registry.docker.io&scope=pull"  # noqa: S105
    asked.web[token] = httpx.Response(200, json={"token": "anonymous"})
    asked.web[WEB] = httpx.Response(401, headers={"WWW-Authenticate": CHALLENGE})
    said = "warning: not known: docker.io answers 401 for langfuse/langfuse"
    assert asked.line("images") == passes(said)
    assert asked.requests[-1].headers["Authorization"] == "Bearer anonymous"
    assert "image.index.v1+json" in asked.requests[-1].headers["Accept"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(429), "docker.io answers 429, too many requests from this address"),
        (httpx.Response(500), "docker.io answers 500 for langfuse/langfuse"),
        (httpx.ConnectTimeout("no"), "registry-1.docker.io cannot be reached (ConnectTimeout)"),
        (
            httpx.Response(401, headers={"WWW-Authenticate": 'Basic realm="https://x"'}),
            "docker.io wants a login, which nodes may have",
        ),
        (
            httpx.Response(401, headers={"WWW-Authenticate": CHALLENGE}),
            "docker.io wants a login, which nodes may have",
        ),
    ],
)
def test_a_registry_that_does_not_say(
    asked: Asked, answer: httpx.Response | Exception, said: str
) -> None:
    asked.web[WEB] = answer
    assert asked.line("images") == passes(f"warning: not known: {said}")


def test_an_image_is_not_there(asked: Asked) -> None:
    asked.web[WEB] = httpx.Response(404)
    tag = versions.LANGFUSE_LINES[3].langfuse
    assert asked.line("images") == stops(
        f"docker.io has no langfuse/langfuse:{tag}; copy it there, or correct IMAGE_REGISTRY and "
        "IMAGE_DIGESTS"
    )


def test_an_image_of_another_processor(asked: Asked) -> None:
    config = f"{HUB}/langfuse/langfuse/blobs/sha256:1"
    asked.web[WEB] = httpx.Response(200, json={"config": {"digest": "sha256:1"}})
    asked.web[config] = httpx.Response(200, json={"architecture": "amd64"})
    assert asked.line("images") == passes("ok   4 for amd64")
    tag = versions.LANGFUSE_LINES[3].langfuse
    assert asked.line("images", NODE_INSTANCE_TYPE="t4g.medium") == stops(
        f"docker.io has langfuse/langfuse:{tag} for amd64, and t4g.medium needs arm64; copy that, "
        "or choose another NODE_INSTANCE_TYPE"
    )


def test_images_of_a_mirror_by_digest(asked: Asked) -> None:
    digest = f"sha256:{1:064}"
    said = asked.line(
        "images",
        IMAGE_REGISTRY="mirror.example.com/copies",
        IMAGE_DIGESTS=f"langfuse/langfuse@{digest}",
        LANGFUSE_MAJOR="4",
    )
    assert said == passes("ok   4 for amd64")
    folder = "https://mirror.example.com/v2/copies/docker.io"
    assert [str(each.url) for each in asked.requests] == [
        f"{folder}/langfuse/langfuse/manifests/{digest}",
        f"{folder}/langfuse/langfuse-worker/manifests/{versions.LANGFUSE_LINES[4].langfuse}",
        f"{folder}/clickhouse/clickhouse-server/manifests/{versions.LANGFUSE_LINES[4].clickhouse}",
        f"{folder}/valkey/valkey/manifests/{images.VALKEY.tag}",
    ]


@pytest.mark.parametrize(
    ("options", "more"),
    [
        (("public_name",), {images.TRAEFIK, images.EXTERNAL_DNS}),
        (("external_secrets",), {images.EXTERNAL_SECRETS}),
        (("monitoring",), {images.VICTORIA_METRICS, images.GRAFANA}),
        (("elasticache", "own_clickhouse"), set()),
    ],
    ids=["public name", "external secrets", "monitoring", "stores elsewhere"],
)
def test_images_of_an_option_are_asked_for_with_it(
    asked: Asked, options: tuple[str, ...], more: set[images.Image]
) -> None:
    line = images.LINES[3]
    stores = set() if "elasticache" in options else {line.clickhouse, images.VALKEY}
    lines = {key: value.strip("'") for name in options for key, value in OPTIONS[name].items()}
    asked.line("images", **lines)
    paths = {str(each.url).partition("/v2/")[2] for each in asked.requests}
    assert {path.partition("/manifests/")[0] for path in paths} == {
        each.repository for each in {line.web, line.worker, *stores, *more}
    }
