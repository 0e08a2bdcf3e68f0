"""Security contexts of pods and containers."""

from typing import Final

SECCOMP: Final = {"seccompProfile": {"type": "RuntimeDefault"}}

# Both of Langfuse's images run as uid 1001 (USER in web/Dockerfile and worker/Dockerfile) but give
# its name, which runAsNonRoot cannot verify: hence the number.
LANGFUSE_POD: Final = {"runAsNonRoot": True, "runAsUser": 1001, **SECCOMP}

# Web's and worker's root file system stays writable: Next.js and Prisma write caches to it.
CONTAINER: Final = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}
READ_ONLY_CONTAINER: Final = {**CONTAINER, "readOnlyRootFilesystem": True}
