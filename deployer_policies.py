"""IAM policies of who deploys, local or remote: the files of ``policies/``, for an installation."""

import json
from pathlib import Path
from typing import Final

from contracts import TERRAFORM_CLOUD
from settings import Settings

FOLDER: Final = Path(__file__).parent / "policies"
DEPLOYER: Final = "deployer"
BOUNDARY: Final = "boundary"
PRIVATE_NODES: Final = "private-nodes"
ELASTICACHE: Final = "elasticache"


def document(name: str, settings: Settings) -> str:
    """Return a policy as compact JSON, in the partition ``aws``.

    Args:
        name: name of the file, such as ``DEPLOYER``.
        settings: of the installation that it is for.

    """
    policy = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return (
        json.dumps(policy, separators=(",", ":"))
        .replace("${name}", settings.name)
        .replace("${boundary}", settings.iam_permissions_boundary or "")
        .replace(TERRAFORM_CLOUD, settings.terraform_cloud_host)
    )


def policy_names(settings: Settings) -> list[str]:
    """Return the names of the policies that who deploys an installation needs."""
    further = {
        BOUNDARY: settings.iam_permissions_boundary,
        PRIVATE_NODES: settings.private_nodes,
        ELASTICACHE: settings.managed_redis,
    }
    return [DEPLOYER, *(name for name, is_needed in further.items() if is_needed)]
