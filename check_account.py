"""Checks, before the first deploy, that nothing would stop it: ``uv run check_account.py``.

It reads ``.env`` and asks AWS, Terraform Cloud and the registries of the images, and changes
nothing. check_tools.py is apart: it needs neither accounts nor this project's packages, so it can
look at the tools first.
"""

import sys

import httpx

from backing_up.account import account_of
from env_file import SettingsError, load_settings
from preflight.checks import lines
from preflight.inquiry import AWS_CONFIG, HTTP_TIMEOUT, Inquiry
from verification.access import ENV_FILE
from verification.check import print_lines


def main() -> None:
    """Exit with 0 if nothing would stop a deploy, with 1 if something would."""
    try:
        settings = load_settings(ENV_FILE)
        account = account_of(ENV_FILE, config=AWS_CONFIG)
    except SettingsError as error:
        sys.exit(str(error))
    try:
        with httpx.Client(timeout=HTTP_TIMEOUT) as http:
            all_ok = print_lines(lines(Inquiry(settings, account, http)))
    except KeyboardInterrupt:
        sys.exit("check_account.py: interrupted.")
    sys.exit(not all_ok)


if __name__ == "__main__":
    main()
