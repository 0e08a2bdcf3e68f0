"""NatInstance: the group, its role, and the script by which an instance becomes the way out.

The script is run on stand-ins of the programs that it calls; no address is translated.
"""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.nat_instance import SCRIPT, SCRIPT_PATH, UNIT_NAME, NatInstance, user_data
from tests.helpers.bare_stack import BareStack
from tests.helpers.modules import FIREWALL
from tests.helpers.stack import Stack

CIDRS = ["10.0.32.0/20", "10.0.48.0/20"]
# Answers of the metadata service. The second MAC address comes with the attached interface.
METADATA = {
    "placement/region": "eu-central-1",
    "instance-id": "i-1",
    "tags/instance/Interface": "eni-route",
    "mac": "06:00:00:00:00:01",
    "network/interfaces/macs/06:00:00:00:00:01/interface-id": "eni-own",
    "network/interfaces/macs/06:00:00:00:00:02/interface-id": "eni-route",
}
CURL = """\
case "$*" in
  *api/token*) printf token; exit ;;
  *"X-aws-ec2-metadata-token: token"*) ;;
  *) exit 22 ;;
esac
for argument in "$@"; do
  case "$argument" in http*) path=${argument#*/latest/meta-data/} ;; esac
done
case "$path" in
  network/interfaces/macs/)
    echo 06:00:00:00:00:01/
    [ ! -e "$STATE/attached" ] || echo 06:00:00:00:00:02/ ;;
  *) cat "$STATE/metadata/$path" ;;
esac
"""
# Refuses as long as another instance has the interface.
AWS = """\
echo "$AWS_DEFAULT_REGION: $*" >> "$STATE/calls"
case "$*" in
  *attach-network-interface*)
    read -r refusals < "$STATE/refusals"
    [ "$refusals" = 0 ] || { echo $((refusals - 1)) > "$STATE/refusals"; exit 254; }
    touch "$STATE/attached" ;;
esac
"""
RECORD = 'echo "$(basename "$0") $*" >> "$STATE/calls"'


@pytest.fixture(scope="module")
def stack(bare_stack: BareStack) -> Stack:
    return bare_stack(
        lambda scope: NatInstance(
            scope,
            "nat",
            name="langfuse-nat",
            vpc_id="vpc-1",
            subnet_id="subnet-1",
            client_cidrs=CIDRS,
            tags={"Project": "langfuse"},
            after=["module.vpc"],
        )
    )


@pytest.fixture(scope="module")
def template(stack: Stack) -> dict[str, Any]:
    return stack.resource("aws_launch_template", "nat")


def test_the_route_s_target_outlives_the_instance(stack: Stack) -> None:
    """It is no part of the template; it passes on what is not addressed to it."""
    interface = stack.resource("aws_network_interface", "nat")
    assert interface["source_dest_check"] is False
    assert interface["subnet_id"] == "subnet-1"
    assert "attachment" not in interface
    assert stack.outputs["interface_id"]["value"] == "${aws_network_interface.nat.id}"
    assert stack.outputs["address"]["value"] == "aws_autoscaling_group.nat"


def test_the_group_replaces_the_instance(stack: Stack) -> None:
    group = stack.resource("aws_autoscaling_group", "nat")
    assert {group["min_size"], group["max_size"], group["desired_capacity"]} == {1}
    assert group["max_instance_lifetime"] == 604800
    # The interface is in this zone, and leaves it for no instance.
    assert group["vpc_zone_identifier"] == ["subnet-1"]
    # Without the policy it cannot attach the interface, without internet not install nftables.
    assert group["depends_on"] == ["aws_iam_role_policy.nat", "module.vpc"]


def test_a_newer_image_is_no_difference(template: dict[str, Any]) -> None:
    assert template["image_id"] == (
        "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
    )
    assert template["instance_type"] == "t4g.nano"


def test_one_public_address_and_nobody_gets_in(stack: Stack, template: dict[str, Any]) -> None:
    (own,) = template["network_interfaces"]
    assert own["associate_public_ip_address"] == "true"
    firewall = stack.module(FIREWALL)
    (rule,) = firewall["ingress_with_cidr_blocks"]
    assert rule["cidr_blocks"] == "10.0.32.0/20,10.0.48.0/20"
    interfaces = [own, stack.resource("aws_network_interface", "nat")]
    group = [f"${{{stack.module_address(FIREWALL)}.security_group_id}}"]
    assert [each["security_groups"] for each in interfaces] == [group] * 2
    assert "key_name" not in template


def test_metadata_needs_a_token(template: dict[str, Any]) -> None:
    options = template["metadata_options"]
    assert (options["http_tokens"], options["http_put_response_hop_limit"]) == ("required", 1)
    assert options["instance_metadata_tags"] == "enabled"


def test_role_touches_its_own_interfaces_only(stack: Stack, template: dict[str, Any]) -> None:
    """They and the instance have its name as tag."""
    (statement,) = json.loads(stack.resource("aws_iam_role_policy", "nat")["policy"])["Statement"]
    assert statement["Action"] == [
        "ec2:AttachNetworkInterface",
        "ec2:ModifyNetworkInterfaceAttribute",
    ]
    assert statement["Condition"] == {"StringEquals": {"aws:ResourceTag/Name": "langfuse-nat"}}
    named = [stack.resource("aws_network_interface", "nat"), *template["tag_specifications"]]
    assert {each["tags"]["Name"] for each in named} == {"langfuse-nat"}
    kinds = {each["resource_type"] for each in template["tag_specifications"]}
    assert kinds == {"instance", "volume", "network-interface"}


def test_instance_knows_the_interface_by_a_tag(template: dict[str, Any]) -> None:
    (tags,) = [
        each["tags"]
        for each in template["tag_specifications"]
        if each["resource_type"] == "instance"
    ]
    assert tags["Interface"] == "${aws_network_interface.nat.id}"


def test_user_data_is_what_the_template_has(template: dict[str, Any]) -> None:
    assert base64.b64decode(template["user_data"]).decode() == user_data(CIDRS)
    # EC2's limit.
    assert len(user_data(CIDRS)) < 16384


def test_a_failed_script_ends_the_instance() -> None:
    """The group then replaces it; a script that hangs fails after ten minutes."""
    first, _, rest = user_data(CIDRS).partition("\n")
    assert first == "#cloud-config"
    config = json.loads(rest)
    files = {each["path"]: each for each in config["write_files"]}
    assert files[SCRIPT_PATH]["content"] == SCRIPT.read_text(encoding="utf-8")
    assert files[SCRIPT_PATH]["permissions"] == "0755"
    unit = files[f"/etc/systemd/system/{UNIT_NAME}"]["content"].splitlines()
    assert {"FailureAction=poweroff", "TimeoutStartSec=10min", f"ExecStart={SCRIPT_PATH}"} <= set(
        unit
    )
    # At the next boot too.
    assert config["runcmd"][-1] == ["systemctl", "enable", "--now", UNIT_NAME]
    assert "WantedBy=multi-user.target" in unit


def test_what_private_subnets_send_is_translated() -> None:
    config = json.loads(user_data(CIDRS).partition("\n")[2])
    (rules,) = [each for each in config["write_files"] if each["path"].endswith(".nft")]
    assert "ip saddr { 10.0.32.0/20, 10.0.48.0/20 } masquerade" in rules["content"]
    assert rules["path"] in SCRIPT.read_text(encoding="utf-8")


def run(folder: Path, *, refusals: int, attached: bool = False, refused: str = "") -> list[str]:
    """Run the script on stand-ins and return what it called, in order; ``refused`` fails."""
    state = folder / "state"
    for path, answer in METADATA.items():
        file = state / "metadata" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(answer, encoding="utf-8")
    (state / "refusals").write_text(f"{refusals}\n", encoding="utf-8")
    if attached:
        (state / "attached").touch()
    programs = folder / "bin"
    programs.mkdir()
    stand_ins = {"curl": CURL, "aws": AWS, "sleep": RECORD, "sysctl": RECORD, "nft": RECORD}
    for name, script in stand_ins.items():
        text = "exit 1" if name == refused else script
        (programs / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (programs / name).chmod(0o700)
    done = subprocess.run(  # noqa: S603 - our own
        [shutil.which("bash") or "bash", SCRIPT],
        env={"PATH": f"{programs}{os.pathsep}/usr/bin:/bin", "STATE": str(state)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == (1 if refused else 0), done.stderr
    calls = state / "calls"
    return calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []


CHECK_OFF = (
    "eu-central-1: ec2 modify-network-interface-attribute --network-interface-id eni-own "
    "--no-source-dest-check"
)
ATTACH = (
    "eu-central-1: ec2 attach-network-interface --network-interface-id eni-route "
    "--instance-id i-1 --device-index 1"
)
FORWARD = [
    "sysctl --quiet --write net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=2",
    "nft --file /etc/nat-instance.nft",
]


def test_script_attaches_and_forwards(tmp_path: Path) -> None:
    assert run(tmp_path, refusals=0) == [CHECK_OFF, ATTACH, *FORWARD]


def test_script_waits_for_the_instance_before(tmp_path: Path) -> None:
    """Which has the interface until it has ended."""
    calls = run(tmp_path, refusals=2)
    assert calls == [*[CHECK_OFF, ATTACH, "sleep 5"] * 2, CHECK_OFF, ATTACH, *FORWARD]


def test_script_attaches_nothing_at_the_next_boot(tmp_path: Path) -> None:
    assert run(tmp_path, refusals=0, attached=True) == FORWARD


def test_script_fails_where_it_cannot_forward(tmp_path: Path) -> None:
    """And so ends the instance: without rules it would pass the nodes' addresses on."""
    assert run(tmp_path, refusals=0, refused="nft") == [CHECK_OFF, ATTACH, FORWARD[0]]
