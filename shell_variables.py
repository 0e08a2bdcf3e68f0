"""Variables of the environment that no line of ``.env`` sets, and that misdirect a deploy.

Shells of people who use AWS and Terraform for something else as well export them. Programs read
them by themselves, so nothing here can overrule them; ``unset`` does.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import network_lines

REGION: Final = "AWS_DEFAULT_REGION"
# What each does; read in the sources of Terraform 1.11 and of the AWS CLI 2.
_MISDIRECT: Final[Mapping[str, str]] = {
    "TF_WORKSPACE": "Terraform looks for a workspace of that name",
    "TF_DATA_DIR": "the stacks share one folder of Terraform's",
}


def faults(lines: Mapping[str, str], environ: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with variables of the environment, without their values.

    Args:
        lines: variables of ``.env``.
        environ: the environment.

    """
    others = {key: value for key, value in environ.items() if key not in lines and value}
    for name, effect in _MISDIRECT.items():
        if name in others:
            yield f"{name}: set in the environment, so that {effect}; unset it"
    for name in ("ALL_PROXY", "all_proxy"):
        if others.get(name, "").startswith("socks"):
            yield f"{name}: set in the environment; SOCKS is not taken here, unset it"
    region = environ.get(REGION) or lines.get(REGION)
    if others.get("AWS_REGION", region) != region:
        yield f"AWS_REGION: set in the environment, and goes before {REGION}; unset it"
    key = lines.get("AWS_ACCESS_KEY_ID")
    if "AWS_SESSION_TOKEN" in others and key and environ.get("AWS_ACCESS_KEY_ID", key) == key:
        yield "AWS_SESSION_TOKEN: set in the environment, and belongs to another key; unset it"
    given = {name: value for name, value in others.items() if name in network_lines.NETWORK}
    for fault in network_lines.faults(given):
        yield f"{fault}; set in the environment"
