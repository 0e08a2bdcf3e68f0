"""A bucket and the application's secrets, which outlive ``terraform destroy``.

``prevent_destroy`` would refuse the whole destroy, and ``removed`` blocks are not looked at by it.
So CloudFormation owns both and retains them; docs/adr/0004-what-survives-destroy.md has the rest.
"""

import dataclasses
import json
from typing import Final

from cdktf import (
    DataResource,
    Fn,
    Postcondition,
    Precondition,
    TerraformHclModule,
    TerraformLocal,
    TerraformResourceLifecycle,
    Token,
)
from cdktf_cdktf_provider_aws.cloudformation_stack import CloudformationStack
from cdktf_cdktf_provider_aws.data_aws_secretsmanager_secret_version import (
    DataAwsSecretsmanagerSecretVersion,
)
from cdktf_cdktf_provider_aws.data_aws_secretsmanager_secrets import (
    DataAwsSecretsmanagerSecrets,
    DataAwsSecretsmanagerSecretsFilter,
)
from cdktf_cdktf_provider_random.bytes import Bytes
from constructs import Construct

from constructs_lib.existing_resources import ExistingResources
from contracts import ApplicationSecrets
from retained.names import bucket_arn_of, secret_name
from retained.resources_template import (
    BUCKET_OUTPUT,
    NEVER_UPDATE,
    SECRETS_OUTPUT,
    parameter,
    resources_template,
)

# The one region that S3 refuses as the place of a new bucket.
NO_PLACE: Final = "us-east-1"

STACK_ID: Final = "retained_store"
STACK_ADDRESS: Final = f"aws_cloudformation_stack.{STACK_ID}"

# Bytes of randomness in each secret: in hex, the 64 characters that ENCRYPTION_KEY must have.
SECRET_BYTES: Final = 32


class RetainedResources(Construct):
    """Creates bucket and secrets once, before all else, and finds them again ever after."""

    bucket_name: str
    bucket_arn: str
    application_secrets_name: str

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        region: str,
        partition: str,
        bucket_name: str,
        existing: ExistingResources,
    ) -> None:
        """Make or find the store.

        Args:
            scope: parent construct.
            id_: construct id.
            name: prefix of all names.
            region: AWS region, for the commands of error messages.
            partition: AWS partition, such as ``aws``.
            bucket_name: of the bucket, unique in the world.
            existing: what an earlier deploy left.

        """
        super().__init__(scope, id_)
        keys = [field.name for field in dataclasses.fields(ApplicationSecrets)]
        self._stack = CloudformationStack(
            self,
            "stack",
            name=f"{name}-retained",
            template_body=json.dumps(
                resources_template(
                    bucket_name=bucket_name,
                    secrets_name=secret_name(name),
                    partition=partition,
                    secret_keys=keys,
                ),
                indent=2,
            ),
            parameters={
                "Create": f'${{{existing.secret_exists} ? "false" : "true"}}',
                **{parameter(key): Bytes(self, key, length=SECRET_BYTES).hex for key in keys},
            },
            # A stack that failed could not be replaced: what waits for it is created before its
            # predecessor is destroyed, and so it would be too.
            on_failure="DELETE",
            lifecycle=TerraformResourceLifecycle(
                # Never updated: CloudFormation reads NoEcho parameters back as "****", the provider
                # keeps that in its state, and an update would write it into the secret.
                ignore_changes=["parameters", "template_body", "on_failure"],
                # All of it is known to the plan, so that a refusal comes before anything is made.
                precondition=[
                    _secret_is_not_missing(name, existing),
                    _bucket_is_not_missing(name, bucket_name, region, existing),
                ],
            ),
            policy_body=json.dumps(NEVER_UPDATE),
        )
        self._stack.override_logical_id(STACK_ID)
        # Read names from the stack's outputs, so dependents wait until the stack exists.
        self.bucket_name = self._stack.outputs.lookup(BUCKET_OUTPUT)
        self.bucket_arn = bucket_arn_of(bucket_name, partition)
        self.application_secrets_name = self._stack.outputs.lookup(SECRETS_OUTPUT)

    def create_before_all(self, scope: Construct) -> None:
        """Have every module of ``scope``, and the choice of a snapshot, wait for the store.

        A name that is taken is only seen when CloudFormation is refused: nothing else is made then.
        """
        for each in scope.node.find_all():
            if isinstance(each, TerraformHclModule | DataResource):
                each.add_override("depends_on", [STACK_ADDRESS])


def _secret_is_not_missing(name: str, existing: ExistingResources) -> Precondition:
    return Precondition(
        condition=f"${{{existing.secret_exists} || length({existing.listed}) == 0}}",
        # Terraform does not wrap an indented line.
        error_message=(
            f"The secret {secret_name(name)} is missing or scheduled for deletion, and what an "
            "earlier deploy left cannot be read without it: "
            f'${{join(", ", {existing.listed})}}. Bring it back:\n\n'
            f"  uv run aws secretsmanager restore-secret --secret-id {secret_name(name)}\n\n"
            "If AWS cannot find it, its keys are gone for good: purge what is left, as "
            "docs/operations.md says, and the next deploy begins anew."
        ),
    )


def _bucket_is_not_missing(
    name: str, bucket_name: str, region: str, existing: ExistingResources
) -> Precondition:
    place = f" --region {region} --create-bucket-configuration LocationConstraint={region}"
    create = f"--bucket {bucket_name}{'' if region == NO_PLACE else place}"
    return Precondition(
        condition=f"${{!{existing.secret_exists} || {existing.bucket_exists}}}",
        error_message=(
            f"The secret {secret_name(name)} is there, and its bucket {bucket_name} is not listed "
            "in this account: it was deleted, lost its tag Project, or was made a minute ago (then "
            "deploy again). If it is deleted, its raw events and media are gone; put an empty one "
            "in its place:\n\n"
            f"  uv run aws s3api create-bucket {create}\n"
            f"  uv run aws s3api put-bucket-versioning --bucket {bucket_name} "
            "--versioning-configuration Status=Enabled\n"
            f"  uv run aws s3api put-bucket-tagging --bucket {bucket_name} "
            f"--tagging 'TagSet=[{{Key=Project,Value={name}}}]'\n\n"
            "If another account has taken the name, see docs/troubleshooting.md."
        ),
    )


def read_application_secrets(
    scope: Construct, id_: str, *, name: str, listed_as: str
) -> ApplicationSecrets:
    """Return the current secrets, as sensitive tokens, from the store's secret called ``name``.

    A missing secret stops a deploy with a message, and a destroy not at all.

    Args:
        scope: parent construct.
        id_: construct id.
        name: of the secret, as a token.
        listed_as: the same as text, for the message.

    """
    existing = DataAwsSecretsmanagerSecrets(
        scope,
        f"{id_}_existing",
        filter=[DataAwsSecretsmanagerSecretsFilter(name="name", values=[name])],
        lifecycle=TerraformResourceLifecycle(
            postcondition=[
                Postcondition(
                    condition=f"${{contains(self.names, {name})}}",
                    error_message=(
                        f"The secret {listed_as} is missing or scheduled for deletion. Run cdktf "
                        "deploy deps, which says how to bring it back."
                    ),
                )
            ]
        ),
    )
    version = DataAwsSecretsmanagerSecretVersion(scope, id_, secret_id=name)
    version.add_override("count", f"${{contains({existing.fqn}.names, {name}) ? 1 : 0}}")
    keys = [field.name for field in dataclasses.fields(ApplicationSecrets)]
    # A destroy goes on without the secret, and evaluates what is made of it all the same.
    empty = TerraformLocal(scope, f"{id_}_empty", json.dumps(dict.fromkeys(keys, "")))
    empty.override_logical_id(f"empty_{id_}")
    text = TerraformLocal(
        scope, f"{id_}_text", f"${{try({version.fqn}[0].secret_string, {empty.fqn})}}"
    )
    text.override_logical_id(id_)
    secrets = Fn.jsondecode(text.as_string)
    return ApplicationSecrets(**{key: Token.as_string(Fn.lookup(secrets, key)) for key in keys})
