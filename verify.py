"""Checks each part of a deployed Langfuse: ``uv run verify.py``.

Reads the cluster's name and the AWS credentials from ``.env``, and does not change your kubeconfig.
``--kubeconfig FILE`` uses that file instead.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

from dotenv import dotenv_values

from env_file import SettingsError, load_settings
from settings import Settings
from verification.checks import CHECKS
from verification.cluster import TIMEOUT, CheckError, Cluster
from verification.public_hostname import find_hostname, hostname_checks

ENV_FILE: Final = Path(__file__).parent / ".env"


def write_kubeconfig(settings: Settings, environment: dict[str, str], kubeconfig: Path) -> None:
    """Let the AWS CLI write a kubeconfig for the cluster, or exit with the reason why it cannot."""
    command = ["aws", "eks", "update-kubeconfig", "--name", settings.name]
    options = ["--region", settings.aws_default_region, "--kubeconfig", str(kubeconfig)]
    try:
        done = subprocess.run(
            [*command, *options],
            env=environment,
            capture_output=True,
            text=True,
            timeout=2 * TIMEOUT,
            check=False,
        )
    except FileNotFoundError:
        sys.exit("aws is not on PATH; uv run check_tools.py")
    except subprocess.TimeoutExpired:
        _exit_without_access(settings.name, f"no answer in {2 * TIMEOUT} s")
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["the AWS CLI failed"])[-1]
        _exit_without_access(settings.name, reason)


def _exit_without_access(cluster: str, reason: str) -> NoReturn:
    sys.exit(f"There is no way into the cluster {cluster}: {reason}")


@contextmanager
def access(kubeconfig: Path | None) -> Iterator[tuple[Cluster, str]]:
    """Yield the cluster and its name.

    Args:
        kubeconfig: file to use; None for a temporary one, written by the AWS CLI.

    """
    lines = {key: value for key, value in dotenv_values(ENV_FILE).items() if value is not None}
    environment = {**lines, **os.environ}
    if kubeconfig:
        yield Cluster(kubeconfig, environment), f"of {kubeconfig}"
        return
    try:
        settings = load_settings(ENV_FILE)
    except SettingsError as error:
        sys.exit(str(error))
    with tempfile.TemporaryDirectory() as folder:
        write_kubeconfig(settings, environment, Path(folder, "kubeconfig"))
        yield Cluster(Path(folder, "kubeconfig"), environment), settings.name


def run_checks(cluster: Cluster) -> bool:
    """Run all checks in parallel, print a line for each, and return whether all passed."""
    all_ok = True
    name = find_hostname(cluster)
    checks = (*CHECKS, *(hostname_checks(name) if name else ()))
    with ThreadPoolExecutor(len(checks)) as pool:
        for ok, line in pool.map(lambda check: check.line(cluster), checks):
            print(line, flush=True)
            all_ok &= ok
    return all_ok


def verify(cluster: Cluster, name: str) -> NoReturn:
    """Run the checks and exit: with 0 if all passed. Without access, print only one message."""
    try:
        # One request, which every authenticated user may make.
        cluster.kubectl("get", "--raw=/version")
    except CheckError as error:
        _exit_without_access(name, str(error))
    sys.exit(not run_checks(cluster))


def main() -> None:
    """Exit with 0 if all checks passed, with 1 if not."""
    parser = argparse.ArgumentParser(description="Say whether a deployed Langfuse works.")
    parser.add_argument("--kubeconfig", type=Path, help="use this file; the default logs in")
    with access(parser.parse_args().kubeconfig) as (cluster, name):
        verify(cluster, name)


if __name__ == "__main__":
    main()
