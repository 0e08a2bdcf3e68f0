"""IAM roles for Traefik and ExternalDNS in Route 53."""

from cdktf_cdktf_provider_aws.data_aws_route53_zone import DataAwsRoute53Zone
from constructs import Construct

from constructs_lib.workload_role import WorkloadRole
from in_cluster.names import EXTERNAL_DNS, NAMESPACE, TRAEFIK


class DnsRoles(Construct):
    """One role per service account, each limited to one existing hosted zone."""

    zone_id: str
    """Id of the hosted zone."""
    traefik_role_arn: str
    external_dns_role_arn: str

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        domain: str,
        zone: str,
        partition: str,
        oidc_provider_arn: str,
        permissions_boundary: str | None = None,
    ) -> None:
        """Look up the zone and create the roles.

        Args:
            scope: parent construct.
            id_: construct id.
            name: prefix of the roles' names, at most 20 characters.
            domain: public hostname.
            zone: name of the public hosted zone.
            partition: AWS partition, such as ``aws``.
            oidc_provider_arn: the cluster's IAM OIDC provider.
            permissions_boundary: ARN of the policy that bounds the roles; None for none.

        """
        super().__init__(scope, id_)
        found = DataAwsRoute53Zone(self, "zone", name=zone, private_zone=False)
        read = {"actions": ["route53:ListResourceRecordSets"], "resources": [found.arn]}
        traefik = WorkloadRole(
            self,
            TRAEFIK,
            name=f"{name}-{TRAEFIK}",
            oidc_provider_arn=oidc_provider_arn,
            permissions_boundary=permissions_boundary,
            service_accounts=[f"{NAMESPACE}:{TRAEFIK}"],
            permissions={
                "read": read,
                "prove": {
                    "actions": ["route53:ChangeResourceRecordSets"],
                    "resources": [found.arn],
                    "condition": [
                        _all_in("NormalizedRecordNames", [f"_acme-challenge.{domain}"]),
                        _all_in("RecordTypes", ["TXT"]),
                    ],
                },
                "wait": {
                    "actions": ["route53:GetChange"],
                    "resources": [f"arn:{partition}:route53:::change/*"],
                },
            },
        )
        external_dns = WorkloadRole(
            self,
            EXTERNAL_DNS,
            name=f"{name}-{EXTERNAL_DNS}",
            oidc_provider_arn=oidc_provider_arn,
            permissions_boundary=permissions_boundary,
            service_accounts=[f"{NAMESPACE}:{EXTERNAL_DNS}"],
            permissions={
                "read": read,
                # Any name: after a change of the hostname, ExternalDNS deletes the old record.
                "change": {
                    "actions": ["route53:ChangeResourceRecordSets"],
                    "resources": [found.arn],
                    "condition": [_all_in("RecordTypes", ["A", "TXT"])],
                },
                # ListHostedZones supports no resource-level permission.
                "find": {"actions": ["route53:ListHostedZones"], "resources": ["*"]},
            },
        )
        self.zone_id = found.zone_id
        self.traefik_role_arn = traefik.arn
        self.external_dns_role_arn = external_dns.arn


def _all_in(key: str, values: list[str]) -> dict[str, object]:
    """Return a condition: every record of a change has one of ``values`` for this key."""
    return {
        "test": "ForAllValues:StringEquals",
        "variable": f"route53:ChangeResourceRecordSets{key}",
        "values": values,
    }
