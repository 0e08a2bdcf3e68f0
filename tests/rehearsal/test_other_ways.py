"""An installation with a profile, a boundary and another Terraform Cloud; OpenTofu goes on."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.rehearsal.environment import Environment
from tests.rehearsal.stand_ins.aws import ACCOUNT
from tests.rehearsal.stand_ins.aws import KEY as OURS
from tests.rehearsal.stand_ins.terraform_cloud import EUROPE

pytestmark = pytest.mark.rehearsal

BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
KEY = "AKIAOFTHEPROFILE"
PROFILE = f"""[profile deployer]
credential_process = printf '{{"Version":1,"AccessKeyId":"{KEY}","SecretAccessKey":"not-printed"}}'
"""


def boundaries(environment: Environment) -> dict[str, str | None]:
    """Return the boundary of every role of the installation, by the beginning of its name."""
    iam = environment.aws.client("iam")
    names = [
        each["RoleName"]
        for page in iam.get_paginator("list_roles").paginate()
        for each in page["Roles"]
        if each["RoleName"].startswith("langfuse-")
    ]
    roles = {name: iam.get_role(RoleName=name)["Role"] for name in names}
    return {
        re.sub(r"-\d{14}[0-9a-f]+$", "", name): role.get("PermissionsBoundary", {}).get(
            "PermissionsBoundaryArn"
        )
        for name, role in roles.items()
    }


def comment_out(file: Path, *variables: str) -> None:
    """Comment lines of ``.env`` out."""
    text = file.read_text(encoding="utf-8")
    for variable in variables:
        text = re.sub(rf"(?m)^(?={variable}=)", "#", text)
    file.write_text(text, encoding="utf-8")


def link_providers(registry: Path, providers: Path) -> None:
    """Offer what is in a mirror of Terraform's registry as from OpenTofu's."""
    # OpenTofu follows no link above the platform.
    for platform in registry.glob("*/*/*/*"):
        link = providers / "registry.opentofu.org" / platform.relative_to(registry)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(platform)


def test_network_with_a_profile_and_a_boundary_in_europe(environment: Environment) -> None:
    """The profile signs, every role that network makes is bounded, and its state is in Europe.

    Cannot prove: a log-in at IAM Identity Center, or which policy AWS accepts as a boundary.
    """
    iam = environment.aws.client("iam")
    anything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [anything]})
    iam.create_policy(PolicyName="boundary", PolicyDocument=document)
    installation = environment.installation
    config = installation.home / ".aws" / "config"
    config.parent.mkdir()
    config.write_text(PROFILE, encoding="utf-8")
    file = installation.folder / ".env"
    comment_out(file, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "TF_TOKEN_app_terraform_io")
    installation.change_env(
        AWS_PROFILE="deployer", IAM_PERMISSIONS_BOUNDARY=BOUNDARY, TERRAFORM_CLOUD_HOST=EUROPE
    )
    with file.open("a", encoding="utf-8") as lines:
        lines.write("TF_TOKEN_app_eu_terraform_io=${TFE_TOKEN}\n")
    installation.deploy("network")
    assert set(environment.aws.signers("ec2")) == {KEY, OURS}
    assert boundaries(environment) == dict.fromkeys(
        ("langfuse-cluster", "langfuse-nodes", "langfuse-ebs-csi"), BOUNDARY
    )
    backend = installation.folder / "cdktf.out/stacks/network/.terraform/terraform.tfstate"
    assert f'"hostname": "{EUROPE}"' in backend.read_text(encoding="utf-8")
    installation.assert_nothing_to_do("network")


def test_deps_with_a_profile_and_a_boundary_in_europe(environment: Environment) -> None:
    """Deploy of deps reads network's outputs there, and bounds the roles of the pods."""
    environment.installation.deploy("deps")
    found = boundaries(environment)
    assert {"langfuse-langfuse", "langfuse-clickhouse"} < set(found)
    assert set(found.values()) == {BOUNDARY}
    assert set(environment.aws.signers("iam")) == {KEY, OURS}
    environment.installation.assert_nothing_to_do("deps")
    assert "database" in environment.installation.backups()


def test_boundary_goes_and_comes(environment: Environment) -> None:
    """Without the variable the boundaries go, with it they come back; no role is replaced."""
    installation = environment.installation
    before = [role["unique_id"] for role in environment.in_state("network", "aws_iam_role.")]
    comment_out(installation.folder / ".env", "IAM_PERMISSIONS_BOUNDARY")
    installation.deploy("network")
    cluster = ("langfuse-cluster", "langfuse-nodes", "langfuse-ebs-csi")
    found = boundaries(environment)
    assert [found[name] for name in cluster] == [None] * 3
    installation.change_env(IAM_PERMISSIONS_BOUNDARY=BOUNDARY)
    installation.deploy("network")
    assert set(boundaries(environment).values()) == {BOUNDARY}
    after = [role["unique_id"] for role in environment.in_state("network", "aws_iam_role.")]
    assert before == after
    assert len(before) == 3


def test_opentofu_goes_on(environment: Environment, mirror: Path, tmp_path: Path) -> None:
    """OpenTofu takes over what Terraform made: a change, nothing to do, and the destroy.

    Cannot prove: that registry.opentofu.org has the providers and modules.
    """
    program = shutil.which("tofu")
    if program is None:
        pytest.skip("OpenTofu is not on PATH")
    installation = environment.installation
    providers = tmp_path / "providers"
    link_providers(mirror / "providers" / "registry.terraform.io", providers)
    config = tmp_path / "tofu.rc"
    config.write_text(environment.cloud.cli_config(providers), encoding="utf-8")
    installation.stand_ins = {**installation.stand_ins, "TF_CLI_CONFIG_FILE": str(config)}
    installation.change_env(TERRAFORM_BINARY_NAME="tofu", CLUSTER_ALLOWED_CIDRS="203.0.113.7/32")
    said = installation.deploy("network")
    assert "1 changed" in said or "1 to change" in said
    said = installation.deploy("deps")
    assert "0 added, 0 changed, 0 destroyed" in said or "No changes" in said
    installation.destroy("deps")
    installation.destroy("network")
    assert environment.left_over_besides_retained() == ["iam policy boundary"]
