"""Checks that the programs that a deploy runs are on PATH and new enough.

It needs neither ``.env`` nor an account; check_account.py begins with its lines.

Minimum versions: Terraform's, as OpenTofu's, is the first with write-only arguments; the AWS CLI's
is the first with ``client.authentication.k8s.io/v1beta1`` for EKS; kubectl may be one minor version
older than the cluster (Kubernetes' version skew policy).
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import Final

# Seconds for a program to say its version; the AWS CLI takes the longest at its first start.
TIMEOUT: Final = 20


@dataclass(frozen=True)
class Tool:
    """A program and its minimum version."""

    program: str
    version_arguments: tuple[str, ...]
    """Arguments with which it prints its version."""
    oldest: tuple[int, ...]
    """Minimum version."""

    @property
    def minimum(self) -> str:
        """Minimum version as text."""
        return ".".join(map(str, self.oldest))

    def fault(self) -> str | None:
        """Return the fault and its remedy, or None if the program is there and new enough."""
        remedy = f"install {self.minimum} or later"
        path = shutil.which(self.program)
        if path is None:
            return f"is not on PATH; {remedy}"
        try:
            done = subprocess.run(
                [path, *self.version_arguments],
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return f"does not run; {remedy}"
        found = re.search(r"(\d+)\.(\d+)\.(\d+)", done.stdout + done.stderr)
        if found is None:
            return f"does not say its version; {remedy}"
        if tuple(map(int, found.groups())) < self.oldest:
            return f"is {found[0]}, too old; {remedy}"
        return None


TOOLS: Final = (
    Tool(os.environ.get("TERRAFORM_BINARY_NAME") or "terraform", ("version",), (1, 11, 0)),
    Tool("aws", ("--version",), (2, 7, 0)),
    Tool("kubectl", ("version", "--client"), (1, 35, 0)),
)


def main() -> None:
    faults = [tool.fault() for tool in TOOLS]
    for tool, fault in zip(TOOLS, faults, strict=True):
        print(f"{tool.program:10} {fault or 'ok'}")
    sys.exit(any(faults))


if __name__ == "__main__":
    main()
