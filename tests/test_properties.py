"""What the synthesized JSON must say, by the number of the requirement that it shows."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import versions
from constructs_lib.public_vpc import public_subnets
from in_cluster.names import SecretKey
from tests.helpers.chart_values import chart_values
from tests.helpers.expression import evaluate
from tests.helpers.stack import Stack
from tests.helpers.synthesis import SynthesizeStack

VPC = "terraform-aws-modules/vpc/aws"
EKS = "terraform-aws-modules/eks/aws"
RDS = "terraform-aws-modules/rds/aws"
IRSA = "terraform-aws-modules/iam/aws//modules/iam-role-for-service-accounts"
FIREWALL = "terraform-aws-modules/security-group/aws"
ENDPOINTS = "terraform-aws-modules/vpc/aws//modules/vpc-endpoints"


def node_group(network: Stack) -> dict[str, Any]:
    (group,) = network.module(EKS)["eks_managed_node_groups"].values()
    assert isinstance(group, dict)
    return group


def store(deps: Stack) -> dict[str, Any]:
    """Return the CloudFormation stack of what is retained."""
    return deps.resource("aws_cloudformation_stack", "retained_store")


def node_template(network: Stack) -> dict[str, Any]:
    return network.resource("aws_launch_template", "nodes")


def retained(deps: Stack) -> dict[str, Any]:
    """Return the CloudFormation template, as CloudFormation reads it."""
    template: dict[str, Any] = json.loads(store(deps)["template_body"].replace("$${", "${"))
    return template


# --- Network


def test_fr01_two_public_subnets_in_two_zones(network: Stack) -> None:
    vpc = network.module(VPC)
    assert vpc["cidr"] == "10.0.0.0/16"
    assert vpc["public_subnets"] == ["10.0.0.0/20", "10.0.16.0/20"]
    assert vpc["map_public_ip_on_launch"] is True
    assert re.fullmatch(
        r"\$\{slice\(data\.aws_availability_zones\.\w+\.names, 0, 2\)\}", vpc["azs"]
    )


def test_fr01_vpc_is_another(every_variable: dict[str, Stack]) -> None:
    vpc = every_variable["network"].module(VPC)
    assert vpc["cidr"] == "10.20.0.0/20"
    assert vpc["public_subnets"] == ["10.20.0.0/21", "10.20.8.0/21"]


def test_fr01_zones_without_eks_are_left_out(network: Stack) -> None:
    zones = network.data("aws_availability_zones")
    assert "use1-az3" in zones["exclude_zone_ids"]
    assert zones["filter"] == [{"name": "opt-in-status", "values": ["opt-in-not-required"]}]


@pytest.mark.parametrize(
    ("cidr", "subnets"),
    [
        ("10.0.0.0/23", ["10.0.0.0/24", "10.0.1.0/24"]),
        ("10.0.0.0/20", ["10.0.0.0/21", "10.0.8.0/21"]),
        ("172.16.0.0/17", ["172.16.0.0/20", "172.16.16.0/20"]),
    ],
)
def test_fr01_subnets_fit_the_vpc(cidr: str, subnets: list[str]) -> None:
    assert public_subnets(cidr) == subnets


def test_fr01_vpc_defaults_are_left_alone(network: Stack) -> None:
    vpc = network.module(VPC)
    for thing in ("security_group", "network_acl", "route_table"):
        assert vpc[f"manage_default_{thing}"] is False


def test_fr02_two_t3_medium_nodes_in_the_public_subnets(network: Stack) -> None:
    cluster, group = network.module(EKS), node_group(network)
    subnets = f"${{{network.module_address(VPC)}.public_subnets}}"
    assert cluster["kubernetes_version"] == "1.36"
    assert cluster["subnet_ids"] == subnets
    assert group["subnet_ids"] == subnets
    # The provider drops credit_specification from a template without a type.
    assert node_template(network)["instance_type"] == "t3.medium"
    assert "instance_types" not in group
    assert group["create_launch_template"] is False
    assert group["launch_template_id"] == "${aws_launch_template.nodes.id}"
    assert group["launch_template_version"] == "${aws_launch_template.nodes.latest_version}"
    assert {group["min_size"], group["max_size"], group["desired_size"]} == {2}
    assert group["ami_type"] == "AL2023_x86_64_STANDARD"
    assert group["capacity_type"] == "ON_DEMAND"
    assert group["use_latest_ami_release_version"] is False


def test_fr02_node_disks_are_encrypted_gp3(network: Stack) -> None:
    (disk,) = node_template(network)["block_device_mappings"]
    assert disk["device_name"] == "/dev/xvda"
    assert disk["ebs"] == {
        "volume_size": 20,
        "volume_type": "gp3",
        "encrypted": "true",
        "delete_on_termination": "true",
    }
    assert not {"disk_size", "block_device_mappings"} & set(node_group(network))


def test_fr02_pods_cannot_take_the_role_of_their_node(network: Stack) -> None:
    assert node_template(network)["metadata_options"] == {
        "http_endpoint": "enabled",
        "http_tokens": "required",
        "http_put_response_hop_limit": 1,
    }


def test_fr02_nodes_are_in_their_security_group(network: Stack) -> None:
    """A template without groups would put them into the cluster's own only."""
    assert node_template(network)["vpc_security_group_ids"] == [
        f"${{{network.module_address(EKS)}.node_security_group_id}}"
    ]


def test_fr02_what_ec2_makes_of_the_template_is_tagged(every_variable: dict[str, Stack]) -> None:
    """The provider's default tags stop at the template itself."""
    template = node_template(every_variable["network"])
    tags = {"Project": "team-a1", "ManagedBy": "terraform", "Name": "team-a1-node"}
    assert {each["resource_type"]: each["tags"] for each in template["tag_specifications"]} == {
        "instance": tags,
        "volume": tags,
        "network-interface": tags,
    }
    assert template["name_prefix"] == "team-a1-nodes-"


def test_fr02_new_template_is_there_before_the_old_one_goes(network: Stack) -> None:
    template = node_template(network)
    assert template["lifecycle"] == {"create_before_destroy": True}
    assert template["update_default_version"] is True


def test_fr02_node_settings_arrive(every_variable: dict[str, Stack]) -> None:
    network = every_variable["network"]
    group = node_group(network)
    assert network.module(EKS)["kubernetes_version"] == "1.35"
    assert {group["min_size"], group["max_size"], group["desired_size"]} == {3}
    template = node_template(network)
    assert template["instance_type"] == "m6i.large"
    assert group["capacity_type"] == "SPOT"
    assert template["block_device_mappings"][0]["ebs"]["volume_size"] == 30


def test_fr02_another_node_count_is_another_group(
    synthesize_stack: SynthesizeStack, network: Stack
) -> None:
    """The module ignores later changes of the desired size."""
    three = node_group(synthesize_stack("network", NODE_COUNT="3"))
    assert three["name"] != node_group(network)["name"]


def test_fr02_a_single_node_stays_in_its_zone(one_node: dict[str, Stack]) -> None:
    (subnet,) = node_group(one_node["network"])["subnet_ids"]
    assert re.fullmatch(r"\$\{element\(.*public_subnets, 0\)\}", subnet)


def test_fr02_addons(network: Stack) -> None:
    addons = network.module(EKS)["addons"]
    assert set(addons) == {"vpc-cni", "kube-proxy", "coredns", "aws-ebs-csi-driver"}
    # It frees the network interfaces of the nodes, and so must outlive them.
    assert [name for name, addon in addons.items() if addon["preserve"]] == ["vpc-cni"]
    assert [name for name, addon in addons.items() if addon.get("before_compute")] == ["vpc-cni"]


def test_fr02_volumes_can_be_made(network: Stack) -> None:
    role = network.module(IRSA)
    driver = network.module(EKS)["addons"]["aws-ebs-csi-driver"]
    assert driver["service_account_role_arn"] == f"${{{network.module_address(IRSA)}.arn}}"
    assert role["oidc_providers"]["cluster"]["namespace_service_accounts"] == [
        "kube-system:ebs-csi-controller-sa"
    ]
    (policy,) = role["policies"].values()
    assert policy.endswith(":iam::aws:policy/AmazonEBSCSIDriverPolicyV2")


def test_fr03_oidc_provider(network: Stack) -> None:
    cluster = network.module(EKS)
    assert cluster["enable_irsa"] is True
    assert cluster["include_oidc_root_ca_thumbprint"] is False
    assert network.outputs["oidc_provider_arn"]["value"] == (
        f"${{{network.module_address(EKS)}.oidc_provider_arn}}"
    )


def test_fr04_nfr05_public_endpoint(network: Stack, every_variable: dict[str, Stack]) -> None:
    cluster = network.module(EKS)
    assert cluster["endpoint_public_access"] is True
    assert cluster["endpoint_public_access_cidrs"] == ["0.0.0.0/0"]
    assert cluster["enable_cluster_creator_admin_permissions"] is True
    assert every_variable["network"].module(EKS)["endpoint_public_access_cidrs"] == [
        "203.0.113.7/32",
        "198.51.100.0/24",
    ]


@pytest.mark.parametrize(
    ("running", "refused"),
    [
        ("1.9", "EKS goes one minor version at a time; set it to the one after that in .env."),
        ("1.33", "EKS goes one minor version at a time; set it to the one after that in .env."),
        ("1.34", None),
        ("1.35", None),
        ("1.36", "EKS cannot go back; set it to that version or the one after it in .env."),
    ],
)
def test_kubernetes_goes_one_minor_version_up(
    every_variable: dict[str, Stack], running: str, refused: str | None
) -> None:
    network = every_variable["network"]
    assert network.module(EKS)["kubernetes_version"] == "1.35"
    cluster = {"version": running}
    messages = [
        evaluate(network, each["error_message"], self_=cluster)
        for each in network.data("aws_eks_cluster")["lifecycle"]["postcondition"]
        if not evaluate(network, each["condition"], self_=cluster)
    ]
    told = f"KUBERNETES_VERSION: is 1.35, and the cluster runs {running}. {refused}"
    assert messages == ([told] if refused else [])


@pytest.mark.parametrize("stack", ["network", "app"])
def test_cluster_is_looked_up_where_there_is_one(
    every_variable: dict[str, Stack], stack: str
) -> None:
    """Before a first deploy and after a destroy, the look-up would fail."""
    found = every_variable[stack]
    cluster = found.data("aws_eks_cluster", "existing_cluster")
    assert cluster["name"] == "team-a1"
    for names, count in (([], 0), (["team-a1-2"], 0), (["another", "team-a1"], 1)):
        listed = {"names": names}
        answers = {"login_existing_clusters": listed, "cluster_existing_clusters": listed}
        assert evaluate(found, cluster["count"], answers) == count


# --- Data


def test_fr05_postgres_in_the_same_vpc(deps: Stack) -> None:
    database = deps.module(RDS)
    assert database["engine"] == "postgres"
    assert database["engine_version"] == "16"
    assert database["instance_class"] == "db.t4g.micro"
    assert (database["allocated_storage"], database["storage_type"]) == (20, "gp3")
    assert database["storage_encrypted"] is True
    assert database["create_db_subnet_group"] is True
    assert database["subnet_ids"] == "${local.network_database_subnet_ids}"
    assert database["manage_master_user_password"] is False
    assert "parameters" not in database


def test_fr06_nfr03_firewall(deps: Stack) -> None:
    firewall = deps.module(FIREWALL)
    assert deps.module(RDS)["publicly_accessible"] is True
    assert deps.module(RDS)["vpc_security_group_ids"] == [
        f"${{{deps.module_address(FIREWALL)}.security_group_id}}"
    ]
    (nodes,) = firewall["ingress_with_source_security_group_id"]
    (world,) = firewall["ingress_with_cidr_blocks"]
    assert nodes["rule"] == world["rule"] == "postgresql-tcp"
    assert nodes["source_security_group_id"] == "${local.network_node_security_group_id}"
    assert firewall["vpc_id"] == "${local.network_vpc_id}"
    assert world["cidr_blocks"] == "0.0.0.0/0"


def test_fr06_firewall_can_be_narrowed(
    every_variable: dict[str, Stack], one_node: dict[str, Stack]
) -> None:
    (rule,) = every_variable["deps"].module(FIREWALL)["ingress_with_cidr_blocks"]
    assert rule["cidr_blocks"] == "203.0.113.7/32,198.51.100.0/24"
    firewall = one_node["deps"].module(FIREWALL)
    assert "ingress_with_cidr_blocks" not in firewall
    assert firewall["ingress_with_source_security_group_id"]


def test_fr07_bucket(deps: Stack) -> None:
    properties = retained(deps)["Resources"]["Bucket"]["Properties"]
    assert re.fullmatch(
        r"langfuse-\$\{data\.aws_caller_identity\.\w+\.account_id\}-us-east-1",
        properties["BucketName"],
    )
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert properties["BucketEncryption"]
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    # They would reach new buckets only.
    assert not {"CorsConfiguration", "LifecycleConfiguration"} & set(properties)
    (statement,) = retained(deps)["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"][
        "Statement"
    ]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_fr08_nfr04_role_reaches_this_bucket_and_nothing_else(deps: Stack) -> None:
    role = deps.module(IRSA)
    bucket = retained(deps)["Resources"]["Bucket"]["Properties"]["BucketName"]
    assert "policies" not in role
    permissions = {
        resource.split(":s3:::")[1]: set(permission["actions"])
        for permission in role["permissions"].values()
        for resource in permission["resources"]
    }
    assert permissions == {
        bucket: {"s3:ListBucket", "s3:GetBucketLocation"},
        f"{bucket}/*": {
            "s3:GetObject",
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:AbortMultipartUpload",
        },
    }


def test_fr08_role_trusts_langfuse_s_service_account(deps: Stack, values: dict[str, Any]) -> None:
    provider = deps.module(IRSA)["oidc_providers"]["cluster"]
    account = values["langfuse"]["serviceAccount"]
    assert provider["namespace_service_accounts"] == ["langfuse:langfuse"]
    assert account["name"] == "langfuse"
    assert provider["provider_arn"] == "${local.network_oidc_provider_arn}"
    assert account["annotations"]["eks.amazonaws.com/role-arn"] == (
        "${local.deps_workload_role_arn}"
    )


def test_fr09_bucket_and_secrets_are_retained(deps: Stack) -> None:
    resources = retained(deps)["Resources"]
    for name in ("Bucket", "BucketPolicy", "Secrets"):
        assert resources[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert resources[name]["UpdateReplacePolicy"] == "Retain"
        assert resources[name]["Condition"] == "Create"
    kinds = {kind for kind in deps.json["resource"] if "s3" in kind or "secret" in kind}
    assert kinds == {"aws_s3_bucket_cors_configuration", "aws_s3_bucket_lifecycle_configuration"}


def test_fr09_store_is_created_once(deps: Stack) -> None:
    """When, test_remains.py plays through."""
    stack = store(deps)
    assert stack["lifecycle"]["ignore_changes"] == ["parameters", "template_body", "on_failure"]
    assert stack["on_failure"] == "DELETE"
    assert retained(deps)["Conditions"] == {"Create": {"Fn::Equals": [{"Ref": "Create"}, "true"]}}


def test_fr09_store_is_never_updated(deps: Stack) -> None:
    """An update would write "****" into the secret, which is how NoEcho parameters are read."""
    (statement,) = json.loads(store(deps)["policy_body"])["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "Update:*")
    assert (statement["Principal"], statement["Resource"]) == ("*", "*")


def test_fr09_store_comes_before_all_else(variants: dict[str, dict[str, Stack]]) -> None:
    """A name that is taken is seen by CloudFormation alone: nothing else must be made then."""
    for stacks in variants.values():
        deps = stacks["deps"]
        assert retained(deps)["Resources"]["Secrets"]["DependsOn"] == ["BucketPolicy"]
        assert "depends_on" not in store(deps)
        assert not re.search(r"\b(module|terraform_data)\.", json.dumps(store(deps)))
        waiting = [*deps.modules.values(), *deps.resources("terraform_data")]
        assert len(waiting) >= 5
        for each in waiting:
            assert each["depends_on"] == ["aws_cloudformation_stack.retained_store"]


BUCKET_OF_STORE = '${aws_cloudformation_stack.retained_store.outputs["BucketName"]}'


def test_fr07_browser_of_langfuse_may_upload(
    deps: Stack, public: dict[str, Stack], synthesize_stack: SynthesizeStack
) -> None:
    def origins(stack: Stack) -> list[str]:
        cors = stack.resource("aws_s3_bucket_cors_configuration")
        assert cors["bucket"] == BUCKET_OF_STORE
        (rule,) = cors["cors_rule"]
        assert set(rule["allowed_methods"]) == {"GET", "HEAD", "PUT"}
        assert rule["allowed_headers"] == ["*"]
        assert rule["expose_headers"] == ["ETag"]
        found: list[str] = rule["allowed_origins"]
        return found

    assert origins(deps) == ["http://localhost:3000"]
    assert origins(public["deps"]) == ["https://langfuse.example.com"]
    with_path = synthesize_stack("deps", LANGFUSE_URL="https://example.com:8443/langfuse/")
    assert origins(with_path) == ["https://example.com:8443"]


def test_fr07_deleted_objects_are_kept_for_a_month(deps: Stack) -> None:
    rules = deps.resource("aws_s3_bucket_lifecycle_configuration")
    assert rules["bucket"] == BUCKET_OF_STORE
    (rule,) = rules["rule"]
    assert (rule["status"], rule["filter"]) == ("Enabled", [{"prefix": ""}])
    assert rule["noncurrent_version_expiration"] == [{"noncurrent_days": 30}]
    assert rule["abort_incomplete_multipart_upload"] == [{"days_after_initiation": 7}]
    # What is current never expires; of what was deleted, the marker goes last.
    assert rule["expiration"] == [{"expired_object_delete_marker": True}]


def test_fr09_final_snapshot(deps: Stack) -> None:
    database = deps.module(RDS)
    assert database["skip_final_snapshot"] is False
    assert database["copy_tags_to_snapshot"] is True
    assert database["deletion_protection"] is False
    assert database["backup_retention_period"] == 7


def test_automated_backups_outlive_the_database(
    deps: Stack, every_variable: dict[str, Stack]
) -> None:
    assert deps.module(RDS)["delete_automated_backups"] is False
    assert every_variable["deps"].module(RDS)["backup_retention_period"] == 14


def test_psql_verifies_the_server(deps: Stack) -> None:
    # Its certificate may be of any authority in the bundle.
    assert "ca_cert_identifier" not in deps.module(RDS)
    hint = deps.outputs["how_to_query_the_database"]["value"]
    assert "sslmode=verify-full" in hint
    assert "sslrootcert=global-bundle.pem" in hint


# --- Application


def test_fr10_nfr10_pinned_chart(app: Stack) -> None:
    release = app.resource("helm_release")
    assert release["repository"] == versions.LANGFUSE_CHART_REPOSITORY
    assert (release["chart"], release["version"]) == ("langfuse", "1.5.41")
    assert (release["name"], release["namespace"]) == ("langfuse", "langfuse")
    assert release["create_namespace"] is True
    assert release["wait"] is True
    assert release["timeout"] >= 1200


def test_fr10_a_cut_off_deploy_can_be_run_again(app: Stack) -> None:
    assert app.resource("helm_release")["upgrade_install"] is True


def test_fr10_chart_from_a_folder(one_node: dict[str, Stack]) -> None:
    release = one_node["app"].resource("helm_release", "langfuse")
    assert release["chart"].endswith("/tests/data")
    assert "repository" not in release
    assert "version" not in release


def test_fr10_helm_logs_in_by_itself(app: Stack) -> None:
    (provider,) = app.json["provider"]["helm"]
    login = provider["kubernetes"]["exec"]
    assert login["command"] == "aws"
    assert login["args"][:2] == ["eks", "get-token"]
    assert login["args"][-2:] == ["--cluster-name", "${local.cluster_name}"]
    assert "token" not in provider["kubernetes"]


def shown_by_eks(host: str, authority: str) -> dict[str, Any]:
    """Return a cluster as EKS shows it."""
    data = base64.b64encode(authority.encode()).decode()
    return {"endpoint": host, "certificate_authority": [{"data": data}]}


def outputs_of_network(name: str, host: str, authority: str) -> dict[str, Any]:
    """Return the outputs of network."""
    data = base64.b64encode(authority.encode()).decode()
    outputs = {"name": name, "endpoint": host, "certificate_authority_data": data}
    return {"nonsensitive_values": {f"cluster_{key}": value for key, value in outputs.items()}}


@pytest.mark.parametrize(
    ("outputs", "clusters", "login"),
    [
        pytest.param(
            [outputs_of_network("n", "https://out", "PEM")],
            [shown_by_eks("https://eks", "another")],
            ("https://out", "PEM", "n"),
            id="published",
        ),
        pytest.param(
            [{"nonsensitive_values": {}}],
            [shown_by_eks("https://eks", "PEM")],
            ("https://eks", "PEM", "langfuse"),
            id="outputs are gone",
        ),
        pytest.param(
            [],
            [shown_by_eks("https://eks", "PEM")],
            ("https://eks", "PEM", "langfuse"),
            id="no workspace",
        ),
        pytest.param(
            [], [], ("network-is-not-deployed.invalid", "", "langfuse"), id="nor a cluster"
        ),
    ],
)
def test_fr18_helm_finds_the_cluster_without_the_outputs_of_network(
    app: Stack,
    outputs: list[dict[str, Any]],
    clusters: list[dict[str, Any]],
    login: tuple[str, str, str],
) -> None:
    (provider,) = app.json["provider"]["helm"]
    kubernetes = provider["kubernetes"]
    answers = {"network": outputs, "existing_cluster": clusters}
    host, authority, name = (
        evaluate(app, text, answers)
        for text in (
            kubernetes["host"],
            kubernetes["cluster_ca_certificate"],
            kubernetes["exec"]["args"][-1],
        )
    )
    assert (host, authority, name) == login


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


def test_fr13_bundled_clickhouse_and_redis(values: dict[str, Any]) -> None:
    clickhouse, redis = values["clickhouse"], values["redis"]
    assert clickhouse["deploy"] is True
    assert (clickhouse["replicaCount"], clickhouse["clusterEnabled"]) == (1, False)
    assert clickhouse["zookeeper"] == {"enabled": False}
    assert redis["deploy"] is True
    assert redis["architecture"] == "standalone"
    assert redis["primary"]["extraFlags"][-1] == "--maxmemory-policy noeviction"


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


def test_fr15_nfr02_generated_secrets(deps: Stack, app: Stack) -> None:
    assert {secret["length"] for secret in deps.resources("random_bytes")} == {32}
    assert len(deps.resources("random_bytes")) == 3
    for password in (*deps.resources("random_password"), *app.resources("random_password")):
        assert password["length"] >= 43  # 62 ** 43 > 2 ** 256: 32 bytes
        assert password["special"] is False


def test_fr15_encryption_key_is_64_hex_characters(deps: Stack) -> None:
    parameters = store(deps)["parameters"]
    assert re.fullmatch(r"\$\{random_bytes\.\w+\.hex\}", parameters["EncryptionKey"])


def test_fr15_application_reads_what_the_store_wrote(deps: Stack, app: Stack) -> None:
    written = json.loads(
        retained(deps)["Resources"]["Secrets"]["Properties"]["SecretString"]["Fn::Sub"]
    )
    assert written == {
        "salt": "${Salt}",
        "encryption_key": "${EncryptionKey}",
        "nextauth_secret": "${NextauthSecret}",
    }
    read = {
        re.search(r"application_secrets\)\.(\w+)", item["value"])[1]  # type: ignore[index]
        for item in app.resource("helm_release")["set_wo"]
        if "application_secrets" in item["value"]
    }
    assert read == set(written)


KEYS_OF_STORE = ("salt", "encryption_key", "nextauth_secret")


def test_fr15_missing_secret_stops_a_deploy_and_no_destroy(app: Stack) -> None:
    """A destroy ignores the condition, and evaluates all that is made of the value."""
    listed = app.data("aws_secretsmanager_secrets", "application_secrets_existing")
    version = app.data("aws_secretsmanager_secret_version", "application_secrets")
    name = "langfuse-application-secrets"
    outputs = [{"nonsensitive_values": {"application_secrets_name": name}}]
    (by_name,) = listed["filter"]
    assert by_name["name"] == "name"
    for text in (*by_name["values"], version["secret_id"]):
        assert evaluate(app, text, {"deps": outputs}) == name
    (condition,) = listed["lifecycle"]["postcondition"]
    assert f"The secret {name} is missing" in condition["error_message"]
    for names, is_there in (([f"{name}-2", name], True), ([f"{name}-2"], False)):
        found = {"names": names}
        answers = {
            "deps": outputs,
            "application_secrets_existing": found,
            "application_secrets": [{"secret_string": "{}"}] * is_there,
        }
        assert evaluate(app, condition["condition"], answers, found) is is_there
        assert evaluate(app, version["count"], answers) == int(is_there)
        secrets = evaluate(app, "${local.application_secrets}", answers)
        assert json.loads(secrets) == ({} if is_there else dict.fromkeys(KEYS_OF_STORE, ""))


# --- Between the stacks


def test_fr16_fr17_outputs_are_read_with_a_postcondition_each(stacks: dict[str, Stack]) -> None:
    for reader, upstream in (("deps", "network"), ("app", "network"), ("app", "deps")):
        source = stacks[reader].data("tfe_outputs", upstream)
        assert source["organization"] == "acme"
        assert source["workspace"] == f"langfuse-{upstream}"
        workspace = stacks[reader].data("tfe_workspace_ids", f"{upstream}_workspace")
        assert workspace["names"] == [source["workspace"]]
        (exists,) = workspace["lifecycle"]["postcondition"]
        assert exists["condition"] == f'${{contains(keys(self.ids), "langfuse-{upstream}")}}'
        assert exists["error_message"] == (
            f"There is no workspace langfuse-{upstream}. Run cdktf deploy {upstream} first."
        )
        ids = f"data.tfe_workspace_ids.{upstream}_workspace.ids"
        assert source["count"] == f'${{contains(keys({ids}), "langfuse-{upstream}") ? 1 : 0}}'
        conditions = source["lifecycle"]["postcondition"]
        checked = [
            re.fullmatch(  # type: ignore[index]
                r"\$\{try\(length\(self\.(?:nonsensitive_)?values\.(\w+)\) > 0, false\)\}",
                each["condition"],
            )[1]
            for each in conditions
        ]
        assert sorted(checked) == sorted(stacks[upstream].published)
        for name, each in zip(checked, conditions, strict=True):
            message = each["error_message"]
            assert f"Workspace langfuse-{upstream} publishes no {name}." in message
            assert f"cdktf deploy {upstream}" in message


def test_fr18_nfr12_each_stack_has_its_workspace(stacks: dict[str, Stack]) -> None:
    for name, stack in stacks.items():
        assert stack.json["terraform"]["backend"] == {
            "remote": {
                "hostname": "app.terraform.io",
                "organization": "acme",
                "workspaces": {"name": f"langfuse-{name}"},
            }
        }


def test_fr18_nfr11_installations_share_nothing(every_variable: dict[str, Stack]) -> None:
    """Another NAME changes every name that AWS or Terraform Cloud holds to be unique."""
    for stack in every_variable.values():
        kept = r"langfuse-(?:\d|network|deps|app|workspaces|us-)[\w/.-]*"
        assert re.findall(kept, stack.text) == []
    network, deps = every_variable["network"], every_variable["deps"]
    assert network.module(EKS)["name"] == "team-a1"
    assert network.module(VPC)["name"] == "team-a1"
    assert node_group(network)["iam_role_name"] == "team-a1-nodes"
    assert network.module(IRSA)["name"] == "team-a1-ebs-csi"
    assert deps.module(RDS)["identifier"] == "team-a1"
    assert deps.module(FIREWALL)["name"] == "team-a1-postgres"
    assert {call["name"] for call in deps.modules.values() if call["source"] == IRSA} == {
        "team-a1-langfuse",
        "team-a1-traefik",
        "team-a1-external-dns",
    }
    assert store(deps)["name"] == "team-a1-retained"
    mark = deps.resource("aws_cloudformation_stack", "database_mark")
    assert mark["name"] == "team-a1-retained-mark"
    assert '"/team-a1/retained/database"' in mark["template_body"]
    resources = retained(deps)["Resources"]
    assert resources["Bucket"]["Properties"]["BucketName"].startswith("team-a1-")
    assert resources["Secrets"]["Properties"]["Name"] == "team-a1-application-secrets"


def test_fr26_no_credentials_in_providers(stacks: dict[str, Stack]) -> None:
    for stack in stacks.values():
        for provider in ("aws", "tfe"):
            for block in stack.json["provider"].get(provider, []):
                assert not {"access_key", "secret_key", "token", "profile"} & set(block)
        (aws,) = stack.json["provider"]["aws"]
        assert aws["region"] == "us-east-1"
        assert aws["default_tags"][0]["tags"]["Project"] == "langfuse"


def test_fr28_database_comes_from_its_latched_snapshot(deps: Stack) -> None:
    assert deps.module(RDS)["snapshot_identifier"] == (
        "${terraform_data.restore_from.output.snapshot_identifier}"
    )
    latch = deps.resource("terraform_data", "restore_from")
    assert latch["lifecycle"]["ignore_changes"] == ["input"]
    assert latch["input"]["snapshot_identifier"] == (
        "${one(data.aws_db_snapshot.newest_final_snapshot[*].id)}"
    )
    snapshot = deps.data("aws_db_snapshot")
    assert snapshot["most_recent"] is True
    assert snapshot["snapshot_type"] == "manual"
    assert snapshot["db_instance_identifier"] == deps.module(RDS)["identifier"]


# --- Security and cost


@pytest.mark.parametrize(
    ("stack", "stands_on"),
    [("network", "module.vpc.public_subnets"), ("deps", "security_group_id")],
)
def test_state_is_stored_while_something_slow_is_made(
    stacks: dict[str, Stack], stack: str, stands_on: str
) -> None:
    pause = stacks[stack].resource("terraform_data", "checkpoint")
    (provisioner,) = pause["provisioner"]
    seconds = int(provisioner["local-exec"]["command"].removeprefix("sleep "))
    # Terraform's interval, which is counted from the first resource that is done.
    assert seconds > 20
    assert stands_on in str(pause["triggers_replace"])
    assert "terraform_data.checkpoint" not in stacks[stack].text  # Nothing waits for it.


def test_nfr01_no_secret_is_synthesized(stacks: dict[str, Stack]) -> None:
    for stack in stacks.values():
        assert "do-not-print" not in stack.text


def test_nfr01_secrets_go_into_the_secret_and_nowhere_else(app: Stack) -> None:
    release = app.resource("helm_release")
    assert not {"set", "set_list", "set_sensitive"} & set(release)
    written = {item["name"]: item for item in release["set_wo"]}
    kind = written.pop("extraManifests.secret.kind")
    assert set(written) == {f"extraManifests.secret.data.{key}" for key in SecretKey}
    for item in written.values():
        assert item["value"].startswith("${base64encode(")
        assert item["type"] == "string"
    # Without the write-only values Helm refuses what has no kind, instead of emptying the Secret.
    assert kind["value"] == "Secret"
    secret = chart_values(app)["extraManifests"]["secret"]
    assert secret == {
        "apiVersion": "v1",
        "metadata": {"name": "langfuse-secrets"},
        "type": "Opaque",
    }
    for token in ("random_password", "database_password", "application_secrets}", "var."):
        assert token not in app.json["locals"]["langfuse_values"]


def test_nfr01_secrets_are_sent_with_every_update(app: Stack) -> None:
    """The provider sends them only with a larger revision: anything of the release changes it."""
    release = app.resource("helm_release")
    assert release["set_wo_revision"] == "${terraform_data.secrets_revision.output}"
    revision = app.resource("terraform_data", "secrets_revision")
    assert revision["lifecycle"]["ignore_changes"] == ["input"]
    assert "plantimestamp()" in revision["input"]
    follows = revision["triggers_replace"]["release"]
    for each in release["set_wo"][1:]:
        source = each["value"].removeprefix("${base64encode(").removesuffix(")}")
        assert source in follows
    assert release["values"] == ["${local.langfuse_values}"]
    for part in ("local.langfuse_values", release["repository"], release["version"]):
        assert part in follows
    assert follows.startswith("${nonsensitive(sha256(")


def test_nfr01_each_secret_is_the_one_it_is_called(app: Stack) -> None:
    assert app.json["locals"]["application_secrets"] == (
        "${try(data.aws_secretsmanager_secret_version.application_secrets[0].secret_string, "
        "local.empty_application_secrets)}"
    )
    store = "jsondecode(local.application_secrets)"
    values = {
        item["name"].rpartition(".")[2]: item["value"]
        for item in app.resource("helm_release")["set_wo"]
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


SECRETS = r"random_|secret_string|local\.(application_secrets|deps_database_password)\b"


def test_nfr01_secret_outputs_are_sensitive(stacks: dict[str, Stack]) -> None:
    for stack in stacks.values():
        for output in stack.outputs.values():
            is_secret = bool(re.search(SECRETS, str(output["value"])))
            assert output["sensitive"] is is_secret


def test_nfr01_cloudformation_does_not_echo_secrets(deps: Stack) -> None:
    for name, parameter in retained(deps)["Parameters"].items():
        assert parameter.get("NoEcho", False) is (name != "Create")


def test_nfr01_admin_password_is_a_validated_variable(app: Stack) -> None:
    variable = app.json["variable"]["langfuse_admin_password"]
    assert variable["sensitive"] is True
    assert "default" not in variable
    conditions = [each["condition"] for each in variable["validation"]]
    assert conditions == [
        "${length(var.langfuse_admin_password) >= 8}",
        '${var.langfuse_admin_password != "change-me"}',
    ]
    for each in variable["validation"]:
        assert each["error_message"].startswith("LANGFUSE_ADMIN_PASSWORD: ")


def test_nfr06_nothing_billable_beyond_the_design(network: Stack) -> None:
    cluster = network.module(EKS)
    assert cluster["upgrade_policy"] == {"support_type": "STANDARD"}
    assert cluster["create_kms_key"] is False
    assert cluster["encryption_config"] is None
    assert cluster["enabled_log_types"] == []
    assert cluster["create_cloudwatch_log_group"] is False
    assert node_template(network)["credit_specification"] == {"cpu_credits": "standard"}


@pytest.mark.parametrize(
    ("instance_type", "specification"),
    [("t2.large", {"cpu_credits": "standard"}), ("m6i.large", None), ("trn1.2xlarge", None)],
)
def test_nfr06_t_types_alone_have_cpu_credits(
    synthesize_stack: SynthesizeStack, instance_type: str, specification: dict[str, str] | None
) -> None:
    """EC2 refuses the specification for other types."""
    template = node_template(synthesize_stack("network", NODE_INSTANCE_TYPE=instance_type))
    assert template["instance_type"] == instance_type
    assert template.get("credit_specification") == specification


def test_nfr07_no_nat_gateway_and_free_s3(network: Stack) -> None:
    assert network.module(VPC)["enable_nat_gateway"] is False
    endpoint = network.module(ENDPOINTS)["endpoints"]["s3"]
    assert (endpoint["service"], endpoint["service_type"]) == ("s3", "Gateway")
    assert endpoint["route_table_ids"] == (
        f"${{{network.module_address(VPC)}.public_route_table_ids}}"
    )


def test_nfr08_no_load_balancer(values: dict[str, Any]) -> None:
    assert "LoadBalancer" not in json.dumps(values)
    assert "ingress" not in values["langfuse"]


def test_nfr09_nfr10_community_modules_at_exact_versions(stacks: dict[str, Stack]) -> None:
    for stack in stacks.values():
        for call in stack.modules.values():
            assert call["source"].startswith("terraform-aws-modules/")
            assert re.fullmatch(r"\d+\.\d+\.\d+", call["version"])


def test_providers_are_exactly_those_of_the_bindings(stacks: dict[str, Stack]) -> None:
    pinned = {
        name: provider["version"]
        for stack in stacks.values()
        for name, provider in stack.json["terraform"]["required_providers"].items()
    }
    assert pinned == {
        "aws": "6.25.0",
        "helm": "3.1.1",
        "random": "3.7.2",
        "tfe": "0.71.0",
        **versions.PROVIDERS_OF_EKS_MODULE,
    }


def test_providers_of_the_eks_module_are_pinned_where_it_is_called(
    stacks: dict[str, Stack],
) -> None:
    for stack in stacks.values():
        required = stack.json["terraform"]["required_providers"]
        pinned = required.keys() & versions.PROVIDERS_OF_EKS_MODULE
        calls_eks = EKS in {call["source"] for call in stack.modules.values()}
        assert pinned == (set(versions.PROVIDERS_OF_EKS_MODULE) if calls_eks else set())
        assert {required[name]["source"] for name in pinned} == {
            f"hashicorp/{name}" for name in pinned
        }


def test_every_stack_refuses_a_terraform_without_write_only_arguments(
    every_variable: dict[str, Stack],
) -> None:
    assert len(every_variable) == 4
    for stack in every_variable.values():
        assert stack.json["terraform"]["required_version"] == ">= 1.11"


def test_extra_values_are_laid_over_ours(
    synthesize_stack: SynthesizeStack, values: dict[str, Any]
) -> None:
    merged = chart_values(
        synthesize_stack("app", LANGFUSE_EXTRA_VALUES="tests/data/extra_values.yaml")
    )
    web, ours = merged["langfuse"]["web"], values["langfuse"]["web"]
    assert merged["langfuse"]["logging"] == {"level": "debug"}
    assert web["resources"] == {
        "requests": ours["resources"]["requests"],
        "limits": {"memory": "3Gi"},
    }
    assert web["pod"]["additionalEnv"] == [
        *ours["pod"]["additionalEnv"],
        {"name": "LANGFUSE_LOG_LEVEL", "value": "$${not} a %%{template}"},
    ]
    ours = values["extraManifests"]
    assert {key: merged["extraManifests"][key] for key in ours} == ours
    assert merged["extraManifests"]["extra1"]["kind"] == "ConfigMap"
    assert len(merged["extraManifests"]) == len(ours) + 1


def test_items_of_the_release_can_be_changed_and_added_by_key(
    synthesize_stack: SynthesizeStack, values: dict[str, Any], tmp_path: Path
) -> None:
    """The chart's documents show a list; its template walks a map as well."""
    file, mine = tmp_path / "extra.yaml", {"apiVersion": "v1", "kind": "ConfigMap"}
    faster = {"parameters": {"iops": "4000"}}
    extra = {"extraManifests": {"storageClass": faster, "mine": mine}}
    file.write_text(yaml.safe_dump(extra), encoding="utf-8")
    merged = chart_values(synthesize_stack("app", LANGFUSE_EXTRA_VALUES=str(file)))
    ours = values["extraManifests"]
    parameters = {**ours["storageClass"]["parameters"], "iops": "4000"}
    assert merged["extraManifests"] == {
        **ours,
        "storageClass": {**ours["storageClass"], "parameters": parameters},
        "mine": mine,
    }


def test_names_are_no_templates(one_node: dict[str, Stack]) -> None:
    values = chart_values(one_node["app"])
    environment = values["langfuse"]["web"]["pod"]["additionalEnv"]
    (name,) = [each["value"] for each in environment if each["name"] == "LANGFUSE_INIT_ORG_NAME"]
    assert name == "100 %%{of} it"
