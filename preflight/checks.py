"""The checks of check_account.py, and how they run.

A new check is a function and a line here. The function raises ``CheckError`` if a deploy would
stop, with the remedy in its message, and ``CheckWarning`` if it may not.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Final

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from backing_up.account import AWS_ERRORS, reason_of
from preflight.hosted_zone import hosted_zone
from preflight.identity import credentials, plan, region
from preflight.inquiry import Inquiry, unknown
from preflight.names import names
from preflight.offers import database_class, kubernetes, zones
from preflight.permissions import permissions
from preflight.quotas import databases, snapshots, vcpus, vpcs
from preflight.registry import pulled_images
from preflight.terraform_cloud import terraform_cloud
from verification.check import Check, CheckWarning, Line
from verification.cluster import CheckError

# Seconds after which a check is given up.
TIMEOUT: Final = 40


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
ELSEWHERE: Final = (_check("terraform", terraform_cloud), _check("images", pulled_images))


def lines(inquiry: Inquiry) -> Iterator[Line]:
    """Run all checks side by side, and yield the line of each in their order."""
    name = inquiry.settings.public_name
    in_aws = IN_AWS if name is None else (*IN_AWS, _check("zone", partial(hosted_zone, name)))
    with ThreadPoolExecutor(len(in_aws) + len(ELSEWHERE)) as pool:

        def begin(checks: tuple[Check[Inquiry], ...]) -> list[tuple[Check[Inquiry], Future[Line]]]:
            return [(check, pool.submit(check.line, inquiry)) for check in checks]

        elsewhere = begin(ELSEWHERE)
        is_open = True
        for check in FIRST:
            if is_open:
                is_open, line = check.line(inquiry)
                yield is_open, line
        for check, future in (*begin(in_aws if is_open else ()), *elsewhere):
            yield _in_time(check, future)


def _in_time(check: Check[Inquiry], future: Future[Line]) -> Line:
    try:
        return future.result(TIMEOUT)
    except TimeoutError:
        return True, check.warning(f"not known: no answer in {TIMEOUT} s")
