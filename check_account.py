"""Checks, before the first deploy, that nothing would stop it: ``uv run check_account.py``.

It reads ``.env`` and asks AWS, Terraform Cloud and the registries of the images, and changes
nothing. Its first lines are those of check_tools.py, which needs no ``.env``.
"""

import sys

import httpx

from backing_up.account import account_of
from env_file import SettingsError, load_settings, warnings
from preflight.checks import lines
from preflight.inquiry import AWS_CONFIG, HTTP_TIMEOUT, Inquiry
from preflight.tools import tool_lines
from verification.access import ENV_FILE
from verification.check import print_lines, warning_line


def main() -> None:
    """Exit with 0 if nothing would stop a deploy, with 1 if something would."""
    try:
        tools_ok = print_lines(tool_lines())
        accounts_ok = _ask_accounts()
    except SettingsError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("check_account.py: interrupted.")
    sys.exit(not (tools_ok and accounts_ok))


def _ask_accounts() -> bool:
    """Print a line for each check, and return whether all passed.

    Raises:
        SettingsError: ``.env`` is missing or has faults.

    """
    settings = load_settings(ENV_FILE)
    account = account_of(ENV_FILE, config=AWS_CONFIG)
    print_lines((True, warning_line("settings", each)) for each in warnings(ENV_FILE, settings))
    with _client() as http:
        return print_lines(lines(Inquiry(settings, account, http)))


def _client() -> httpx.Client:
    """Return a client that goes by the variables about proxies and certificates.

    Raises:
        SettingsError: it cannot go by one of them.

    """
    try:
        return httpx.Client(timeout=HTTP_TIMEOUT)
    except (httpx.InvalidURL, ImportError, OSError, ValueError) as error:
        message = (
            "HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE: one of them cannot be used "
            f"({type(error).__name__}); correct it, or unset it in the environment"
        )
        raise SettingsError(message) from None


if __name__ == "__main__":
    main()
