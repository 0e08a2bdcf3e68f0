"""Check of the images: whether the registry has each, for the processor of the nodes.

Nodes pull them, not this machine: what cannot be asked from here is a warning.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

import httpx

import images
import sizing
from preflight.inquiry import Inquiry
from verification.check import CheckWarning
from verification.cluster import CheckError

# Host of the registry's API, where it is another than in an image's name.
_HOSTS: Final = {images.DOCKER_HUB: "registry-1.docker.io"}
_MANIFESTS: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


def pulled_images(inquiry: Inquiry) -> str:
    """Check that each image of the pods is in its registry, and return their number.

    Raises:
        CheckError: one is not there, or not for the nodes' processor.
        CheckWarning: a registry does not say.

    """
    settings = inquiry.settings
    architecture = "arm64" if sizing.is_arm(settings.node_instance_type) else "amd64"
    source = settings.image_source
    is_used = {
        images.TRAEFIK: settings.public_name,
        images.EXTERNAL_DNS: settings.public_name,
        images.EXTERNAL_SECRETS: settings.has_external_secrets,
        images.VICTORIA_METRICS: settings.has_monitoring,
        images.GRAFANA: settings.has_monitoring,
        images.VALKEY: settings.managed_redis is None,
        images.LINES[settings.langfuse_major].clickhouse: settings.own_clickhouse is None,
    }
    pods = images.of_all_pods(settings.langfuse_major)
    wanted = [image for image in pods if is_used.get(image, True)]
    for image in wanted:
        host, _, path = source.registry(image).partition("/")
        repository = f"{path}/{image.repository}" if path else image.repository
        tag, _, digest = source.tag(image).partition("@")
        found = _Repository(inquiry.http, host, repository).architectures(digest or tag)
        if found is None:
            message = (
                f"{host} has no {repository}:{source.tag(image)}; copy it there, or correct "
                "IMAGE_REGISTRY and IMAGE_DIGESTS"
            )
            raise CheckError(message)
        if architecture not in found:
            message = (
                f"{host} has {repository}:{source.tag(image)} for {', '.join(sorted(found))}, and "
                f"{settings.node_instance_type} needs {architecture}; copy that, or choose another "
                "NODE_INSTANCE_TYPE"
            )
            raise CheckError(message)
    return f"{len(wanted)} for {architecture}"


@dataclass
class _Repository:
    """A repository of a registry, read without a login."""

    http: httpx.Client
    host: str
    repository: str
    token: str = ""

    def architectures(self, reference: str) -> set[str] | None:
        """Return the processors that an image is for; None if it is not there.

        Args:
            reference: its tag or digest.

        """
        manifest = self._get(f"manifests/{reference}")
        if manifest is None:
            return None
        if "manifests" in manifest:
            platforms = [each.get("platform", {}) for each in manifest["manifests"]]
            # Attestations are of an unknown system.
            return {each["architecture"] for each in platforms if each.get("os") == "linux"}
        config = self._get(f"blobs/{manifest['config']['digest']}") or {}
        return {str(config.get("architecture"))}

    def _get(self, path: str) -> dict[str, Any] | None:
        """Return a document; None if it is not there.

        Raises:
            CheckWarning: the registry does not say.

        """
        answer = self._ask(path)
        if answer.status_code == httpx.codes.UNAUTHORIZED and not self.token:
            self.token = self._anonymous_token(answer.headers.get("WWW-Authenticate", ""))
            answer = self._ask(path)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            message = f"not known: {self.host} answers 429, too many requests from this address"
            raise CheckWarning(message)
        if answer.status_code != httpx.codes.OK:
            message = f"not known: {self.host} answers {answer.status_code} for {self.repository}"
            raise CheckWarning(message)
        found: dict[str, Any] = answer.json()
        return found

    def _ask(self, path: str) -> httpx.Response:
        url = f"https://{_HOSTS.get(self.host, self.host)}/v2/{self.repository}/{path}"
        headers = {"Accept": ", ".join(_MANIFESTS)}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        # Blobs are at another host, to which httpx does not hand the token on.
        return self.http.get(url, headers=headers, follow_redirects=True)

    def _anonymous_token(self, challenge: str) -> str:
        """Return the token that the registry's challenge leads to.

        Raises:
            CheckWarning: there is none without a login.

        """
        asked = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        realm = asked.pop("realm", "")
        if challenge.lower().startswith("bearer ") and realm.startswith("https://"):
            answer = self.http.get(realm, params=asked)
            if answer.is_success:
                body = answer.json()
                return str(body.get("token") or body.get("access_token"))
        message = f"not known: {self.host} wants a login, which nodes may have"
        raise CheckWarning(message)
