"""Says whether the programs that a deploy runs are on PATH, and new enough.

Minimum versions: Terraform's is the first with write-only arguments; kubectl may be one minor
version older than the cluster (Kubernetes' version skew policy); the AWS CLI is the first to log in
to EKS with ``client.authentication.k8s.io/v1beta1``.
"""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Tool:
    """A program, how it says its version, and the oldest that will do."""

    program: str
    question: tuple[str, ...]
    oldest: tuple[int, ...]

    def fault(self) -> str | None:
        """Return what is wrong with it, and the remedy; None if nothing is."""
        oldest = ".".join(map(str, self.oldest))
        remedy = f"install {oldest} or later"
        path = shutil.which(self.program)
        if path is None:
            return f"is not on PATH; {remedy}"
        try:
            said = subprocess.run(
                [path, *self.question], capture_output=True, text=True, timeout=60, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return f"does not run; {remedy}"
        found = re.search(r"(\d+)\.(\d+)\.(\d+)", said.stdout + said.stderr)
        if found is None:
            return f"does not say its version; {remedy}"
        if tuple(map(int, found.groups())) < self.oldest:
            return f"is {found[0]}, too old; {remedy}"
        return None


TOOLS: Final = (
    Tool("terraform", ("version",), (1, 11, 0)),
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
