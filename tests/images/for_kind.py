"""The app stack for a cluster that is not in AWS: what has to differ, and nothing else.

The releases are those that a deploy installs, by the same Terraform. IAM roles become access keys,
S3 another endpoint, and EBS the storage of the cluster.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

Document = dict[str, Any]

EBS: Final = "ebs.csi.aws.com"
# Of kind's default StorageClass.
LOCAL_PATH: Final = "rancher.io/local-path"
HTTPS_PORT: Final = 443
# The names of what a pod reads of S3.
BACKUPS_URL: Final = "BACKUPS_URL"


@dataclass(frozen=True)
class Cluster:
    """A cluster, and S3 as its pods reach it."""

    kubeconfig: Path
    s3: str
    """URL of an endpoint that takes buckets in the path."""
    access_key: str
    secret_key: str
    provisioner: str = LOCAL_PATH
    """Provisioner of volumes."""

    @property
    def login(self) -> list[Document]:
        """Environment variables with the access key."""
        keys = {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}
        return [{"name": name, "value": value} for name, value in keys.items()]


def adapt(stack: Document, cluster: Cluster) -> Document:
    """Return the synthesized app stack, adapted to a cluster.

    Args:
        stack: what Terraform is given for app.
        cluster: the cluster.

    """
    adapted = copy.deepcopy(stack)
    adapted["provider"]["helm"] = [{"kubernetes": {"config_path": str(cluster.kubeconfig)}}]
    for release in adapted["resource"]["helm_release"].values():
        release["values"] = [
            _values(text, adapted["locals"], cluster) for text in release["values"]
        ]
    return adapted


def _values(text: str, local_values: Mapping[str, str], cluster: Cluster) -> str:
    references = {f"${{local.{name}}}": value for name, value in local_values.items()}
    values: Document = yaml.load(references.get(text, text), Loader=yaml.CSafeLoader)
    if "s3" in values:
        values["s3"] |= {
            "endpoint": cluster.s3,
            "forcePathStyle": True,
            "accessKeyId": {"value": cluster.access_key},
            "secretAccessKey": {"value": cluster.secret_key},
        }
    for mapping in _mappings(values):
        for change in (_storage, _firewall, _container):
            change(mapping, cluster)
    # JSON is YAML.
    return json.dumps(values)


def _storage(manifest: Document, cluster: Cluster) -> None:
    if manifest.get("provisioner") == EBS:
        manifest["provisioner"] = cluster.provisioner
        del manifest["parameters"]


def _firewall(rule: Document, cluster: Cluster) -> None:
    """Have a NetworkPolicy that lets out to S3 let out to this endpoint's port as well."""
    if "ports" in rule and "to" not in rule and "from" not in rule:
        ports = rule["ports"]
        if any(each.get("port") == HTTPS_PORT for each in ports):
            ports.append({"port": urlsplit(cluster.s3).port, "protocol": "TCP"})


def _container(container: Document, cluster: Cluster) -> None:
    """Have what uses a bucket with the role of its pod use it with an access key."""
    environment = container.get("env", [])
    for variable in environment:
        if variable["name"] == BACKUPS_URL:
            host, _, path = variable["value"].removeprefix("https://").partition("/")
            bucket = host.partition(".s3.")[0]
            variable["value"] = f"{cluster.s3}/{bucket}/{path}"
            # backup.js has no URL of a bucket, but one of S3.
            environment += [*cluster.login, {"name": "S3_ENDPOINT", "value": cluster.s3}]
            return


def _mappings(node: object) -> Iterator[Document]:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _mappings(child)
