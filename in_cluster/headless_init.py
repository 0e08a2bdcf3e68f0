"""Langfuse's headless initialization: the first user, organization and project."""

from dataclasses import dataclass
from typing import Any

from in_cluster.names import ORGANIZATION_ID, PROJECT_ID, ProjectKey, SecretKey, from_secret


@dataclass(frozen=True, kw_only=True)
class HeadlessInit:
    """What Langfuse creates at its first start; later changes of these values have no effect."""

    user_email: str
    user_name: str
    organization_name: str
    project_name: str
    project_keys: bool
    """Whether Langfuse makes API keys of the project, at any start at which it lacks them."""

    def environment(self) -> list[dict[str, Any]]:
        """Return web's variables; without LANGFUSE_INIT_ORG_ID it ignores the others."""
        variables: list[dict[str, Any]] = [
            {"name": "LANGFUSE_INIT_ORG_ID", "value": ORGANIZATION_ID},
            {"name": "LANGFUSE_INIT_ORG_NAME", "value": self.organization_name},
            {"name": "LANGFUSE_INIT_PROJECT_ID", "value": PROJECT_ID},
            {"name": "LANGFUSE_INIT_PROJECT_NAME", "value": self.project_name},
            {"name": "LANGFUSE_INIT_USER_EMAIL", "value": self.user_email},
            {"name": "LANGFUSE_INIT_USER_NAME", "value": self.user_name},
            {
                "name": "LANGFUSE_INIT_USER_PASSWORD",
                "valueFrom": from_secret(SecretKey.ADMIN_PASSWORD),
            },
        ]
        if self.project_keys:
            variables += [
                {"name": f"LANGFUSE_INIT_PROJECT_{half}_KEY", "valueFrom": from_secret(key)}
                for half, key in ProjectKey.__members__.items()
            ]
        return variables
