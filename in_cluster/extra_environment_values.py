"""Values of the Langfuse chart for further environment variables of web and worker."""

from typing import Any

from extra_environment import ExtraEnvironment
from in_cluster.names import from_secret
from in_cluster.terraform_text import literal


def extra_environment_values(extra: ExtraEnvironment, *, secrets_checksum: str) -> dict[str, Any]:
    """Return the values; none if there are no variables.

    Args:
        extra: the variables; of a secret one, the release's Secret has the value under its name.
        secrets_checksum: text that changes with the secrets; Kubernetes restarts no pod for a
            changed Secret.

    """
    variables = [
        # Kubernetes puts variables in place of $(NAME), and takes $$ for a dollar.
        *(
            {"name": name, "value": literal(value.replace("$", "$$"))}
            for name, value in extra.plain.items()
        ),
        *({"name": name, "valueFrom": from_secret(name)} for name in extra.secret),
    ]
    annotations = {"checksum/extra-environment": secrets_checksum}
    return {
        **({"additionalEnv": variables} if variables else {}),
        **({"pod": {"annotations": annotations}} if extra.secret else {}),
    }
