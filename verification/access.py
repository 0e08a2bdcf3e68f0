"""Access to the cluster, for verify.py and replay.py."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

from env_file import (
    SettingsError,
    ended_session,
    environment,
    load_settings,
    use_network_lines,
)
from settings import Settings
from verification.asleep import asleep
from verification.cluster import TIMEOUT, Cluster

ENV_FILE: Final = Path(__file__).parents[1] / ".env"


@contextmanager
def access(kubeconfig: Path | None) -> Iterator[tuple[Cluster, str]]:
    """Yield the cluster and its name, or exit with the reason why there is no way into it.

    Args:
        kubeconfig: file to use; None for a temporary one, written by the AWS CLI.

    """
    try:
        variables = environment(ENV_FILE)
        settings = None if kubeconfig else load_settings(ENV_FILE)
        use_network_lines(ENV_FILE)
    except SettingsError as error:
        sys.exit(str(error))
    if kubeconfig:
        yield Cluster(kubeconfig, variables), f"of {kubeconfig}"
    if settings:
        with tempfile.TemporaryDirectory() as folder:
            write_kubeconfig(settings, variables, Path(folder, "kubeconfig"))
            cluster = Cluster(Path(folder, "kubeconfig"), variables, settings.awake_hours)
            yield cluster, settings.name


@contextmanager
def awake_access(kubeconfig: Path | None) -> Iterator[tuple[Cluster, str]]:
    """As ``access``, for what needs pods: while the installation sleeps, exit with one line.

    Args:
        kubeconfig: file to use, with which it is not known whether it sleeps; None for a temporary
            one, written by the AWS CLI.

    """
    with access(kubeconfig) as (cluster, name):
        if sleeps := asleep(cluster):
            sys.exit(f"{name}: {sleeps}")
        yield cluster, name


def write_kubeconfig(settings: Settings, variables: dict[str, str], kubeconfig: Path) -> None:
    """Let the AWS CLI write a kubeconfig for the cluster, or exit with the reason why it cannot."""
    command = ["aws", "eks", "update-kubeconfig", "--name", settings.name]
    options = ["--region", settings.aws_default_region, "--kubeconfig", str(kubeconfig)]
    try:
        done = subprocess.run(
            [*command, *options],
            env=variables,
            capture_output=True,
            text=True,
            timeout=2 * TIMEOUT,
            check=False,
        )
    except FileNotFoundError:
        sys.exit("aws is not on PATH; uv run check_tools.py")
    except subprocess.TimeoutExpired:
        exit_without_access(settings.name, f"no answer in {2 * TIMEOUT} s")
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["the AWS CLI failed"])[-1]
        # "Error loading SSO Token", "The SSO session ... has expired", "retrieving token from sso".
        if settings.aws_profile and re.search(r"\bsso\b", reason, re.IGNORECASE):
            reason = ended_session(settings.aws_profile)
        exit_without_access(settings.name, reason)


def exit_without_access(cluster: str, reason: str) -> NoReturn:
    """Exit with the reason why there is no way into the cluster."""
    sys.exit(no_way_into(cluster, reason))


def no_way_into(cluster: str, reason: str) -> str:
    """Return the message that there is no way into the cluster."""
    return f"There is no way into the cluster {cluster}: {reason}"
