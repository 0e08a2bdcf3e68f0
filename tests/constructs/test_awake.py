"""Awake: what wakes before a change and a destroy, and its script in front of stand-ins."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from cdktf import TerraformStack

from constructs_lib.awake import SCRIPT, Awake, wake_for_releases
from constructs_lib.helm_release import HelmRelease
from in_cluster.helm_chart import Chart
from tests.helpers.bare_stack import BareStack
from tests.helpers.stack import Stack

AWS = """#!/bin/sh
echo "$*" >>asked
case "$1 $2" in
"rds describe-db-instances") cat database ;;
"rds start-db-instance") echo starting >database ;;
"rds stop-db-instance") echo stopping >database ;;
"rds wait") echo available >database ;;
"eks list-clusters") [ -e no-cluster ] || echo team-a ;;
"eks list-nodegroups") echo "langfuse-2-1" ;;
"eks describe-nodegroup")
  case "$*" in *desiredSize*) cut -d " " -f 1 group ;; *) cut -d " " -f 2 group ;; esac ;;
"eks update-nodegroup-config")
  case "$*" in *desiredSize=0*) echo "0 2" >group ;; *) echo "2 2" >group ;; esac ;;
esac
[ ! -e denied ] || { echo "An error occurred (AccessDenied)" >&2; exit 254; }
"""
KUBECTL = """#!/bin/sh
echo "kubectl $4 $5 $6" >>asked
case "$5" in
get) echo deployment.apps/langfuse-web; echo statefulset.apps/langfuse-clickhouse ;;
rollout) [ ! -e broken ] || exit 1 ;;
esac
"""
# A database that stops has stopped meanwhile.
SLEEP = "#!/bin/sh\necho stopped >database\n"
WAKING = ["The database sleeps: starting it, which takes minutes.", "The nodes sleep: starting 2."]
WAITING = [
    "Waiting for deployment.apps/langfuse-web.",
    "Waiting for statefulset.apps/langfuse-clickhouse.",
]


@pytest.fixture(scope="module")
def stack(bare_stack: BareStack) -> Stack:
    def make(stack: TerraformStack) -> Awake:
        awake = Awake(
            stack,
            "awake",
            name="team-a",
            region="eu-central-1",
            namespace="langfuse",
            triggers=["a", 1],
        )
        awake.before_destroy("helm_release.b", "helm_release.a")
        return awake

    return bare_stack(make)


def provisioner(stack: Stack, name: str) -> dict[str, object]:
    (found,) = stack.resource("terraform_data", name)["provisioner"]
    local: dict[str, object] = found["local-exec"]
    return local


def test_a_change_wakes_first(stack: Stack) -> None:
    change = stack.resource("terraform_data", "awake_before_change")
    assert change["triggers_replace"] == {"deployed": '${sha256(jsonencode(["a", 1]))}'}
    assert "depends_on" not in change
    # A destroy of what it comes before deletes it last, and then wakes nothing.
    assert provisioner(stack, "awake_before_change")["when"] == "create"
    assert stack.outputs["before_change"]["value"] == "terraform_data.awake_before_change"


def test_a_destroy_wakes_first(stack: Stack) -> None:
    destroy = stack.resource("terraform_data", "awake_before_destroy")
    assert destroy["depends_on"] == ["helm_release.a", "helm_release.b"]
    # Nothing replaces it, which would run its provisioner as well.
    assert "triggers_replace" not in destroy
    assert provisioner(stack, "awake_before_destroy")["when"] == "destroy"


def test_both_run_the_script_for_this_installation(stack: Stack) -> None:
    for name in ("awake_before_change", "awake_before_destroy"):
        found = provisioner(stack, name)
        assert found["command"] == SCRIPT.read_text(encoding="utf-8")
        # Terraform would print all of it.
        assert found["quiet"] is True
        assert found["environment"] == {
            "ACTION": "wake",
            "NAME": "team-a",
            "REGION": "eu-central-1",
            "NAMESPACE": "langfuse",
            "WITHOUT_CLUSTER": "0",
        }
    # Terraform would read these as its own.
    assert not {"${", "%{"} & {SCRIPT.read_text("utf-8")[at : at + 2] for at in range(9999)}


def test_all_releases_are_changed_and_destroyed_awake(bare_stack: BareStack) -> None:
    def make(stack: TerraformStack) -> HelmRelease:
        def release(name: str, after: list[HelmRelease] | None = None) -> HelmRelease:
            return HelmRelease(
                stack,
                name,
                name=name,
                namespace="n",
                chart=Chart(None, "chart", "1.2.3"),
                values=f"name: {name}",
                timeout=60,
                secrets_revision=7 if name == "a" else None,
                after=after,
            )

        last = release("b", [release("a")])
        wake_for_releases(stack, name="team-a", region="us-east-1", namespace="n")
        return last

    stack = bare_stack(make)
    first = "terraform_data.awake_before_change"
    assert stack.resource("helm_release", "a")["depends_on"] == [first]
    assert stack.resource("helm_release", "b")["depends_on"] == ["helm_release.a", first]
    change = stack.resource("terraform_data", "awake_before_change")
    for part in ("name: a", "name: b", "1.2.3", "7"):
        assert part in change["triggers_replace"]["deployed"]
    destroy = stack.resource("terraform_data", "awake_before_destroy")
    assert destroy["depends_on"] == ["helm_release.a", "helm_release.b"]


@dataclass
class Night:
    """An installation in front of stand-ins for the AWS CLI and kubectl."""

    folder: Path

    def run(self, action: str = "wake", namespace: str = "langfuse", status: int = 0) -> list[str]:
        """Run the script, and return what it says."""
        about = {
            "ACTION": action,
            "NAME": "team-a",
            "REGION": "eu-central-1",
            "WITHOUT_CLUSTER": "7",
        }
        done = subprocess.run(  # noqa: S603
            ["/bin/sh", str(SCRIPT)],
            cwd=self.folder,
            env={"PATH": f"{self.folder}:/usr/bin:/bin", "NAMESPACE": namespace, **about},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done
        return done.stdout.splitlines()

    def be(self, database: str, group: str) -> None:
        """Have a database of this status, and a node group of this size and maximum."""
        (self.folder / "database").write_text(f"{database}\n" if database else "", "utf-8")
        (self.folder / "group").write_text(f"{group}\n", "utf-8")

    def is_now(self) -> tuple[str, str]:
        """Return status and size."""
        return tuple(  # type: ignore[return-value]
            (self.folder / name).read_text("utf-8").strip() for name in ("database", "group")
        )

    def asked(self) -> list[str]:
        """Return the calls that change something, and those of kubectl."""
        lines = (self.folder / "asked").read_text("utf-8").splitlines()
        return [each for each in lines if not each.startswith(("rds desc", "eks desc", "eks list"))]


@pytest.fixture
def night(tmp_path: Path) -> Night:
    for name, text in {"aws": AWS, "kubectl": KUBECTL, "sleep": SLEEP}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    return Night(tmp_path)


def test_what_is_awake_is_left_alone(night: Night) -> None:
    night.be("available", "2 2")
    assert night.run() == []
    assert night.asked() == []


def test_database_wakes_before_nodes_and_pods(night: Night) -> None:
    night.be("stopped", "0 2")
    assert night.run() == [*WAKING, *WAITING]
    assert night.is_now() == ("available", "2 2")
    end = "--region eu-central-1 --output text"
    group = "--cluster-name team-a --nodegroup-name langfuse-2-1"
    database = "--db-instance-identifier team-a"
    size = "--scaling-config minSize=0,maxSize=2,desiredSize=2"
    assert night.asked()[:5] == [
        f"rds start-db-instance {database} {end}",
        f"rds wait db-instance-available {database} {end}",
        f"eks wait nodegroup-active {group} {end}",
        f"eks update-nodegroup-config {group} {size} {end}",
        f"eks wait nodegroup-active {group} {end}",
    ]
    assert night.asked()[-1] == "kubectl langfuse rollout status"


@pytest.mark.parametrize("status", ["stopping", "starting"])
def test_database_on_its_way_is_waited_for(night: Night, status: str) -> None:
    night.be(status, "2 2")
    night.run()
    assert night.is_now() == ("available", "2 2")


@pytest.mark.parametrize("status", ["", "storage-full", "modifying"])
def test_database_of_another_status_is_left_alone(night: Night, status: str) -> None:
    """None is there after a destroy of deps; the others have nothing to do with sleep."""
    night.be(status, "0 2")
    assert night.run() == [WAKING[1], *WAITING]
    assert night.is_now() == (status, "2 2")


def test_database_alone(night: Night) -> None:
    night.be("stopped", "0 2")
    assert night.run(namespace="") == [WAKING[0]]
    assert night.is_now() == ("available", "0 2")


def test_without_a_cluster_the_database_wakes(night: Night) -> None:
    """A destroy goes on where the cluster has gone first."""
    night.be("stopped", "0 2")
    (night.folder / "no-cluster").touch()
    assert night.run(status=7) == [WAKING[0]]
    assert night.is_now() == ("available", "0 2")


def test_pods_that_do_not_start_are_said(night: Night) -> None:
    """Whoever needs them fails by itself, with a better reason."""
    night.be("available", "0 2")
    (night.folder / "broken").touch()
    assert night.run()[-1] == "statefulset.apps/langfuse-clickhouse is not ready."


def test_nodes_sleep_before_the_database(night: Night) -> None:
    night.be("available", "2 2")
    assert night.run("sleep") == ["Ending 2 nodes.", "Stopping the database."]
    assert night.is_now() == ("stopping", "0 2")
    assert [each.partition(" --")[0] for each in night.asked()] == [
        "eks wait nodegroup-active",
        "eks update-nodegroup-config",
        "eks wait nodegroup-active",
        "rds stop-db-instance",
    ]


def test_what_sleeps_is_left_alone(night: Night) -> None:
    night.be("stopped", "0 2")
    assert night.run("sleep") == []
    assert night.asked() == []


@pytest.mark.parametrize("action", ["wake", "sleep"])
def test_a_refusal_of_aws_ends_it(night: Night, action: str) -> None:
    """Before anything is changed."""
    night.be("stopped", "0 2")
    (night.folder / "denied").touch()
    assert night.run(action, status=254) == []
    assert night.is_now() == ("stopped", "0 2")
