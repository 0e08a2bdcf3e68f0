"""Lines of ``.env`` about proxies and certificates, which no program of ours has a field for.

They go to every program as they are; docs/other-ways-in.md says which program reads which. A fault
here would be another one in each of them, and in some of them none at all.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

# Go takes the first of a pair, Python the second.
PROXIES: Final = {"HTTP_PROXY": "http_proxy", "HTTPS_PROXY": "https_proxy"}
EXCEPTIONS: Final = {"NO_PROXY": "no_proxy"}
# Files with certificates of authorities, as PEM.
CERTIFICATES: Final = (
    "AWS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
)
# Has Node 22.21 and later read the proxies.
SWITCHES: Final = ("NODE_USE_ENV_PROXY",)

_PAIRS: Final = {**PROXIES, **EXCEPTIONS}
NETWORK: Final = (*_PAIRS, *_PAIRS.values(), *CERTIFICATES, *SWITCHES)

LARGEST_PORT: Final = 65535
# All programs take this form, and no other.
_PROXY: Final = r"https?://([^\s/@]+@)?(\[[0-9A-Fa-f:.]+\]|[^\s/:@\[\]]+)(:[0-9]{1,5})?/?"


def faults(lines: Mapping[str, str]) -> Iterator[str]:
    """Yield the faults of these lines, without their values: a proxy's may hold a password."""
    for name in (*PROXIES, *PROXIES.values()):
        if lines.get(name) and not _is_proxy(lines[name]):
            fault = f"{name}: is no proxy; expected http://HOST:PORT"
            yield fault
    for upper, lower in _PAIRS.items():
        if upper in lines and lower in lines and lines[upper] != lines[lower]:
            fault = (
                f"{upper}, {lower}: differ, and some programs read the first, others the second; "
                "remove one"
            )
            yield fault
    for name in CERTIFICATES:
        path = Path(lines.get(name, ""))
        # Terraform runs in a folder of its own.
        if lines.get(name) and not path.is_absolute():
            fault = f"{name}: is no full path; expected one that begins with /"
            yield fault
        elif lines.get(name) and not _is_pem(path):
            fault = f"{name}: is no readable file of certificates; expected the path of a PEM file"
            yield fault


def _is_proxy(value: str) -> bool:
    found = re.fullmatch(_PROXY, value)
    return found is not None and int((found[3] or ":0")[1:]) <= LARGEST_PORT


def _is_pem(path: Path) -> bool:
    try:
        return b"-----BEGIN CERTIFICATE-----" in path.read_bytes()
    except OSError:
        return False
