"""Certificates for servers that live as long as one test run."""

import ipaddress
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SIGNS_CERTIFICATES: Final = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


class Authority:
    """The cluster's own authority: it signs the API server and the administrator, nobody else."""

    def __init__(self) -> None:
        """Sign itself first."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rehearsal")])
        authority = x509.BasicConstraints(ca=True, path_length=0)
        self.pem = self._sign(self._name, self._key.public_key(), authority, SIGNS_CERTIFICATES)

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *extensions: x509.ExtensionType
    ) -> str:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
        )
        # Python 3.13 and later verify strictly: each certificate names its key and its issuer's.
        key_identifiers: list[x509.ExtensionType] = [
            x509.SubjectKeyIdentifier.from_public_key(key),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
        ]
        for extension in (*key_identifiers, *extensions):
            critical = isinstance(extension, x509.BasicConstraints | x509.KeyUsage)
            builder = builder.add_extension(extension, critical=critical)
        return (
            builder.sign(self._key, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
            .decode()
        )

    def issue(
        self, organization: str, common_name: str, *addresses: ipaddress.IPv4Address | str
    ) -> tuple[str, str]:
        """Return a certificate and its key.

        With addresses or hosts it is a server's, without a client's.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        names = ((NameOID.ORGANIZATION_NAME, organization), (NameOID.COMMON_NAME, common_name))
        subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in names])
        extensions: list[x509.ExtensionType] = [
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        ]
        if addresses:
            extensions = [
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
                x509.SubjectAlternativeName(
                    [
                        x509.DNSName(each) if isinstance(each, str) else x509.IPAddress(each)
                        for each in addresses
                    ]
                ),
            ]
        return self._sign(subject, key.public_key(), *extensions), _pem(key)
