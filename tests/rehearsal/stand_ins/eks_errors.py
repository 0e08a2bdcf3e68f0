"""The errors of EKS, by the names under which Terraform knows them."""

from collections.abc import Mapping


class EksError(Exception):
    """An answer that is an error of EKS."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Keep what the answer needs."""
        super().__init__(message)
        self.status = status
        self.code = code


class NotFoundError(EksError):
    """There is no such thing."""

    def __init__(self, what: str) -> None:
        """Say what there is none of."""
        super().__init__(404, "ResourceNotFoundException", f"No {what} found.")


class InUseError(EksError):
    """There is such a thing already, or something still needs it."""

    def __init__(self, what: str) -> None:
        """Say what is in the way."""
        super().__init__(409, "ResourceInUseException", f"In use: {what}.")


class ScalingError(EksError):
    """A node group cannot have this size."""

    def __init__(self, size: Mapping[str, int]) -> None:
        """Say which."""
        super().__init__(400, "InvalidParameterException", f"no size of a node group: {size}")


class UnsupportedVersionError(EksError):
    """Nobody can have a cluster of this version any more."""

    def __init__(self, version: str) -> None:
        """Say which."""
        super().__init__(
            400, "InvalidParameterException", f"unsupported Kubernetes version {version}"
        )
