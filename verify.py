"""Checks each part of a deployed Langfuse: ``uv run verify.py``.

Reads the cluster's name and the AWS credentials from ``.env``, and does not change your kubeconfig.
``--kubeconfig FILE`` uses that file instead.
"""

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

from verification.access import access, exit_without_access
from verification.checks import CHECKS, Check, checks_of_major
from verification.cluster import CheckError, Cluster
from verification.public_hostname import find_hostname, hostname_checks


def run_checks(cluster: Cluster) -> bool:
    """Print a line for each check, and return whether all passed."""
    all_ok = True
    for ok, line in _lines(cluster):
        print(line, flush=True)
        all_ok &= ok
    return all_ok


def _lines(cluster: Cluster) -> Iterator[tuple[bool, str]]:
    def line(check: Check) -> tuple[bool, str]:
        return check.line(cluster)

    with ThreadPoolExecutor(len(CHECKS) + 1) as pool:
        # To look for them takes as long as a check.
        further = pool.submit(_further_checks, cluster)
        yield from pool.map(line, CHECKS)
        yield from pool.map(line, further.result())


def _further_checks(cluster: Cluster) -> tuple[Check, ...]:
    name = find_hostname(cluster)
    return (*checks_of_major(cluster), *(hostname_checks(name) if name else ()))


def verify(cluster: Cluster, name: str) -> NoReturn:
    """Run the checks and exit: with 0 if all passed. Without access, print only one message."""
    try:
        # One request, which every authenticated user may make.
        cluster.kubectl("get", "--raw=/version")
    except CheckError as error:
        exit_without_access(name, str(error))
    sys.exit(not run_checks(cluster))


def main() -> None:
    """Exit with 0 if all checks passed, with 1 if not."""
    parser = argparse.ArgumentParser(description="Say whether a deployed Langfuse works.")
    parser.add_argument("--kubeconfig", type=Path, help="use this file; the default logs in")
    with access(parser.parse_args().kubeconfig) as (cluster, name):
        verify(cluster, name)


if __name__ == "__main__":
    main()
