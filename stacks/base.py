"""The base class of all stacks."""

from cdktf import NamedRemoteWorkspace, RemoteBackend, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from constructs import Construct

import versions
from contracts import workspace_name
from settings import Settings


class BaseStack(TerraformStack):
    """A stack with its state in Terraform Cloud and one AWS provider."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_)
        self.add_override("terraform.required_version", f">= {versions.OLDEST_TERRAFORM}")
        RemoteBackend(
            self,
            hostname=settings.terraform_cloud_host,
            organization=settings.tfc_organization,
            workspaces=NamedRemoteWorkspace(workspace_name(settings.name, id_)),
        )
        AwsProvider(
            self,
            "aws",
            region=settings.aws_default_region,
            default_tags=[AwsProviderDefaultTags(tags=settings.tags)],
        )
