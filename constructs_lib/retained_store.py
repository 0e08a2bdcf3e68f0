"""A bucket and the application's secrets, which outlive ``terraform destroy``.

``prevent_destroy`` would refuse the whole destroy, and ``removed`` blocks are not looked at by it.
So CloudFormation owns both and retains them; docs/adr/0004-what-survives-destroy.md has the rest.
"""

import dataclasses
import json
from typing import Final

from cdktf import Fn, TerraformResourceLifecycle, Token
from cdktf_cdktf_provider_aws.cloudformation_stack import CloudformationStack
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_secretsmanager_secret_version import (
    DataAwsSecretsmanagerSecretVersion,
)
from cdktf_cdktf_provider_aws.data_aws_secretsmanager_secrets import (
    DataAwsSecretsmanagerSecrets,
    DataAwsSecretsmanagerSecretsFilter,
)
from cdktf_cdktf_provider_random.bytes import Bytes
from constructs import Construct

from constructs_lib.retained_template import (
    BUCKET_OUTPUT,
    NEVER_UPDATE,
    SECRETS_OUTPUT,
    parameter,
    retained_template,
)
from contracts import ApplicationSecrets

# Bytes of randomness in each secret: in hex, the 64 characters that ENCRYPTION_KEY must have.
SECRET_BYTES: Final = 32


class RetainedStore(Construct):
    """Creates bucket and secrets once, and finds them again ever after."""

    kept: str
    """Terraform expression, true if an earlier deploy left the store behind."""
    bucket_name: str
    bucket_arn: str
    application_secrets_name: str

    def __init__(
        self, scope: Construct, id_: str, *, name: str, region: str, partition: str
    ) -> None:
        """Make or find the store.

        Args:
            scope: parent construct.
            id_: construct id.
            name: prefix of all names.
            region: part of the bucket's name, which is unique in the world.
            partition: AWS partition, such as ``aws``.

        """
        super().__init__(scope, id_)
        account_id = DataAwsCallerIdentity(self, "caller").account_id
        bucket_name = f"{name}-{account_id}-{region}"
        secrets_name = f"{name}-application-secrets"

        # The plural data source answers with an empty list where the singular one fails. The secret
        # is created after the bucket, so it speaks for both. The filter is by prefix.
        existing = DataAwsSecretsmanagerSecrets(
            self,
            "existing_secrets",
            filter=[DataAwsSecretsmanagerSecretsFilter(name="name", values=[secrets_name])],
        )
        self.kept = f'contains({existing.fqn}.names, "{secrets_name}")'

        keys = [field.name for field in dataclasses.fields(ApplicationSecrets)]
        self._stack = CloudformationStack(
            self,
            "stack",
            name=f"{name}-retained",
            template_body=json.dumps(
                retained_template(
                    bucket_name=bucket_name,
                    secrets_name=secrets_name,
                    partition=partition,
                    secret_keys=keys,
                ),
                indent=2,
            ),
            parameters={
                "Create": f'${{{self.kept} ? "false" : "true"}}',
                **{parameter(key): Bytes(self, key, length=SECRET_BYTES).hex for key in keys},
            },
            # Never updated: CloudFormation reads NoEcho parameters back as "****", the provider
            # keeps that in its state, and an update would write it into the secret.
            lifecycle=TerraformResourceLifecycle(ignore_changes=["parameters", "template_body"]),
            policy_body=json.dumps(NEVER_UPDATE),
        )
        self._stack.override_logical_id("retained_store")
        # Through the stack's outputs, so that nobody is told of a store that does not exist yet.
        self.bucket_name = self._stack.outputs.lookup(BUCKET_OUTPUT)
        self.bucket_arn = f"arn:{partition}:s3:::{bucket_name}"
        self.application_secrets_name = self._stack.outputs.lookup(SECRETS_OUTPUT)

    def create_after(self, database_address: str) -> None:
        """Wait for the database: the store says "kept" only once there is one to snapshot."""
        self._stack.depends_on = [database_address]


def read_application_secrets(scope: Construct, id_: str, *, name: str) -> ApplicationSecrets:
    """Return the current secrets, as sensitive tokens, from the store's secret called ``name``."""
    version = DataAwsSecretsmanagerSecretVersion(scope, id_, secret_id=name)
    secrets = Fn.jsondecode(version.secret_string)
    return ApplicationSecrets(
        **{
            field.name: Token.as_string(Fn.lookup(secrets, field.name))
            for field in dataclasses.fields(ApplicationSecrets)
        }
    )
