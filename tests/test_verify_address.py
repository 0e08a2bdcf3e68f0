"""What verify.py says of the public name, in front of a server with a certificate of its own."""

import ipaddress
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest

from tests.helpers.kubectl import Kubectl
from tests.helpers.serving import serving
from tests.rehearsal.stand_ins.certificates import Authority
from verification import public_hostname
from verification.cluster import Cluster
from verification.public_hostname import find_hostname, hostname_checks

# The certificate is for it, as for a name, and not for localhost, which leads there too.
NAME = "127.0.0.1"


class Health(BaseHTTPRequestHandler):
    """Langfuse behind Traefik."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/api/public/health" else 404)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as inherited
        pass


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """Return an authority that is trusted, whose certificates end in a day."""
    authority = Authority()
    (tmp_path / "ca.pem").write_text(authority.pem, encoding="utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return authority


@pytest.fixture(autouse=True)
def _server(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    certificate, key = authority.issue("rehearsal", "traefik", ipaddress.IPv4Address(NAME))
    (tmp_path / "server.pem").write_text(certificate + key, encoding="utf-8")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    server = ThreadingHTTPServer((NAME, 0), Health)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    monkeypatch.setattr(public_hostname, "PORT", server.server_port)
    monkeypatch.setattr(public_hostname, "MIN_DAYS", 0)
    with serving(server):
        yield


@pytest.fixture
def kubectl(tmp_path: Path) -> Kubectl:
    kubectl = Kubectl(tmp_path)
    kubectl.rule("*get?service?traefik*io/hostname*", f"echo {NAME}")
    kubectl.answer("*get?pods*", {"items": [{"spec": {"nodeName": "a"}}]})
    kubectl.answer("*get?node?a*", node(NAME))
    return kubectl


def node(external: str) -> dict[str, Any]:
    addresses = [
        {"type": "InternalIP", "address": "10.0.0.10"},
        {"type": "ExternalIP", "address": external},
    ]
    return {"status": {"addresses": addresses}}


@pytest.fixture
def cluster(tmp_path: Path, kubectl: Kubectl) -> Cluster:
    assert kubectl
    return Cluster(tmp_path / "kubeconfig", {"PATH": f"{tmp_path}:/usr/bin:/bin"})


def lines(cluster: Cluster, name: str = NAME) -> dict[str, str]:
    return {check.part: check.line(cluster)[1][13:] for check in hostname_checks(name)}


def test_name_is_that_of_traefik_s_service(cluster: Cluster, kubectl: Kubectl) -> None:
    assert find_hostname(cluster) == NAME
    kubectl.rule("*get?service*", "true")
    assert find_hostname(cluster) is None
    kubectl.rule("*get?service*", "false")
    assert find_hostname(cluster) is None


def test_all_is_well(cluster: Cluster) -> None:
    assert lines(cluster) == {
        "dns": f"ok   {NAME} is {NAME}",
        "certificate": f"ok   of {NAME}, 0 days left",
        "https": f"ok   https://{NAME} answers",
    }


def test_record_leads_elsewhere(cluster: Cluster, kubectl: Kubectl) -> None:
    kubectl.answer("*get?node?a*", node("203.0.113.9"))
    assert lines(cluster)["dns"].startswith(f"{NAME} is {NAME}, Traefik's node is 203.0.113.9; ")
    kubectl.answer("*get?pods*", {"items": []})
    assert "Traefik's node is nowhere" in lines(cluster)["dns"]


def test_there_is_no_record(cluster: Cluster) -> None:
    assert lines(cluster, "langfuse.invalid")["dns"].startswith("unreadable (gaierror); wait two")


def test_certificate_is_of_somebody_else(cluster: Cluster) -> None:
    found = lines(cluster, "localhost")
    assert "certificate is not valid for 'localhost'" in found["certificate"]
    assert found["https"].startswith("no answer (ConnectError)")


def test_certificate_is_not_trusted(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    assert (
        "unable to get local issuer certificate; is ACME_STAGING" in lines(cluster)["certificate"]
    )


def test_certificate_ends_soon(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_hostname, "MIN_DAYS", 14)
    assert lines(cluster)["certificate"].startswith("ends in 0 days; ")


def test_langfuse_is_not_well(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cast("Any", Health), "status", 503)
    assert lines(cluster)["https"].startswith("answers 503; ")
