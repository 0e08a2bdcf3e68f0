"""What EKS makes of a request: the request itself, and what it adds to it."""

import time
import uuid
from typing import Any, Final

Document = dict[str, Any]

REGION: Final = "us-east-1"
ACCOUNT: Final = "123456789012"

# Version, end of standard support, end of extended support.
CLUSTER_VERSIONS: Final = (
    ("1.36", "2027-08-02", "2028-08-02"),
    ("1.35", "2027-03-27", "2028-03-27"),
    ("1.34", "2026-12-02", "2027-12-02"),
    ("1.33", "2026-07-29", "2027-07-29"),
    ("1.32", "2026-03-23", "2027-03-23"),
)
ADDON_VERSIONS: Final = {
    "aws-ebs-csi-driver": "v1.55.0-eksbuild.1",
    "coredns": "v1.13.1-eksbuild.1",
    "kube-proxy": "v{}.0-eksbuild.1",
    "vpc-cni": "v1.21.1-eksbuild.1",
    "eks-pod-identity-agent": "v1.3.10-eksbuild.1",
}


def addon_version(name: str, kubernetes_version: str) -> str:
    """Return the version that goes with a cluster's."""
    return ADDON_VERSIONS[name].format(kubernetes_version)


def _arn(kind: str, *parts: str) -> str:
    return f"arn:aws:eks:{REGION}:{ACCOUNT}:{kind}/{'/'.join(parts)}"


def _times() -> Document:
    now = time.time()
    return {"createdAt": now, "modifiedAt": now}


def _given(given: Document, *names: str) -> Document:
    return {name: given[name] for name in names if name in given}


def cluster(
    given: Document, endpoint: str, ca_data: str, security_group: str, vpc: str
) -> Document:
    """Return a cluster as DescribeCluster shows it."""
    version = given.get("version", CLUSTER_VERSIONS[0][0])
    access = {"authenticationMode": "CONFIG_MAP", **given.get("accessConfig", {})}
    access.pop("bootstrapClusterCreatorAdminPermissions", None)  # never told, says the API's model
    network = {
        "endpointPublicAccess": True,
        "endpointPrivateAccess": False,
        "publicAccessCidrs": ["0.0.0.0/0"],
        **given["resourcesVpcConfig"],
        "clusterSecurityGroupId": security_group,
        "vpcId": vpc,
    }
    family = given.get("kubernetesNetworkConfig", {}).get("ipFamily", "ipv4")
    return {
        "name": given["name"],
        "arn": _arn("cluster", given["name"]),
        "createdAt": time.time(),
        "version": version,
        "endpoint": endpoint,
        "roleArn": given["roleArn"],
        "resourcesVpcConfig": {"securityGroupIds": [], **network},
        "kubernetesNetworkConfig": {
            "serviceIpv4Cidr": "172.20.0.0/16",
            "ipFamily": family,
            "elasticLoadBalancing": {"enabled": False},
            **given.get("kubernetesNetworkConfig", {}),
        },
        "logging": given.get("logging", {"clusterLogging": []}),
        "identity": {
            "oidc": {
                "issuer": f"https://oidc.eks.{REGION}.amazonaws.com/id/{uuid.uuid4().hex.upper()}"
            }
        },
        "status": "ACTIVE",
        "certificateAuthority": {"data": ca_data},
        "platformVersion": "eks.1",
        "tags": given.get("tags", {}),
        "encryptionConfig": given.get("encryptionConfig", []),
        "health": {"issues": []},
        "accessConfig": access,
        "upgradePolicy": {"supportType": "EXTENDED", **given.get("upgradePolicy", {})},
        "deletionProtection": given.get("deletionProtection", False),
        # Told only if set: otherwise Terraform would plan to remove them, for ever.
        **_given(given, "zonalShiftConfig", "controlPlaneScalingConfig", "computeConfig"),
    }


def node_group(given: Document, of_cluster: Document) -> Document:
    """Return a node group; the launch template's name is made up, as only EC2 knows it."""
    name, parent = given["nodegroupName"], of_cluster["name"]
    document = {
        "nodegroupName": name,
        "nodegroupArn": _arn("nodegroup", parent, name, str(uuid.uuid4())),
        "clusterName": parent,
        "version": given.get("version", of_cluster["version"]),
        "releaseVersion": given.get("releaseVersion", f"{of_cluster['version']}.0-20261101"),
        **_times(),
        "status": "ACTIVE",
        "capacityType": given.get("capacityType", "ON_DEMAND"),
        "scalingConfig": given.get("scalingConfig", {"minSize": 1, "maxSize": 2, "desiredSize": 2}),
        # Of a launch template EKS only tells its version.
        **({} if "launchTemplate" in given else {"instanceTypes": ["t3.medium"]}),
        **_given(given, "instanceTypes"),
        "subnets": given["subnets"],
        "amiType": given.get("amiType", "AL2023_x86_64_STANDARD"),
        "nodeRole": given["nodeRole"],
        "labels": given.get("labels", {}),
        "taints": given.get("taints", []),
        "resources": {"autoScalingGroups": [{"name": f"eks-{name}"}]},
        "health": {"issues": []},
        "updateConfig": given.get("updateConfig", {"maxUnavailable": 1}),
        **_given(given, "nodeRepairConfig"),
        "tags": given.get("tags", {}),
    }
    if template := given.get("launchTemplate"):
        made_up = {"id": "lt-0123456789abcdef0", "name": f"{name}-template", "version": "1"}
        return {**document, "launchTemplate": {**made_up, **template}}
    return {**document, "diskSize": given.get("diskSize", 20)}


def addon(given: Document, of_cluster: Document) -> Document:
    """Return an add-on, at the version that goes with its cluster if none was asked for."""
    name, parent = given["addonName"], of_cluster["name"]
    return {
        "addonName": name,
        "clusterName": parent,
        "status": "ACTIVE",
        "addonVersion": given.get("addonVersion") or addon_version(name, of_cluster["version"]),
        "health": {"issues": []},
        "addonArn": _arn("addon", parent, name, str(uuid.uuid4())),
        **_times(),
        "tags": given.get("tags", {}),
        **_given(given, "serviceAccountRoleArn", "configurationValues"),
    }


def access_entry(given: Document, of_cluster: Document) -> Document:
    """Return an access entry, with the user name that EKS derives from the principal."""
    principal, parent = given["principalArn"], of_cluster["name"]
    kind, name = (
        principal.rpartition(":")[2].split("/", 1) if "/" in principal else ("user", "root")
    )
    account = principal.split(":")[4]
    role = f"arn:aws:sts::{account}:assumed-role/{name.rpartition('/')[2]}/{{{{SessionName}}}}"
    entry_type = given.get("type", "STANDARD")
    username = role if kind == "role" else principal
    groups = given.get("kubernetesGroups", [])
    if entry_type in {"EC2_LINUX", "EC2_WINDOWS"}:
        username, groups = "system:node:{{EC2PrivateDNSName}}", ["system:nodes"]
    return {
        "clusterName": parent,
        "principalArn": principal,
        "kubernetesGroups": groups,
        "accessEntryArn": _arn("access-entry", parent, kind, account, name, str(uuid.uuid4())),
        **_times(),
        "tags": given.get("tags", {}),
        "username": given.get("username", username),
        "type": entry_type,
    }


def addon_versions(name: str, kubernetes_version: str) -> Document:
    """Return what DescribeAddonVersions says of one add-on: one version, the default one."""
    compatible = {
        "clusterVersion": kubernetes_version,
        "platformVersions": ["*"],
        "defaultVersion": True,
    }
    version = {
        "addonVersion": addon_version(name, kubernetes_version),
        "architecture": ["amd64", "arm64"],
        "compatibilities": [compatible],
        "requiresConfiguration": False,
        "requiresIamPermissions": name in {"vpc-cni", "aws-ebs-csi-driver"},
    }
    return {"addonName": name, "type": "networking", "addonVersions": [version]}


def cluster_versions() -> list[Document]:
    """Return the versions a cluster can be made with, the newest first."""
    today = time.strftime("%Y-%m-%d", time.gmtime())
    return [
        {
            "clusterVersion": version,
            "clusterType": "eks",
            "defaultVersion": position == 0,
            "endOfStandardSupportDate": time.mktime(time.strptime(standard, "%Y-%m-%d")),
            "endOfExtendedSupportDate": time.mktime(time.strptime(extended, "%Y-%m-%d")),
            "versionStatus": "STANDARD_SUPPORT" if today < standard else "EXTENDED_SUPPORT",
        }
        for position, (version, standard, extended) in enumerate(CLUSTER_VERSIONS)
    ]


def change(document: Document, given: Document) -> None:
    """Change what exists by what an update asks for; labels and taints come as differences."""
    for name, value in given.items():
        old = document.get(name)
        if name == "clientRequestToken":
            continue
        if name == "labels":
            kept = set(old or {}) - set(value.get("removeLabels", []))
            old_labels = {label: document["labels"][label] for label in kept}
            document["labels"] = old_labels | value.get("addOrUpdateLabels", {})
        elif name == "taints":
            changed = value.get("addOrUpdateTaints", [])
            gone = [each["key"] for each in (*changed, *value.get("removeTaints", []))]
            document["taints"] = [each for each in old or [] if each["key"] not in gone] + changed
        else:
            document[name] = {**old, **value} if isinstance(old, dict) else value
