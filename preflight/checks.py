"""The checks of check_account.py, and how they run.

A new check is a function and a line here. The function raises ``CheckError`` if a deploy
or a later destroy would stop, with the remedy in its message, and ``CheckWarning`` if it may not.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from threading import Thread
from time import monotonic
from typing import Final

import httpx
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from backing_up.account import AWS_ERRORS, reason_of
from preflight.hosted_zone import hosted_zone
from preflight.identity import credentials, plan, region
from preflight.inquiry import Inquiry, unknown
from preflight.names import names
from preflight.offers import cache_node_type, database_class, kubernetes, zones
from preflight.permissions import permissions
from preflight.quotas import addresses, databases, nat_gateways, snapshots, vcpus, vpcs
from preflight.registry import pulled_images
from preflight.terraform_cloud import organization
from verification.check import Check, CheckWarning, Line, warning_line
from verification.cluster import CheckError

# Seconds after which every check is given up. The tools take 20 more at most: a minute in all.
TIMEOUT: Final = 35


def _check(part: str, look: Callable[[Inquiry], str]) -> Check[Inquiry]:
    return Check(part, partial(_answered, look))


def _answered(look: Callable[[Inquiry], str], inquiry: Inquiry) -> str:
    """Return what ``look`` returns.

    Raises:
        CheckError: as it does.
        CheckWarning: as it does, or it failed: a question without an answer stops no deploy.

    """
    try:
        return look(inquiry)
    except CheckError:
        raise
    except ClientError as error:
        raise CheckWarning(unknown(error)) from None
    except AWS_ERRORS as error:
        message = f"not known: {reason_of(error)}"
        raise CheckWarning(message) from None
    except httpx.TransportError as error:
        host = error.request.url.host
        message = f"not known: {host} cannot be reached ({type(error).__name__})"
        raise CheckWarning(message) from None
    except Exception as error:  # noqa: BLE001 - its text may hold a secret
        message = f"not known ({type(error).__name__})"
        raise CheckWarning(message) from None


# Without these two, AWS answers nothing else.
FIRST: Final = (_check("credentials", credentials), _check("region", region))
IN_AWS: Final = (
    _check("plan", plan),
    _check("permissions", permissions),
    _check("names", names),
    _check("zones", zones),
    _check("vcpus", vcpus),
    _check("vpcs", vpcs),
    _check("kubernetes", kubernetes),
    _check("db class", database_class),
    _check("db quota", databases),
    _check("snapshots", snapshots),
)
GATEWAY: Final = (_check("addresses", addresses), _check("gateways", nat_gateways))
ELSEWHERE: Final = (_check("organization", organization), _check("images", pulled_images))


def in_aws(inquiry: Inquiry) -> tuple[Check[Inquiry], ...]:
    """Return the checks of the account; those of an option only where it is on."""
    settings = inquiry.settings
    name, redis = settings.public_name, settings.managed_redis
    has_gateway = settings.private_nodes is not None and not settings.has_nat_instance
    return (
        *IN_AWS,
        *([_check("cache node", partial(cache_node_type, redis))] if redis else []),
        *([_check("zone", partial(hosted_zone, name))] if name else []),
        *(GATEWAY if has_gateway else []),
    )


def lines(inquiry: Inquiry) -> Iterator[Line]:
    """Run all checks side by side, and yield the line of each in their order."""
    end = monotonic() + TIMEOUT
    elsewhere = _begin(ELSEWHERE, inquiry)
    is_open = True
    for check in FIRST:
        if is_open:
            is_open, line = _line(*_begin((check,), inquiry)[0], end)
            yield is_open, line
    for begun in (*_begin(in_aws(inquiry) if is_open else (), inquiry), *elsewhere):
        yield _line(*begun, end)


def _begin(
    checks: tuple[Check[Inquiry], ...], inquiry: Inquiry
) -> list[tuple[Check[Inquiry], Future[Line]]]:
    """Start checks, which do not hold up the program's end."""

    def run(check: Check[Inquiry], future: Future[Line]) -> None:
        future.set_result(check.line(inquiry))

    begun = [(check, Future[Line]()) for check in checks]
    for each in begun:
        Thread(target=run, args=each, daemon=True).start()
    return begun


def _line(check: Check[Inquiry], future: Future[Line], end: float) -> Line:
    try:
        return future.result(max(end - monotonic(), 0))
    except TimeoutError:
        return True, warning_line(check.part, f"not known: no answer in {TIMEOUT} s")
