"""The app stack as composed: the chart, its values, its secrets and its login."""

import json
import re
from typing import Any

import pytest

import versions
from constructs_lib.langfuse_release import TIMEOUT
from tests.helpers.chart_values import chart_values
from tests.helpers.expression import evaluate
from tests.helpers.stack import Stack
from tests.helpers.synthesis import SynthesizeStack


def test_fr10_nfr10_pinned_chart(app: Stack) -> None:
    release = app.resource("helm_release", "langfuse")
    assert release["repository"] == versions.LANGFUSE_CHART_REPOSITORY
    assert (release["chart"], release["version"]) == ("langfuse", "1.5.41")
    assert (release["name"], release["timeout"]) == ("langfuse", TIMEOUT)


# Outputs of network; a cluster as EKS shows it; host and name that Helm uses.
PUBLISHED = {"cluster_name": "n", "cluster_endpoint": "https://out"}
CLUSTER = {"endpoint": "https://eks", "certificate_authority": [{"data": ""}]}
LOGINS = {
    "published": ([{"nonsensitive_values": PUBLISHED}], [CLUSTER], "https://out", "n"),
    "outputs are gone": ([{"nonsensitive_values": {}}], [CLUSTER], "https://eks", "langfuse"),
    "no workspace": ([], [CLUSTER], "https://eks", "langfuse"),
    "nor a cluster": ([], [], "network-is-not-deployed.invalid", "langfuse"),
}


@pytest.mark.parametrize("case", LOGINS)
def test_fr18_helm_finds_the_cluster_without_the_outputs_of_network(app: Stack, case: str) -> None:
    outputs, clusters, host, name = LOGINS[case]
    (provider,) = app.json["provider"]["helm"]
    kubernetes = provider["kubernetes"]
    answers = {"network": outputs, "existing_cluster": clusters}
    assert evaluate(app, kubernetes["host"], answers) == host
    assert evaluate(app, kubernetes["exec"]["args"][-1], answers) == name


def test_fr18_cluster_is_looked_up_by_its_name(every_variable: dict[str, Stack]) -> None:
    for stack in ("network", "app"):
        cluster = every_variable[stack].data("aws_eks_cluster", "existing_cluster")
        assert cluster["name"] == "team-a1"


def test_fr11_external_postgres(values: dict[str, Any]) -> None:
    postgres = values["postgresql"]
    assert postgres["deploy"] is False
    assert postgres["host"] == "${local.deps_database_host}"
    assert postgres["auth"]["database"] == "${local.deps_database_name}"
    assert postgres["auth"]["username"] == "${local.deps_database_username}"
    assert "sslmode=require" in postgres["args"]


def test_fr12_external_s3_without_keys(values: dict[str, Any]) -> None:
    s3 = values["s3"]
    assert s3["deploy"] is False
    assert s3["bucket"] == "${local.deps_bucket_name}"
    assert s3["region"] == "us-east-1"
    assert s3["forcePathStyle"] is False
    assert s3["eventUpload"]["prefix"] == "events/"
    assert s3["mediaUpload"] == {"enabled": True, "prefix": "media/"}
    assert s3["batchExport"] == {"enabled": True, "prefix": "exports/"}
    assert not re.search("accessKey", json.dumps(s3))


def test_fr13_clickhouse_and_redis_come_with_the_release(values: dict[str, Any]) -> None:
    clickhouse, redis = values["clickhouse"], values["redis"]
    assert (clickhouse["deploy"], redis["deploy"]) == (False, False)
    assert (clickhouse["host"], redis["host"]) == ("langfuse-clickhouse", "langfuse-redis-master")
    for name, host in (("clickhouse", clickhouse["host"]), ("redis", redis["host"])):
        spec = values["extraManifests"][name]["spec"]
        assert spec["replicas"] == 1
        service = values["extraManifests"][f"{name}Service"]
        assert service["metadata"]["name"] == host
        assert service["spec"]["selector"] == spec["template"]["metadata"]["labels"]


def test_fr13_clickhouse_has_one_replica_for_either_chart(values: dict[str, Any]) -> None:
    """Chart 1 reads the first, chart 2 the second."""
    assert values["clickhouse"]["clusterEnabled"] is False
    assert values["clickhouse"]["cluster"] == {"enabled": False}


def test_no_store_is_of_the_chart(values: dict[str, Any]) -> None:
    stores = ("postgresql", "clickhouse", "redis", "s3")
    assert [values[store]["deploy"] for store in stores] == [False] * 4
    assert "global" not in values


def test_fr14_headless_init_on_web_only(values: dict[str, Any]) -> None:
    web, worker = (
        {variable["name"]: variable for variable in values["langfuse"][pod]["pod"]["additionalEnv"]}
        for pod in ("web", "worker")
    )
    init = {
        name.removeprefix("LANGFUSE_INIT_"): variable.get("value")
        for name, variable in web.items()
        if name.startswith("LANGFUSE_INIT_")
    }
    assert init == {
        "ORG_ID": "default-organization",
        "ORG_NAME": "Default Organization",
        "PROJECT_ID": "default-project",
        "PROJECT_NAME": "Default Project",
        "USER_EMAIL": "ada@example.com",
        "USER_NAME": "Ada Lovelace",
        "USER_PASSWORD": None,
    }
    assert web["LANGFUSE_INIT_USER_PASSWORD"]["valueFrom"] == {
        "secretKeyRef": {"name": "langfuse-secrets", "key": "admin-password"}
    }
    assert not [name for name in worker if name.startswith("LANGFUSE_INIT_")]


def test_fr15_nfr02_passwords_between_pods_are_generated(app: Stack) -> None:
    passwords = app.resources("random_password")
    assert len(passwords) == 2
    for password in passwords:
        assert password["length"] >= 43  # 62 ** 43 > 2 ** 256: 32 bytes
        assert password["special"] is False


def test_fr15_application_reads_what_the_store_wrote(deps: Stack, app: Stack) -> None:
    secrets = deps.template("retained_store")["Resources"]["Secrets"]["Properties"]
    written = json.loads(secrets["SecretString"]["Fn::Sub"])
    read = {
        re.search(r"application_secrets\)\.(\w+)", item["value"])[1]  # type: ignore[index]
        for item in app.resource("helm_release", "langfuse")["set_wo"]
        if "application_secrets" in item["value"]
    }
    assert read == set(written)


def test_nfr01_each_secret_is_the_one_it_is_called(app: Stack) -> None:
    assert app.json["locals"]["application_secrets"] == (
        "${try(data.aws_secretsmanager_secret_version.application_secrets[0].secret_string, "
        "local.empty_application_secrets)}"
    )
    store = "jsondecode(local.application_secrets)"
    values = {
        item["name"].rpartition(".")[2]: item["value"]
        for item in app.resource("helm_release", "langfuse")["set_wo"]
        if ".data." in item["name"]
    }
    assert values == {
        key: f"${{base64encode({source})}}"
        for key, source in {
            "salt": f"{store}.salt",
            "encryption-key": f"{store}.encryption_key",
            "nextauth-secret": f"{store}.nextauth_secret",
            "postgres-password": "local.deps_database_password",
            "clickhouse-password": "random_password.clickhouse_password.result",
            "redis-password": "random_password.redis_password.result",
            "admin-password": "var.langfuse_admin_password",
        }.items()
    }


def test_nfr01_values_hold_no_secret(app: Stack) -> None:
    assert chart_values(app)["extraManifests"]["secret"] == {
        "apiVersion": "v1",
        "metadata": {"name": "langfuse-secrets"},
        "type": "Opaque",
    }
    for token in ("random_password", "database_password", "application_secrets}", "var."):
        assert token not in app.json["locals"]["langfuse_values"]


def test_nfr08_no_load_balancer(values: dict[str, Any]) -> None:
    assert "LoadBalancer" not in json.dumps(values)
    assert "ingress" not in values["langfuse"]


def test_forwards_the_port_of_the_address(synthesize_stack: SynthesizeStack) -> None:
    app = synthesize_stack("app", LANGFUSE_URL="http://localhost:8080")
    forward = "uv run kubectl port-forward svc/langfuse-web -n langfuse 8080:3000"
    assert app.outputs["how_to_forward_the_port"]["value"] == forward


def test_names_are_no_templates(synthesize_stack: SynthesizeStack) -> None:
    values = chart_values(synthesize_stack("app", LANGFUSE_ORG_NAME="'100 %{of} it'"))
    environment = values["langfuse"]["web"]["pod"]["additionalEnv"]
    (name,) = [each["value"] for each in environment if each["name"] == "LANGFUSE_INIT_ORG_NAME"]
    assert name == "100 %%{of} it"
