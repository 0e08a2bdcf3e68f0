"""Checks of the public hostname, for an installation that has one (docs/https.md)."""

import socket
import ssl
import time
from functools import partial
from typing import Final

import httpx

from in_cluster.external_dns_values import HOSTNAME
from in_cluster.names import EXTERNAL_DNS, NAME_LABEL, TRAEFIK
from verification.check import Check
from verification.checks import LOGS
from verification.cluster import TIMEOUT, CheckError, Cluster

PORT: Final = 443

# Traefik renews a certificate 30 days before its end, so with fewer days left renewals have failed.
MIN_DAYS: Final = 14


def find_hostname(cluster: Cluster) -> str | None:
    """Return the hostname that ExternalDNS publishes for Traefik's Service; None without one."""
    annotation = HOSTNAME.replace(".", r"\.")
    host = f"--output=jsonpath={{.metadata.annotations.{annotation}}}"
    try:
        found = cluster.kubectl("get", "service", TRAEFIK, "--ignore-not-found", host)
        return found.strip() or None
    except CheckError:
        # The other checks report what is wrong with the cluster.
        return None


def hostname_checks(name: str) -> tuple[Check[Cluster], ...]:
    """Return the checks of this hostname."""
    return (
        Check(
            "dns", partial(dns, name), f"wait two minutes, then {LOGS} deployment/{EXTERNAL_DNS}"
        ),
        Check(
            "certificate",
            partial(certificate, name),
            f"is ACME_STAGING set? Otherwise {LOGS} deployment/{TRAEFIK}",
        ),
        Check("https", partial(https, name), "is INGRESS_ALLOWED_CIDRS too narrow for you?"),
    )


def dns(name: str, cluster: Cluster) -> str:
    """Compare the addresses that the hostname resolves to with those of Traefik's node.

    Raises:
        CheckError: they differ.

    """
    found = {str(each[4][0]) for each in socket.getaddrinfo(name, PORT, socket.AF_INET)}
    pods = cluster.get("pods", f"--selector={NAME_LABEL}={TRAEFIK}")["items"]
    wanted = {
        address["address"]
        for pod in pods
        for address in cluster.get("node", pod["spec"]["nodeName"])["status"]["addresses"]
        if address["type"] == "ExternalIP"
    }
    if found != wanted:
        message = f"{name} is {_list(found)}, Traefik's node is {_list(wanted)}"
        raise CheckError(message)
    return f"{name} is {_list(found)}"


def _list(addresses: set[str]) -> str:
    return ", ".join(sorted(addresses)) or "nowhere"


def certificate(name: str, _: Cluster) -> str:
    """Verify the certificate and its hostname, and return the days until it expires.

    Raises:
        CheckError: it is not valid, or expires in fewer than ``MIN_DAYS`` days.

    """
    try:
        with (
            socket.create_connection((name, PORT), timeout=TIMEOUT) as connection,
            httpx.create_ssl_context().wrap_socket(connection, server_hostname=name) as secure,
        ):
            about = secure.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        raise CheckError(error.verify_message) from None
    days = int((ssl.cert_time_to_seconds(str(about["notAfter"])) - time.time()) // 86400)
    if days < MIN_DAYS:
        message = f"ends in {days} days"
        raise CheckError(message)
    return f"of {name}, {days} days left"


def https(name: str, _: Cluster) -> str:
    """Request web's health through Traefik.

    Raises:
        CheckError: no answer, or not with 200.

    """
    try:
        answer = httpx.get(
            f"https://{name}:{PORT}/api/public/health",
            timeout=TIMEOUT,
            verify=httpx.create_ssl_context(),
        )
    except httpx.HTTPError as error:
        message = f"no answer ({type(error).__name__})"
        raise CheckError(message) from None
    if answer.status_code != httpx.codes.OK:
        message = f"answers {answer.status_code}"
        raise CheckError(message)
    return f"https://{name} answers"
