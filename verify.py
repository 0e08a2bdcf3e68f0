"""Checks each part of a deployed Langfuse: ``uv run verify.py``.

Reads the cluster's name and the AWS credentials from ``.env``, and does not change your kubeconfig.
``--kubeconfig FILE`` uses that file instead, and then asks AWS nothing. ``--json`` prints a
document, ``--watch`` goes on until Ctrl-C.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, NoReturn

from capacity.stores import store_checks
from verification.access import ENV_FILE, access, no_way_into
from verification.asleep import asleep
from verification.check import Check, CheckWarning, Result
from verification.checks import CHECKS, checks_of_major
from verification.cluster import CheckError, Cluster
from verification.external_secrets import secret_checks
from verification.monitoring import monitoring_checks
from verification.public_hostname import find_hostname, hostname_checks
from verification.report import Show, ShowChanges, ShowDocuments, show_lines

Checks = tuple[Check[Cluster], ...]

# More than there are checks: none waits for another.
THREADS: Final = 32
# Seconds between two rounds, and the fewest: each round starts about 16 processes.
INTERVAL: Final = 60
SHORTEST: Final = 5


def results(cluster: Cluster, in_aws: Callable[[], Checks]) -> Iterator[Result]:
    """Run all checks side by side, and yield what each finds in their order.

    Args:
        cluster: the cluster.
        in_aws: returns the checks that ask AWS.

    """
    with ThreadPoolExecutor(THREADS) as pool:

        def begin(find: Callable[[], Checks]) -> list[Future[Result]]:
            return [pool.submit(check.result, cluster) for check in find()]

        found = begin(lambda: (*CHECKS, *store_checks()))
        # To look for these takes as long as a check.
        later = [pool.submit(begin, find) for find in (in_aws, partial(_further_checks, cluster))]
        yield from (each.result() for each in found)
        for group in later:
            yield from (each.result() for each in group.result())


def _further_checks(cluster: Cluster) -> Checks:
    name = find_hostname(cluster)
    return (
        *secret_checks(cluster),
        *monitoring_checks(cluster),
        *checks_of_major(cluster),
        *(hostname_checks(name) if name else ()),
    )


def checks_in_aws() -> Checks:
    """Return the checks that ask the AWS account of ``.env``."""
    # Boto3 takes half a second to import, in which the other checks wait for kubectl.
    from backing_up.account import account_of  # noqa: PLC0415
    from capacity.account import account_checks  # noqa: PLC0415
    from capacity.alarms import alarm_check  # noqa: PLC0415
    from env_file import load_settings  # noqa: PLC0415
    from preflight.inquiry import AWS_CONFIG  # noqa: PLC0415

    account = account_of(ENV_FILE, config=AWS_CONFIG)
    has_alarms = load_settings(ENV_FILE).alarms is not None
    return (*account_checks(account), *([alarm_check(account)] if has_alarms else []))


def checks_not_in_aws() -> Checks:
    """Return the same parts where the AWS account is not known."""

    def look(_: Cluster) -> str:
        message = "not asked: --kubeconfig does not tell the AWS account"
        raise CheckWarning(message)

    return tuple(Check(part, look) for part in ("db storage", "kubernetes"))


def look(cluster: Cluster, name: str, in_aws: Callable[[], Checks]) -> Iterator[Result]:
    """Yield the results of one round; without access, only that.

    Args:
        cluster: the cluster.
        name: its name.
        in_aws: returns the checks that ask AWS.

    """
    try:
        # One request, which every authenticated user may make.
        cluster.kubectl("get", "--raw=/version")
    except CheckError as error:
        yield Result("cluster", "failed", no_way_into(name, str(error)))
        return
    yield Result("cluster", "ok", f"{name} answers")
    if sleeps := asleep(cluster):
        yield Result("awake", "warning", sleeps)
        return
    yield from results(cluster, in_aws)


def verify(rounds: Callable[[], Iterator[Result]], show: Show, seconds: float | None) -> NoReturn:
    """Run the checks and exit: with 0 if all passed in the last whole round.

    Args:
        rounds: returns the results of a round.
        show: shows them.
        seconds: time between two rounds; None for a single one.

    """
    all_ok: bool | None = None
    try:
        while True:
            all_ok = show(rounds())
            if seconds is None:
                break
            time.sleep(seconds)
    except KeyboardInterrupt:
        if all_ok is None:
            sys.exit("verify.py: interrupted.")
    except BrokenPipeError:
        # Nobody reads on; at its end, Python would write once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(not all_ok)


def _seconds(text: str) -> float:
    seconds = float(text)
    if seconds < SHORTEST:
        message = f"{text} is less than {SHORTEST} seconds"
        raise argparse.ArgumentTypeError(message)
    return seconds


def main() -> None:
    """Exit with 0 if all checks passed, with 1 if not."""
    parser = argparse.ArgumentParser(description="Say whether a deployed Langfuse works.")
    parser.add_argument("--kubeconfig", type=Path, help="use this file; the default logs in")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    parser.add_argument(
        "--watch",
        type=_seconds,
        nargs="?",
        const=INTERVAL,
        metavar="SECONDS",
        help=f"go on until Ctrl-C, every {INTERVAL} seconds, and print what changes; "
        "with --json, a document for each round",
    )
    options = parser.parse_args()
    in_aws = checks_not_in_aws if options.kubeconfig else checks_in_aws
    with access(options.kubeconfig) as (cluster, name):
        show: Show = show_lines
        if options.json:
            show = ShowDocuments(name)
        elif options.watch:
            show = ShowChanges()
        verify(partial(look, cluster, name, in_aws), show, options.watch)


if __name__ == "__main__":
    main()
