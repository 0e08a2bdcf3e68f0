"""The options, by name: the lines that each adds to the eight variables of ``.env``.

A new option adds its lines here, its test file beside this one, and its snapshot by
``uv run --group test pytest --snapshot-update``: what it changes of the default.
"""

from collections.abc import Mapping
from typing import Final

OPTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "alarms": {"ALARM_EMAIL": "ops@example.com", "MONTHLY_BUDGET_USD": "180"},
    "arm": {"NODE_INSTANCE_TYPE": "t4g.medium"},
    "awake_hours": {"AWAKE_HOURS": "'Mon-Fri 08:00-20:00 Europe/Berlin'"},
    "closed_database": {"DATABASE_ALLOWED_CIDRS": "none"},
    "elasticache": {"REDIS": "elasticache"},
    "external_secrets": {"SECRETS": "external"},
    "extra_env": {
        "LANGFUSE_EXTRA_ENV": "tests/data/extra.env",
        "TF_VAR_langfuse_env_SMTP_CONNECTION_URL": "'smtps://ada:do-not-print@example.com:465'",
        "TF_VAR_langfuse_env_AUTH_CUSTOM_CLIENT_SECRET": "'do-not-print $,{}#'",
    },
    "extra_values": {"LANGFUSE_EXTRA_VALUES": "tests/data/extra_values.yaml"},
    "image_registry": {
        "IMAGE_REGISTRY": "123456789012.dkr.ecr.us-east-1.amazonaws.com",
        "IMAGE_DIGESTS": f"langfuse/langfuse@sha256:{1:064},valkey/valkey@sha256:{2:064}",
    },
    "langfuse_4": {"LANGFUSE_MAJOR": "4"},
    "local_chart": {"LANGFUSE_CHART": "tests/data/chart"},
    # Two t3.medium have no room for it.
    "monitoring": {"MONITORING": "grafana", "NODE_INSTANCE_TYPE": "t3.large"},
    "own_clickhouse": {
        "CLICKHOUSE_URL": "https://clickhouse.example.com:8443",
        "CLICKHOUSE_PASSWORD": "'do-not-print-own'",
        "TF_VAR_clickhouse_password": "${CLICKHOUSE_PASSWORD}",
    },
    "permissions_boundary": {
        "IAM_PERMISSIONS_BOUNDARY": "arn:aws:iam::123456789012:policy/boundary"
    },
    "private_nodes": {"NODE_SUBNETS": "private"},
    "private_nodes_nat_instance": {"NODE_SUBNETS": "private", "NAT": "instance"},
    "project_keys": {"LANGFUSE_PROJECT_KEYS": "true"},
    "public_name": {
        "LANGFUSE_DOMAIN": "langfuse.example.com",
        "ROUTE53_ZONE": "example.com",
    },
    "remote_runs": {"TERRAFORM_CLOUD_RUNS": "remote"},
    "terraform_cloud_host": {"TERRAFORM_CLOUD_HOST": "app.eu.terraform.io"},
    "single_node": {"NODE_COUNT": "1", "NODE_INSTANCE_TYPE": "t3.large"},
}
