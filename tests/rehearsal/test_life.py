"""An installation, from its first deploy to its destroy; `rebuild` has what follows."""

import json
import re
from fnmatch import fnmatch

import pytest

from tests.helpers.checkout import ROOT
from tests.rehearsal.environment import BUCKET, RETAINED, Environment, wait_until
from tests.rehearsal.stand_ins.control_plane import ControlPlane

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True

# What Terraform itself reads and writes of a bucket.
RULES = ("BucketCORS", "LifecycleConfiguration")


def test_fr18_first_deploy_of_network(environment: Environment) -> None:
    """`cdktf deploy network` works with the settings of `.env`, and creates its workspace.

    Cannot prove: that AWS accepts the cluster, that nodes join it and that add-ons start in it.
    """
    said = environment.installation.deploy("network")
    assert "how_to_reach_the_cluster = uv run aws eks update-kubeconfig --name langfuse" in said
    assert environment.cloud.attributes("langfuse-network")["execution-mode"] == "remote"


def test_fr18_first_deploy_of_deps(environment: Environment) -> None:
    """`cdktf deploy deps` works, restores nothing, and makes three secrets of 32 bytes.

    Cannot prove: that IAM allows it, that the database can be reached, and CloudFormation's own
    handling of NoEcho parameters and stack policies.
    """
    environment.installation.deploy("deps")
    assert environment.cloud.attributes("langfuse-deps")["execution-mode"] == "remote"
    secrets = json.loads(environment.application_secrets())
    assert set(secrets) == {"salt", "encryption_key", "nextauth_secret"}
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in secrets.values())
    assert environment.database_in_state()["snapshot_identifier"] is None


def test_fr29_second_deploy_changes_nothing(environment: Environment) -> None:
    """A second plan of network and deps has no changes."""
    environment.installation.assert_nothing_to_do("network", "deps")


def test_check_account_knows_what_is_deployed(environment: Environment) -> None:
    """`check_account.py` takes everything that was made for this installation's own.

    Cannot prove: what AWS itself answers; permissions, the plan and quotas are not asked there.
    """
    said = environment.installation.run("python", "check_account.py", status=None)
    (names,) = re.findall(r"^names +(.*)$", said, re.MULTILINE)
    things = [
        f"bucket {BUCKET}",
        "secret langfuse-application-secrets",
        "database langfuse",
        "cluster langfuse",
        "CloudFormation stack langfuse-retained",
        "CloudFormation stack langfuse-retained-mark",
    ]
    there = f"ok   langfuse has {', '.join(things)}: the next deploy goes on with them"
    assert names == there, said
    assert re.search(r"^vpcs +ok   0 needed, ", said, re.MULTILINE), said
    assert "not-printed" not in said
    assert "Traceback" not in said


@pytest.mark.usefixtures("plane")
def test_fr10_app_comes(environment: Environment) -> None:
    """The release becomes ready with the outputs of network and deps; a second plan has no changes.

    Cannot prove: that images can be pulled, migrations run, and memory suffices.
    """
    environment.installation.deploy("app")
    environment.installation.assert_nothing_to_do("app")


@pytest.mark.usefixtures("plane")
def test_fr26_env_is_the_way_into_the_cluster(environment: Environment) -> None:
    """With the login of `.env`, the README's commands list the pods, and `verify.py` finds them.

    It reads the database's storage and the cluster's version in AWS, too. Cannot prove: its other
    checks, since nothing runs in a simulated pod.
    """
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    log_in, list_pods = re.findall(
        r"^uv run (aws eks update-kubeconfig .+|kubectl get pods .+)$", readme, re.MULTILINE
    )
    environment.installation.run(*log_in.split())
    pods = environment.installation.run(*list_pods.split())
    assert len(re.findall(r"^langfuse-\S+ +1/1 +Running ", pods, re.MULTILINE)) == 4, pods

    wanted = (
        "nodes        ok   2 Ready",
        "pods         ok   4 ready",
        "db storage   ok   5%, 1.0 GiB of 20.0 GiB",
        "kubernetes   ok   1.36 until 2027-08-02",
    )

    def finds_what_is_there() -> bool:
        said = environment.installation.run("python", "verify.py", status=1)
        return all(each in said for each in wanted)

    # Beside other parts of the rehearsal, the API may take longer to answer than verify.py waits.
    wait_until(finds_what_is_there)


def test_fr10_app_goes(environment: Environment, plane: ControlPlane) -> None:
    """Destroy of app leaves nothing in the cluster."""
    environment.installation.destroy("app")
    wait_until(lambda: plane.left_in("langfuse") == [])


def test_fr09_destroy_of_deps_keeps_what_is_in_it(environment: Environment) -> None:
    """Destroy leaves a final snapshot with the row, the bucket with its object, and the secret.

    Cannot prove: what is in a database; a tag stands for a row.
    """
    environment.put_in_a_row("1")
    environment.aws.client("s3").put_object(Bucket=BUCKET, Key="events/one.json", Body=b"{}")
    secrets = environment.application_secrets()
    final = environment.database_in_state()["final_snapshot_identifier"]
    environment.installation.destroy("deps")
    assert environment.snapshots() == [final]
    assert environment.row_in(final) == "1"
    assert environment.application_secrets() == secrets


def test_fr27_nfr08_after_destroy_of_network_nothing_else_is_left(environment: Environment) -> None:
    """An audit of every resource type that was used finds the five retained resources only."""
    environment.installation.destroy("network")
    assert environment.aws.unlisted() == []
    assert environment.left_over_besides_retained() == []
    assert len(environment.left_over()) == len(RETAINED)


def test_policy_of_the_prerequisites_suffices(environment: Environment) -> None:
    """`policies/deployer.json` allows every call that Terraform made, but for those of EKS.

    Cannot prove: what EKS, CloudFormation and RDS call on the user's behalf, on which resources.
    """
    policy = json.loads((ROOT / "policies" / "deployer.json").read_text(encoding="utf-8"))
    allowed = [action for each in policy["Statement"] for action in each["Action"]]
    needed = {action for call in environment.aws.provider_calls() for action in actions_of(call)}
    assert {"rds:CreateDBInstance", "s3:PutBucketCORS", "tag:GetResources"} <= needed
    assert [each for each in needed if not any(fnmatch(each, action) for action in allowed)] == []


def test_what_the_policy_wants_tagged_is_made_with_the_tag(environment: Environment) -> None:
    """Terraform sends the tag `Project` with each call that the policy allows only with it.

    Cannot prove: on which resources of a call AWS requires the tag.
    """
    policy = json.loads((ROOT / "policies" / "deployer.json").read_text(encoding="utf-8"))
    (tagged,) = (each for each in policy["Statement"] if each["Sid"] == "MakeTagged")
    made = set(tagged["Action"]) & set(environment.aws.provider_calls())
    assert {"ec2:CreateVpc", "ec2:CreateLaunchTemplate", "ec2:CreateSecurityGroup"} <= made
    assert made.intersection(environment.aws.untagged_calls()) == set()


@pytest.mark.parametrize("name", ["langfuse2", "langfuse"])
def test_backups_are_not_purged_by_a_wrong_name(environment: Environment, name: str) -> None:
    """`backups.py --purge` deletes nothing unless the name is right, given twice."""
    typed = {"langfuse": "langfuse2", "langfuse2": "langfuse"}[name]
    before = environment.left_over()
    said = environment.installation.backups("--purge", name, typed=typed, status=1)
    assert said.strip().endswith("nothing was deleted.")
    assert environment.left_over() == before


def test_backups_are_listed_chosen_and_purged(environment: Environment) -> None:
    """After a destroy `backups.py` lists both halves and chooses; a purge leaves nothing at all.

    Cannot prove: automated backups as RDS retains them, which moto lacks; a patch stands for them.
    """
    (snapshot,) = environment.snapshots()
    s3 = environment.aws.client("s3")
    old, new = "20261120T031500Z", "20261121T031500Z"
    for backup in (old, new):
        for file in ("langfuse", "data/all_1_1_0.bin", ".backup"):
            s3.put_object(Bucket=BUCKET, Key=f"clickhouse/{backup}/{file}", Body=b"1")
    said = environment.installation.backups()
    assert re.search(rf"{snapshot} +restored next$", said, re.MULTILINE), said
    assert re.search(rf"{new} +restored next$", said, re.MULTILINE), said
    assert " apart: " in said
    environment.installation.backups("--choose", old)
    said = environment.installation.backups()
    assert re.search(rf"{old} +restored next: chosen$", said, re.MULTILINE), said
    # A version that is not current, and a mark of a deletion.
    environment.installation.backups("--choose", "newest")
    said = environment.installation.backups("--purge", "langfuse", typed="langfuse")
    assert environment.left_over() == []
    assert said.count("deleted ") == len(RETAINED)


def actions_of(call: str) -> list[str]:
    """Return the IAM actions of a call; a request to S3 is named by its method alone."""
    if call.startswith("s3:"):
        writes = call.startswith(("s3:PUT ", "s3:DELETE "))
        return [f"s3:{'Put' if writes else 'Get'}{rule}" for rule in RULES]
    return [call.replace("tagging:", "tag:")]
