"""Records docs/first-hour.json: ``uv run --group rehearsal python -m docs.recording``.

Runs the commands of the README from a look to the first trace, on the rehearsal's stand-ins for
AWS, EKS and Terraform Cloud, with real Terraform and a real control plane. Pods are simulated, so
what ``verify.py`` and the SDK ask of them is answered by the stand-ins of the tests.
``docs.refresh`` draws the picture of the recording.
"""

import base64
import json
import os
import re
import shlex
import shutil
import socket
import sys
import tempfile
import time
import venv
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import IO, Final, cast

import versions
from contracts import STACKS
from docs.first_hour import RECORDING, Line, Recording, Step, kept
from docs.module_interfaces import mirror_directory
from in_cluster.names import NAMESPACE, SECRET, WEB, SecretKey
from tests.helpers.checkout import ROOT
from tests.helpers.kubectl import Kubectl
from tests.helpers.serving import serving
from tests.rehearsal.conftest import missing
from tests.rehearsal.environment import BUCKET, TOKEN, Environment, start_environment
from tests.rehearsal.installation import COLOURS, Installation
from tests.rehearsal.stand_ins.control_plane import missing_programs
from tests.test_verify import CLICKHOUSE_PASSWORD, PASSWORD, Langfuse, Redis

# Of http://localhost:3000, where the first trace looks for Langfuse.
PORT: Final = 3000
VERSION: Final = versions.LANGFUSE_LINES[3].langfuse
HEALTH: Final = "/api/public/health?failIfDatabaseUnavailable=true"
# Of the 1,000 lines of a deploy: the plan, what takes longest on AWS, and what comes next.
LONGEST: Final = "aws_(vpc|eks_cluster|eks_node_group|db_instance)|helm_release"
DEPLOY: Final = (
    rf"Plan: \d+ to add|({LONGEST})\.\S+: Creation complete|Apply complete|^ +how_to_\w+ = \""
)
EVERYTHING: Final = ""
# All but what pip says before it is done.
INSTALLED: Final = r"^(?!Looking|Collecting|Processing|Installing| +(Downloading|Using|━)|\[notice)"


@dataclass(frozen=True)
class Command:
    """A command of the README."""

    typed: str
    flags: str = ""
    """What it is run with besides, since nobody is there to approve."""
    shown: str = EVERYTHING
    """Pattern of the lines of its output that are kept."""


UNATTENDED: Final = "--auto-approve --skip-provider-lock"
LOOK: Final = Command("pip install uv; cp -n .env.example .env; uv run main.py", shown=INSTALLED)
DEPLOYS: Final = tuple(
    Command(f"uv run npx cdktf deploy {stack}", UNATTENDED, DEPLOY) for stack in STACKS
)
LOG_IN: Final = Command("uv run aws eks update-kubeconfig --name langfuse")
VERIFY: Final = Command("uv run verify.py")
FIRST_TRACE: Final = Command("uv run --group examples examples/first_trace.py")


class RecordingError(Exception):
    """What was run is not fit to be shown; the message says why."""


class Web(Langfuse):
    """Web, worker and ClickHouse of the release that is deployed."""

    answers: Mapping[str, str] = {
        **Langfuse.answers,
        HEALTH: f'{{"status": "OK", "version": "{VERSION}"}}',
    }


def record(installation: Installation, command: Command) -> Step:
    """Run a command to its end, and return what it says and when.

    Raises:
        RecordingError: it failed.

    """
    begun = time.monotonic()
    print(command.typed, flush=True)
    process = installation.start("sh", "-c", f"{command.typed} {command.flags}".rstrip())
    said = [
        Line(round(time.monotonic() - begun, 1), COLOURS.sub("", line).rstrip())
        for line in cast("IO[str]", process.stdout)
    ]
    if process.wait():
        text = "\n".join(line.text for line in said[-40:])
        message = f"{command.typed} ended with {process.returncode}:\n{text}"
        raise RecordingError(message)
    return Step(command.typed, tuple(kept(said, command.shown)))


def prepare(environment: Environment) -> None:
    """Have a pip to install uv, which uses the packages of this process, and the README's files."""
    installation = environment.installation
    venv.create(installation.home, with_pip=True)
    shutil.copy(ROOT / "pyproject.toml", installation.folder)
    installation.stand_ins = {
        **installation.stand_ins,
        "UV_NO_SYNC": "1",
        "UV_PROJECT_ENVIRONMENT": sys.prefix,
        "PYTHONUNBUFFERED": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def answer_for_pods(environment: Environment, stack: ExitStack) -> Kubectl:
    """Have kubectl reach stand-ins where it would reach into a pod, and return those rules."""
    installation = environment.installation
    http = stack.enter_context(serving(ThreadingHTTPServer(("127.0.0.1", 0), Web)))
    redis = stack.enter_context(serving(ThreadingTCPServer(("127.0.0.1", 0), Redis)))
    real = shutil.which("kubectl")
    kubectl = Kubectl(installation.home / "bin")
    kubectl.rule("*", f'exec {real} "$@"')
    for target in ("svc/langfuse-web", "deployment/langfuse-worker", "svc/langfuse-clickhouse"):
        kubectl.forward(target, http.server_address[1])
    kubectl.forward("svc/langfuse-redis-master", redis.server_address[1])
    passwords = {
        SecretKey.REDIS_PASSWORD: PASSWORD,
        SecretKey.CLICKHOUSE_PASSWORD: CLICKHOUSE_PASSWORD,
    }
    data = {key: base64.b64encode(each.encode()).decode() for key, each in passwords.items()}
    kubectl.answer(f"*get?secret?{SECRET}?--output=json", {"data": data})
    kubectl.rule("*exec?langfuse-clickhouse-0*cat*", "echo nothing: no backup")
    kubectl.rule("*exec?deployment/langfuse-worker*", f"echo {BUCKET}")
    return kubectl


def in_release(installation: Installation) -> dict[str, str]:
    """Return what the release's Secret holds."""
    said = installation.run(
        *("kubectl", "get", "secret", SECRET, "-n", NAMESPACE, "-o", "jsonpath={.data}")
    )
    return {key: base64.b64decode(each).decode() for key, each in json.loads(said).items()}


def answer_for_web(kubectl: Kubectl, secret_key: str) -> None:
    """Have the port that the first trace forwards lead to an API which takes this key."""
    api = shlex.join(
        [
            *("exec", sys.executable, "-m", "tests.helpers.langfuse_api", str(PORT)),
            *(f"version={VERSION}", f"secret_key={secret_key}"),
        ]
    )
    asked = f"port-forward svc/{WEB} -n {NAMESPACE} {PORT}:3000"
    kubectl.rule(shlex.quote(asked), f"cd {shlex.quote(str(ROOT))} && {api}")


def record_all(environment: Environment, stack: ExitStack) -> Recording:
    """Run every command, and return what there is to show."""
    prepare(environment)
    installation = environment.installation
    env_file = installation.folder / ".env"
    filled_in = env_file.read_text(encoding="utf-8")
    env_file.unlink()
    steps = [record(installation, LOOK)]
    env_file.write_text(filled_in, encoding="utf-8")
    installation.change_env(LANGFUSE_PROJECT_KEYS="true")
    kubectl = answer_for_pods(environment, stack)
    steps += [record(installation, command) for command in (*DEPLOYS, LOG_IN, VERIFY)]
    answer_for_web(kubectl, in_release(installation)["project-secret-key"])
    steps.append(record(installation, FIRST_TRACE))
    today = datetime.now(UTC).date().isoformat()
    recording = Recording(today, tuple(steps)).replacing(str(installation.home), "~")
    # A whole id looks like a key to whoever searches for secrets.
    (trace,) = re.findall(r"sent    trace (\w+)", recording.to_json())
    return recording.replacing(trace, f"{trace[:4]}…")


def write(folder: Path, mirror: Path) -> None:
    """Record everything in a new environment, and write it.

    Raises:
        RecordingError: a command failed, or a path or a secret of this machine is in it.

    """
    with start_environment(folder, mirror, cluster=True) as environment, ExitStack() as stack:
        recording = record_all(environment, stack)
        installation = environment.installation
        of_release = in_release(installation).values()
    secrets = (*of_release, TOKEN, PASSWORD, CLICKHOUSE_PASSWORD)
    private = (str(folder), str(ROOT), str(Path.home()), sys.prefix, os.uname().nodename)
    text = recording.to_json()
    if found := [each for each in (*private, *secrets) if each in text]:
        message = f"of this machine, and in the recording: {', '.join(found)}"
        raise RecordingError(message)
    RECORDING.write_text(text, encoding="utf-8")


def main() -> None:
    """Write the recording, or exit with what this machine lacks for it."""
    mirror = mirror_directory()
    programs = [each for each in (*missing_programs(), "aws") if shutil.which(each) is None]
    if lack := missing(mirror) or ", ".join(programs):
        sys.exit(f"no recording: missing here: {lack}")
    with suppress(OSError), socket.create_connection(("localhost", PORT), timeout=5):
        sys.exit(f"no recording: something listens at port {PORT}, which the first trace forwards")
    with tempfile.TemporaryDirectory() as folder:
        try:
            write(Path(folder), mirror)
        except RecordingError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
