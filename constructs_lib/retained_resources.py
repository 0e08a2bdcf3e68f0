"""The bucket and the application secrets, which outlive ``terraform destroy``.

``prevent_destroy`` would stop the whole destroy, and a destroy ignores ``removed`` blocks. So a
CloudFormation stack owns both and retains them (docs/adr/0004-what-survives-destroy.md).
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
from in_cluster.names import ProjectKey
from retained.create_condition import create_unless
from retained.names import bucket_arn_of, resources_stack, secret_name
from retained.resources_template import (
    BUCKET_OUTPUT,
    NEVER_UPDATE,
    SECRETS_OUTPUT,
    parameter,
    resources_template,
)

# CreateBucket rejects this region as a LocationConstraint.
REGION_WITHOUT_CONSTRAINT: Final = "us-east-1"

STACK_ID: Final = "retained_store"
STACK_ADDRESS: Final = f"aws_cloudformation_stack.{STACK_ID}"

# Random bytes of each secret. In hex they are the 64 characters that ENCRYPTION_KEY must have.
SECRET_BYTES: Final = 32


# The one whose loss cannot be mended.
ENCRYPTION_KEY: Final = "encryption_key"


class RetainedResources(Construct):
    """Bucket and secret: the first deploy creates them before all else, later ones find them."""

    bucket_name: str
    bucket_arn: str
    application_secrets_name: str
    """Name of the Secrets Manager secret that holds ``ApplicationSecrets``."""

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
        generated_by_aws: bool = False,
    ) -> None:
        """Create the resources, or use the existing ones.

        Args:
            scope: parent construct.
            id_: construct id.
            name: prefix of all names.
            region: AWS region, for the commands in error messages.
            partition: AWS partition, such as ``aws``.
            bucket_name: globally unique name of the bucket.
            existing: resources that an earlier deploy created.
            generated_by_aws: whether a first deploy has AWS generate the secrets, so that they are
                not in Terraform's state; existing ones stay as they are.

        """
        super().__init__(scope, id_)
        keys = [field.name for field in dataclasses.fields(ApplicationSecrets)]
        given = [] if generated_by_aws else keys
        self._stack = CloudformationStack(
            self,
            "stack",
            name=resources_stack(name),
            template_body=json.dumps(
                resources_template(
                    bucket_name=bucket_name,
                    secrets_name=secret_name(name),
                    partition=partition,
                    secret_keys=keys,
                    generated_key=ENCRYPTION_KEY if generated_by_aws else None,
                ),
                indent=2,
            ),
            parameters={
                **create_unless(existing.secret_exists),
                **{parameter(key): Bytes(self, key, length=SECRET_BYTES).hex for key in given},
            },
            # A stack in a failed state could not be replaced: its dependents' create_before_destroy
            # applies to it too, and the new stack would need the name of the old one.
            on_failure="DELETE",
            lifecycle=TerraformResourceLifecycle(
                # Never updated: CloudFormation returns NoEcho parameters as "****", the provider
                # stores that in its state, and an update would write it into the secret.
                ignore_changes=["parameters", "template_body", "on_failure"],
                # Known at plan time, so that a failure comes before anything is created.
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
        """Make every module and ``terraform_data`` of ``scope`` depend on the stack.

        Only CloudFormation detects a name that is already taken. Nothing else has been created
        then.
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
    constraint = f" --region {region} --create-bucket-configuration LocationConstraint={region}"
    create = f"--bucket {bucket_name}{'' if region == REGION_WITHOUT_CONSTRAINT else constraint}"
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
    """Return the application secrets, as sensitive tokens, from the Secrets Manager secret.

    A missing secret stops a deploy with a message, but not a destroy.

    Args:
        scope: parent construct.
        id_: construct id.
        name: name of the secret, as a token.
        listed_as: the same name as text, for the message.

    """
    existing = check_application_secrets(scope, id_, name=name, listed_as=listed_as)
    version = DataAwsSecretsmanagerSecretVersion(scope, id_, secret_id=name)
    version.add_override("count", f"${{contains({existing}.names, {name}) ? 1 : 0}}")
    keys = [field.name for field in dataclasses.fields(ApplicationSecrets)]
    # A destroy continues without the secret, but still evaluates the expressions that use it.
    empty = TerraformLocal(scope, f"{id_}_empty", json.dumps(dict.fromkeys(keys, "")))
    empty.override_logical_id(f"empty_{id_}")
    text = TerraformLocal(
        scope, f"{id_}_text", f"${{try({version.fqn}[0].secret_string, {empty.fqn})}}"
    )
    text.override_logical_id(id_)
    secrets = Fn.jsondecode(text.as_string)
    return ApplicationSecrets(**{key: Token.as_string(Fn.lookup(secrets, key)) for key in keys})


def check_application_secrets(scope: Construct, id_: str, *, name: str, listed_as: str) -> str:
    """Have a missing secret stop a deploy, not a destroy, and return the look-up's address.

    It reads no value. The arguments are those of ``read_application_secrets``.
    """
    return DataAwsSecretsmanagerSecrets(
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
    ).fqn


def project_keys(application: ApplicationSecrets) -> dict[str, str]:
    """Return both halves of API keys by the keys of the Secret, derived from the salt.

    So a rebuild has the same. The salt has 32 random bytes, and SHA-256 reveals none of them.
    Langfuse's hash of API keys covers the salt too (docs/adr/0028-keys-of-the-first-project.md).
    """
    return {
        key.value: Fn.join("-", [prefix, "lf", Fn.sha256(Fn.join(":", [key, application.salt]))])
        for key, prefix in ((ProjectKey.PUBLIC, "pk"), (ProjectKey.SECRET, "sk"))
    }
