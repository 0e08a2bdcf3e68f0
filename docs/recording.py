"""Records docs/first-hour.json: ``uv run --group rehearsal python -m docs.recording``.

Runs the commands of the README from a look to the first trace, on the rehearsal's stand-ins for
AWS, EKS and Terraform Cloud, with real Terraform and a real control plane. Pods are simulated, so
what ``verify.py`` and the SDK ask of them is answered by the stand-ins of the tests.
``docs.refresh`` draws the picture of the recording.
"""

import base64
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import IO, Final, cast

import versions
from docs.first_hour import RECORDING, Line, Recording, Step, kept
from docs.module_interfaces import mirror_directory
from in_cluster.names import SecretKey
from tests.helpers.checkout import ROOT
from tests.helpers.kubectl import Kubectl
from tests.helpers.langfuse_api import SECRET_KEY, LangfuseApi
from tests.helpers.serving import serving
from tests.rehearsal.conftest import missing
from tests.rehearsal.environment import BUCKET, Environment, start_environment
from tests.rehearsal.installation import COLOURS, Installation
from tests.rehearsal.stand_ins.control_plane import missing_programs
from tests.test_verify import PASSWORD, Langfuse, Redis

# README's address of Langfuse, which its stand-in does not have.
ADDRESS: Final = "http://localhost:3000"
VERSION: Final = versions.LANGFUSE_LINES[3].langfuse
HEALTH: Final = "/api/public/health?failIfDatabaseUnavailable=true"
# Of the 1,000 lines of a deploy: the plan, what takes longest on AWS, and what comes next.
LONGEST: Final = "aws_(vpc|eks_cluster|eks_node_group|db_instance)|helm_release"
DEPLOY: Final = (
    rf"Plan: \d+ to add|({LONGEST})\.\S+: Creation complete|Apply complete|^ +how_to_\w+ = \""
)
EVERYTHING: Final = ""


@dataclass(frozen=True)
class Command:
    """A command of the README."""

    typed: str
    flags: str = ""
    """What it is run with besides, since nobody is there to approve."""
    shown: str = EVERYTHING
    """Pattern of the lines of its output that are kept."""


UNATTENDED: Final = "--auto-approve --skip-provider-lock"
LOOK: Final = Command("cp -n .env.example .env && uv run main.py")
DEPLOYED: Final = (
    *(
        Command(f"uv run npx cdktf deploy {stack}", UNATTENDED, DEPLOY)
        for stack in ("network", "deps", "app")
    ),
    Command("uv run verify.py"),
    Command("uv run --group examples examples/first_trace.py"),
)


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
    """Have `uv run` use the packages of this process, and the commands see the README's .env."""
    installation = environment.installation
    shutil.copy(ROOT / "pyproject.toml", installation.folder)
    shutil.copytree(ROOT / "examples", installation.folder / "examples")
    installation.stand_ins = {
        **installation.stand_ins,
        "UV_NO_SYNC": "1",
        "UV_PROJECT_ENVIRONMENT": sys.prefix,
        "PYTHONUNBUFFERED": "1",
    }


def answer_for_pods(environment: Environment, stack: ExitStack) -> LangfuseApi:
    """Have kubectl reach stand-ins where it would reach into a pod, and the SDK an API."""
    installation = environment.installation
    http = stack.enter_context(serving(ThreadingHTTPServer(("127.0.0.1", 0), Web)))
    redis = stack.enter_context(serving(ThreadingTCPServer(("127.0.0.1", 0), Redis)))
    api = stack.enter_context(serving(LangfuseApi()))
    api.version = VERSION
    real = shutil.which("kubectl")
    kubectl = Kubectl(installation.home / "bin")
    kubectl.rule("*", f'exec {real} "$@"')
    for target in ("svc/langfuse-web", "deployment/langfuse-worker", "svc/langfuse-clickhouse"):
        kubectl.forward(target, http.server_address[1])
    kubectl.forward("svc/langfuse-redis-master", redis.server_address[1])
    password = base64.b64encode(PASSWORD.encode()).decode()
    kubectl.answer("*get?secret*", {"data": {SecretKey.REDIS_PASSWORD: password}})
    kubectl.rule("*exec?langfuse-clickhouse-0*cat*", "echo nothing: no backup")
    kubectl.rule("*exec?deployment/langfuse-worker*", f"echo {BUCKET}")
    installation.stand_ins = {
        **installation.stand_ins,
        "LANGFUSE_HOST": api.url,
        "LANGFUSE_PUBLIC_KEY": "pk-lf-recording",
        "LANGFUSE_SECRET_KEY": SECRET_KEY,
    }
    return api


def record_all(environment: Environment, stack: ExitStack) -> Recording:
    """Run every command, and return what there is to show."""
    prepare(environment)
    installation = environment.installation
    env_file = installation.folder / ".env"
    filled_in = env_file.read_text(encoding="utf-8")
    env_file.unlink()
    steps = [record(installation, LOOK)]
    env_file.write_text(filled_in, encoding="utf-8")
    api = answer_for_pods(environment, stack)
    for command in DEPLOYED:
        print(command.typed, flush=True)
        steps.append(record(installation, command))
    today = datetime.now(UTC).date().isoformat()
    recording = Recording(today, tuple(steps)).replacing(api.url, ADDRESS)
    # A whole id looks like a key to whoever searches for secrets.
    trace = api.spans[0]["trace"]
    return recording.replacing(trace, f"{trace[:4]}…")


def write(folder: Path, mirror: Path) -> None:
    """Record everything in a new environment, and write it.

    Raises:
        RecordingError: a command failed, or a path or a secret of this machine is in it.

    """
    with start_environment(folder, mirror, cluster=True) as environment, ExitStack() as stack:
        recording = record_all(environment, stack)
        lines = environment.installation.environment
    secrets = (lines["LANGFUSE_ADMIN_PASSWORD"], lines["TFE_TOKEN"], SECRET_KEY, PASSWORD)
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
    with tempfile.TemporaryDirectory() as folder:
        try:
            write(Path(folder), mirror)
        except RecordingError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
