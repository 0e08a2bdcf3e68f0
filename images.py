"""Images of the pods, and where nodes pull them from."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import versions

DOCKER_HUB: Final = "docker.io"


@dataclass(frozen=True)
class Image:
    """An image in its home registry."""

    registry: str
    """Host of the registry."""
    repository: str
    """Repository in the registry; Docker Hub's official images are below ``library/``."""
    tag: str

    @property
    def name(self) -> str:
        """Shortest name without tag, as for ``docker pull``: no Docker Hub, no ``library/``."""
        if self.registry == DOCKER_HUB:
            return self.repository.removeprefix("library/")
        return f"{self.registry}/{self.repository}"


@dataclass(frozen=True, kw_only=True)
class LineImages:
    """Images that differ between major versions of Langfuse, by their tags only."""

    web: Image
    worker: Image
    clickhouse: Image


LINES: Final[Mapping[int, LineImages]] = {
    major: LineImages(
        web=Image(DOCKER_HUB, "langfuse/langfuse", line.langfuse),
        worker=Image(DOCKER_HUB, "langfuse/langfuse-worker", line.langfuse),
        clickhouse=Image(DOCKER_HUB, "clickhouse/clickhouse-server", line.clickhouse),
    )
    for major, line in versions.LANGFUSE_LINES.items()
}
VALKEY: Final = Image(DOCKER_HUB, "valkey/valkey", versions.VALKEY_IMAGE)
TRAEFIK: Final = Image(DOCKER_HUB, "library/traefik", versions.TRAEFIK_IMAGE)
EXTERNAL_DNS: Final = Image(
    "registry.k8s.io", "external-dns/external-dns", versions.EXTERNAL_DNS_IMAGE
)
EXTERNAL_SECRETS: Final = Image(
    "ghcr.io", "external-secrets/external-secrets", versions.EXTERNAL_SECRETS_IMAGE
)
VICTORIA_METRICS: Final = Image(
    DOCKER_HUB, "victoriametrics/victoria-metrics", versions.VICTORIA_METRICS_IMAGE
)
GRAFANA: Final = Image(DOCKER_HUB, "grafana/grafana", versions.GRAFANA_IMAGE)
# Of a pod that no stack makes: a printed command does (docs/operations.md, Look at the database).
SOCAT: Final = Image(DOCKER_HUB, "alpine/socat", versions.SOCAT_IMAGE)


def of_all_pods(major: int) -> tuple[Image, ...]:
    """Return the images of all pods that the stacks make, for a major version of Langfuse."""
    line = LINES[major]
    return (
        *(line.web, line.worker, line.clickhouse),
        *(VALKEY, TRAEFIK, EXTERNAL_DNS, EXTERNAL_SECRETS, VICTORIA_METRICS, GRAFANA),
    )


# Names of these images and their registries, the same for each major version.
NAMES: Final = tuple(image.name for image in of_all_pods(min(LINES)))
REGISTRIES: Final = tuple(dict.fromkeys(image.registry for image in of_all_pods(min(LINES))))

# Hosts of ECR's private registries.
_ECR: Final = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?"
)


@dataclass(frozen=True, kw_only=True)
class ImageSource:
    """Where nodes pull images from: by default each image's home registry, by its tag."""

    mirror: str | None = None
    """Registry with all images, and optionally a path in it: ``registry.example.com/mirror``."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """Pinned digests, such as ``sha256:...``, by the images' names."""

    def registry(self, image: Image) -> str:
        """Return the registry with the path to the image's repository.

        A mirror has each image below the host of its home registry: a pull-through cache of ECR has
        one prefix for each upstream registry (docs/adr/0023-layout-of-a-mirror.md).
        """
        return f"{self.mirror}/{image.registry}" if self.mirror else image.registry

    def repository(self, image: Image) -> str:
        """Return the reference without tag."""
        return f"{self.registry(image)}/{image.repository}" if self.mirror else image.name

    def tag(self, image: Image) -> str:
        """Return the tag, with the digest if one is pinned; nodes then verify the digest only."""
        digest = self.digests.get(image.name)
        return f"{image.tag}@{digest}" if digest else image.tag

    def reference(self, image: Image) -> str:
        """Return the reference, as a container has it."""
        return f"{self.repository(image)}:{self.tag(image)}"

    def chart_values(self, image: Image, *, split: bool = False) -> dict[str, dict[str, str]]:
        """Return the value ``image`` of a chart, without what the chart already has.

        Without a pinned digest the chart's own tag applies, as the user may choose another chart.

        Args:
            image: the image.
            split: whether the chart has registry and repository as two values.

        """
        values: dict[str, str] = {}
        if self.mirror and split:
            values = {"registry": self.registry(image), "repository": image.repository}
        elif self.mirror:
            values = {"repository": self.repository(image)}
        if image.name in self.digests:
            values["tag"] = self.tag(image)
        return {"image": values} if values else {}

    def ecr_repositories(self, registries: Iterable[str]) -> list[str]:
        """Return a mirror's repositories in ECR, as patterns of ARNs after the partition; or none.

        Args:
            registries: home registries of the images.

        """
        host, _, path = (self.mirror or "").partition("/")
        ecr = _ECR.fullmatch(host)
        if ecr is None:
            return []
        prefix = f"{path}/" if path else ""
        return [
            f"ecr:{ecr['region']}:{ecr['account']}:repository/{prefix}{registry}/*"
            for registry in registries
        ]
