"""The e2e on the stand-ins: its two lives, and its stops where something really breaks.

`tests/test_e2e_life.py` has each step fail; here Terraform, AWS and EKS do it.
"""

import re
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import ThreadingHTTPServer
from pathlib import Path
from subprocess import Popen
from typing import Final

import pytest

from docs.recording import VERSION, Web, answer_for_pods
from in_cluster.names import NAMESPACE, PRIORITY_CLASS, SECRET, WEB
from tests.e2e.checkout import NAME
from tests.helpers.checkout import ROOT
from tests.helpers.serving import serving
from tests.rehearsal.environment import Environment, wait_until
from tests.rehearsal.installation import COLOURS
from tests.rehearsal.stand_ins.aws import ACCOUNT, REGION
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from tests.test_e2e_counts import ROWS, counted
from tests.test_verify import CLICKHOUSE, CLICKHOUSE_PASSWORD

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True
LONGEST = True

E2E: Final = ("python", "-m", "pytest", "-m", "e2e", "-q", "-p", "no:cacheprovider")
BUCKET: Final = f"{NAME}-{ACCOUNT}-{REGION}"
# What web writes of a trace, before the worker reads it.
PUT_EVENT: Final = f"""
import boto3
boto3.client("s3").put_object(Bucket="{BUCKET}", Key="events/one.json", Body=b"{{}}")
"""


class Database(Web):
    """ClickHouse with a trace, for the e2e's count and for verify.py."""

    def do_POST(self) -> None:  # noqa: N802 - as inherited
        """Answer a query."""
        sql = self.rfile.read(int(self.headers["Content-Length"])).decode()
        known = self.headers["X-ClickHouse-Key"] == CLICKHOUSE_PASSWORD
        self.send_response(200 if known else 403)
        self.end_headers()
        self.wfile.write((counted(sql) or CLICKHOUSE).encode())


@pytest.fixture(scope="module")
def project(environment: Environment) -> Environment:
    """Have the whole project in the checkout, as whoever runs its tests."""
    installation = environment.installation
    shutil.copytree(ROOT / "tests", installation.folder / "tests")
    shutil.copy(ROOT / "pyproject.toml", installation.folder)
    config = installation.stand_ins["TF_CLI_CONFIG_FILE"]
    with (installation.folder / ".env").open("a", encoding="utf-8") as lines:
        lines.write(f"TF_CLI_CONFIG_FILE={config}\n")
    programs = installation.home / "bin"
    programs.mkdir(exist_ok=True)
    # The provider lock would ask the public registry.
    write_program(programs / "npx", f'exec {shutil.which("npx")} "$@" --skip-provider-lock')
    # It asks Terraform Cloud itself, which knows nothing of this organization.
    asked = f'[ "$1" != check_account.py ] || {{ {sys.executable} "$@"; exit 0; }}'
    write_program(programs / "python", f'{asked}\nexec {sys.executable} "$@"')
    return environment


def write_program(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o700)


@pytest.fixture(scope="module")
def pods(project: Environment) -> Iterator[None]:
    """Have stand-ins where kubectl would reach into a pod."""
    real, python = shlex.quote(str(shutil.which("kubectl"))), shlex.quote(sys.executable)
    with ExitStack() as stack:
        kubectl = answer_for_pods(project, stack)
        server = stack.enter_context(serving(ThreadingHTTPServer(("127.0.0.1", 0), Database)))
        kubectl.forward("svc/langfuse-clickhouse", server.server_address[1])
        kubectl.answer("*exec?deployment/langfuse-worker*api?keys*", ROWS)
        key = (
            f"$({real} get secret {SECRET} -n {NAMESPACE} "
            "-o 'jsonpath={.data.project-secret-key}' | base64 --decode)"
        )
        api = f'{python} -m tests.helpers.langfuse_api "${{5%%:*}}" version={VERSION}'
        put = f"{python} -c {shlex.quote(PUT_EVENT)}"
        kubectl.rule(
            f"port-forward?svc/{WEB}?-n?{NAMESPACE}?*",
            f"cd {shlex.quote(str(ROOT))}; {put}; exec {api} secret_key={key}",
        )
        yield


def start(project: Environment, **variables: str) -> Popen[str]:
    given = [f"{name}={value}" for name, value in {"E2E_SPEND": "yes", **variables}.items()]
    return project.installation.start("env", *given, *E2E)


def ended(process: Popen[str], status: int) -> str:
    said = COLOURS.sub("", process.communicate()[0])
    assert process.returncode == status, said
    assert "not-printed" not in said
    return said


def steps(said: str) -> list[str]:
    """Return the steps that ended well."""
    return re.findall(r"^(\w[\w ]*?) +ok   [\d.]+ minutes$", said, re.MULTILINE)


def test_without_a_word_nothing_is_spent(project: Environment) -> None:
    """Without a terminal and `E2E_SPEND=yes` it is skipped with one line, and makes nothing."""
    said = project.installation.run(*E2E, "-rs")
    assert re.search(
        r"SKIPPED .*no e2e: it costs 0\.\d\d USD: run it in a terminal, or set E2E_SPEND=yes\n",
        said,
    )
    assert project.left_over() == []


@pytest.mark.usefixtures("pods", "plane")
def test_it_lives_twice(project: Environment) -> None:
    """Both lives end well, with equal counts; audits find what is named, and at the end nothing.

    Cannot prove: what runs in pods: `verify.py`, the trace and the counts of databases are answered
    by stand-ins. The object of the trace is in the bucket of moto. Nor the verdict of
    `check_account.py`.
    """
    said = ended(start(project), 0)
    up = ["deploy network", "deploy deps", "deploy app", "log in", "verify"]
    down = ["destroy app", "destroy deps", "destroy network"]
    lives = ["check_account", *up, "first trace", *down, *up, *down, "purge"]
    assert steps(said) == lives
    first, second = re.findall(r"^counted: (.+)$", said, re.MULTILINE)
    assert first == second
    assert first.endswith("1 objects of events/, 0 objects of media/, 0 objects of exports/")
    kept, nothing = re.findall(r"^audited: (.+), ([\d.]+) USD a month$", said, re.MULTILINE)
    for named in (f"secret {NAME}-application-secrets (0.40)", f"bucket {BUCKET}", "(1.90)"):
        assert named in kept[0]
    assert nothing == ("nothing", "0.00")
    assert project.left_over() == []


def test_deploy_of_app_fails(project: Environment, plane: ControlPlane) -> None:
    """A release that Helm refuses ends with a destroy of all three stacks, and the reason."""
    plane.kubectl("create", "priorityclass", PRIORITY_CLASS, "--value=1")
    said = ended(start(project), 1)
    plane.kubectl("delete", "priorityclass", PRIORITY_CLASS)
    assert "failed: npx cdktf deploy app --auto-approve ended with 1" in said
    assert steps(said)[-4:] == ["destroy app", "destroy deps", "destroy network", "purge"]
    assert project.left_over() == []


@pytest.mark.parametrize(
    ("call", "stack"),
    [("ec2:CreateInternetGateway", "network"), ("rds:CreateDBInstance", "deps")],
)
def test_deploy_fails(project: Environment, call: str, stack: str) -> None:
    """A deploy that AWS refuses half-way ends with a destroy of everything, and the reason."""
    project.aws.fail_next(10, 400, "InvalidParameterValue", call)
    said = ended(start(project), 1)
    project.aws.forgive()
    assert f"failed: npx cdktf deploy {stack} --auto-approve ended with 1" in said
    assert "purge" in steps(said)
    assert project.left_over() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_is_interrupted(project: Environment, number: signal.Signals) -> None:
    """Interrupted while EKS makes the cluster, Terraform writes its state, and all is destroyed."""
    project.eks.slow = True
    process = start(project)
    wait_until(lambda: project.eks.resources() != [] or process.poll() is not None)
    process.send_signal(number)
    logs = project.installation.folder / ".e2e" / "logs"
    wait_until(lambda: interrupted(logs) or process.poll() is not None)
    project.eks.slow = False
    said = ended(process, 1)
    assert f"failed: {number.name} during npx cdktf deploy network --auto-approve" in said
    assert steps(said) == ["check_account", "destroy network", "purge"]
    assert project.left_over() == []


def interrupted(logs: Path) -> bool:
    """Tell whether Terraform has said that it ends."""
    said = [each.read_text("utf-8", "replace") for each in logs.glob("*deploy-network*")]
    return any("Interrupt received" in each for each in said)


def test_deadline_passes(project: Environment) -> None:
    """At the deadline it does the same."""
    project.eks.slow = True
    process = start(project, E2E_DEADLINE_MINUTES="1.5")
    logs = project.installation.folder / ".e2e" / "logs"
    wait_until(lambda: interrupted(logs) or process.poll() is not None)
    project.eks.slow = False
    said = ended(process, 1)
    assert "failed: the deadline passed during npx cdktf deploy network" in said
    assert project.left_over() == []


def test_destroy_fails(project: Environment) -> None:
    """A destroy that goes on failing ends with what is left, its price, and commands that help.

    Run again before that, the e2e refuses, and touches nothing.
    """
    project.aws.fail_next(10, 400, "InvalidParameterValue", "rds:CreateDBInstance")
    project.eks.fail_next(1000, 403, "AccessDeniedException", "DELETE /clusters/[^/]+/node-groups")
    said = ended(start(project), 1)
    retained = f"secret {NAME}-application-secrets (0.40), bucket {BUCKET} (0.00)"
    assert f"left: EKS cluster {NAME} (73.00), {retained}, 73.40 USD a month." in said
    # Pytest prints a failure more than once.
    printed = re.findall(r"^E?\s+(cd \S+|uv run .+?)(?:;.*)?$", said, re.MULTILINE)
    folder, *commands = dict.fromkeys(printed)
    assert commands == ["uv run npx cdktf destroy network", f"uv run backups.py --purge {NAME}"]
    there = project.left_over()
    refused = ended(start(project), 1)
    assert re.search(rf"no e2e: of {NAME} there is EKS cluster {NAME}", refused)
    assert project.left_over() == there
    project.eks.faults.forgive()
    project.aws.forgive()
    checkout = Path(folder.removeprefix("cd "))
    project.installation.run("npx", "cdktf", "destroy", "network", "--auto-approve", cwd=checkout)
    project.installation.backups("--purge", NAME, typed=NAME, cwd=checkout)
    assert project.left_over() == []
