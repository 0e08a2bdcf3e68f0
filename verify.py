"""Says whether a deployed Langfuse works, part by part: ``uv run verify.py``.

Reads ``.env`` for the cluster's name and the AWS login, and leaves your own kubeconfig alone.
``--kubeconfig FILE`` uses that one instead.
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


def log_in(settings: Settings, environment: dict[str, str], kubeconfig: Path) -> None:
    """Have the AWS CLI write a kubeconfig for the cluster, or exit and say why it could not."""
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
        _stay_out(settings.name, f"no answer in {2 * TIMEOUT} s")
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["the AWS CLI failed"])[-1]
        _stay_out(settings.name, reason)


def _stay_out(cluster: str, reason: str) -> NoReturn:
    sys.exit(f"There is no way into the cluster {cluster}: {reason}")


@contextmanager
def access(kubeconfig: Path | None) -> Iterator[tuple[Cluster, str]]:
    """Yield the cluster and its name: by this file, or by a login that ends with the context."""
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
        log_in(settings, environment, Path(folder, "kubeconfig"))
        yield Cluster(Path(folder, "kubeconfig"), environment), settings.name


def run_checks(cluster: Cluster) -> bool:
    """Run all checks side by side, print a line for each, and return whether all are well."""
    well = True
    name = find_hostname(cluster)
    checks = (*CHECKS, *(hostname_checks(name) if name else ()))
    with ThreadPoolExecutor(len(checks)) as pool:
        for ok, line in pool.map(lambda check: check.line(cluster), checks):
            print(line, flush=True)
            well &= ok
    return well


def verify(cluster: Cluster, name: str) -> NoReturn:
    """Exit with 0 if everything is well; where nothing could be asked, say why just once."""
    try:
        # Whoever the cluster knows may ask this, and it takes one request.
        cluster.kubectl("get", "--raw=/version")
    except CheckError as error:
        _stay_out(name, str(error))
    sys.exit(not run_checks(cluster))


def main() -> None:
    """Exit with 0 if everything is well, with 1 if not."""
    parser = argparse.ArgumentParser(description="Say whether a deployed Langfuse works.")
    parser.add_argument("--kubeconfig", type=Path, help="use this file; the default logs in")
    with access(parser.parse_args().kubeconfig) as (cluster, name):
        verify(cluster, name)


if __name__ == "__main__":
    main()
