"""What Traefik and ExternalDNS may do in Route 53."""

from cdktf_cdktf_provider_aws.data_aws_route53_zone import DataAwsRoute53Zone
from constructs import Construct

from constructs_lib.workload_role import WorkloadRole
from in_cluster.names import EXTERNAL_DNS, NAMESPACE, TRAEFIK


class DnsRoles(Construct):
    """A role for each of the two service accounts, in one existing zone and no other."""

    zone_id: str
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
    ) -> None:
        """Find the public zone ``zone``, and make the roles; ``name`` has at most 20 characters."""
        super().__init__(scope, id_)
        found = DataAwsRoute53Zone(self, "zone", name=zone, private_zone=False)
        read = {"actions": ["route53:ListResourceRecordSets"], "resources": [found.arn]}
        traefik = WorkloadRole(
            self,
            TRAEFIK,
            name=f"{name}-{TRAEFIK}",
            oidc_provider_arn=oidc_provider_arn,
            service_account=f"{NAMESPACE}:{TRAEFIK}",
            permissions={
                "read": read,
                "prove": {
                    "actions": ["route53:ChangeResourceRecordSets"],
                    "resources": [found.arn],
                    "condition": [
                        _only("NormalizedRecordNames", [f"_acme-challenge.{domain}"]),
                        _only("RecordTypes", ["TXT"]),
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
            service_account=f"{NAMESPACE}:{EXTERNAL_DNS}",
            permissions={
                "read": read,
                # Any name: after a change of the domain it has to remove the old one.
                "change": {
                    "actions": ["route53:ChangeResourceRecordSets"],
                    "resources": [found.arn],
                    "condition": [_only("RecordTypes", ["A", "TXT"])],
                },
                # The names of the zones, which AWS gives as a whole or not at all.
                "find": {"actions": ["route53:ListHostedZones"], "resources": ["*"]},
            },
        )
        self.zone_id = found.zone_id
        self.traefik_role_arn = traefik.arn
        self.external_dns_role_arn = external_dns.arn


def _only(what: str, values: list[str]) -> dict[str, object]:
    return {
        "test": "ForAllValues:StringEquals",
        "variable": f"route53:ChangeResourceRecordSets{what}",
        "values": values,
    }
