"""Resource types that moto's CloudFormation lacks.

Moto finds them among the subclasses of its model, and the service of one in its ``__module__``.
"""

import json
import re
from typing import Any, Final

from moto.core.common_models import CloudFormationModel
from moto.s3.models import S3Backend, s3_backends
from moto.secretsmanager.models import SecretsManagerBackend, secretsmanager_backends
from moto.utilities.utils import get_partition

Document = dict[str, Any]


class PatchError(Exception):
    """AWS would refuse this, or no patch supports it; the text is AWS's reason."""


def secrets(account_id: str, region: str) -> SecretsManagerBackend:
    """Return moto's Secrets Manager."""
    backend: SecretsManagerBackend = secretsmanager_backends[account_id][region]
    return backend


def buckets(account_id: str, region: str) -> S3Backend:
    """Return moto's S3."""
    backend: S3Backend = s3_backends[account_id][get_partition(region)]
    return backend


# A dynamic reference: CloudFormation reads the value of another secret.
REFERENCE: Final = re.compile(r"\{\{resolve:secretsmanager:(.+?):SecretString\}\}")


def _value(backend: SecretsManagerBackend, properties: Document) -> str | None:
    """Return the value of a new secret, given or generated, with references resolved."""

    def resolved(text: str) -> str:
        def read(found: re.Match[str]) -> str:
            value: str = backend.get_secret_value(found[1], "", "")["SecretString"]
            return value

        return REFERENCE.sub(read, text)

    given = properties.get("SecretString")
    if given is not None:
        return resolved(given)
    generate: Document | None = properties.get("GenerateSecretString")
    if generate is None:
        return None
    made = backend.get_random_password(
        password_length=generate.get("PasswordLength", 32),
        exclude_characters=generate.get("ExcludeCharacters", ""),
        exclude_numbers=generate.get("ExcludeNumbers", False),
        exclude_punctuation=generate.get("ExcludePunctuation", False),
        exclude_uppercase=generate.get("ExcludeUppercase", False),
        exclude_lowercase=generate.get("ExcludeLowercase", False),
        include_space=generate.get("IncludeSpace", False),
        require_each_included_type=generate.get("RequireEachIncludedType", True),
    )
    value: str = json.loads(made)["RandomPassword"]
    if "GenerateStringKey" not in generate:
        return value
    template = json.loads(resolved(generate["SecretStringTemplate"]))
    return json.dumps({**template, generate["GenerateStringKey"]: value})


class Secret(CloudFormationModel):
    """``AWS::SecretsManager::Secret``."""

    __module__ = "moto.secretsmanager.rehearsal"

    def __init__(self, arn: str) -> None:
        """Remember what a reference to it gives."""
        self.physical_resource_id = arn

    @staticmethod
    def cloudformation_name_type() -> str:
        """Name the property that names it."""
        return "Name"

    @staticmethod
    def cloudformation_type() -> str:
        """Name its type."""
        return "AWS::SecretsManager::Secret"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Tell what outputs may ask of it."""
        return attr == "Id"

    def get_cfn_attribute(self, _: str) -> str:
        """Return its only attribute."""
        return self.physical_resource_id

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Document,
        account_id: str,
        region_name: str,
        **_: object,
    ) -> "Secret":
        """Make it, unless its name is taken or still held by one that is being deleted."""
        backend, properties = secrets(account_id, region_name), cloudformation_json["Properties"]
        if resource_name in backend.secrets:
            pending = backend.secrets[resource_name].is_deleted()
            scheduled = "with this name is already scheduled for deletion"
            message = f"the secret {resource_name} {scheduled if pending else 'already exists'}"
            raise PatchError(message)
        made = backend.create_secret(
            name=resource_name,
            secret_string=_value(backend, properties),
            secret_binary=None,
            description=properties.get("Description"),
            tags=properties.get("Tags"),
            kms_key_id=properties.get("KmsKeyId"),
            client_request_token=None,
            replica_regions=[],
            force_overwrite=False,
        )
        return cls(json.loads(made)["ARN"])

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, _: Document, account_id: str, region_name: str
    ) -> None:
        """Delete it at once; CloudFormation leaves no time to recover either."""
        secrets(account_id, region_name).delete_secret(resource_name, None, True)  # noqa: FBT003


class BucketPolicy(CloudFormationModel):
    """``AWS::S3::BucketPolicy``."""

    __module__ = "moto.s3.rehearsal"

    def __init__(self, bucket: str) -> None:
        """Remember whose it is."""
        self.physical_resource_id = bucket

    @staticmethod
    def cloudformation_name_type() -> str:
        """Name no property: it has no name of its own."""
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        """Name its type."""
        return "AWS::S3::BucketPolicy"

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,  # noqa: ARG003
        cloudformation_json: Document,
        account_id: str,
        region_name: str,
        **_: object,
    ) -> "BucketPolicy":
        """Put it on its bucket."""
        properties = cloudformation_json["Properties"]
        policy = json.dumps(properties["PolicyDocument"]).encode()
        buckets(account_id, region_name).put_bucket_policy(properties["Bucket"], policy)
        return cls(properties["Bucket"])

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, _: Document, account_id: str, region_name: str
    ) -> None:
        """Take it from its bucket, unless that went first: moto follows no order in deleting."""
        backend = buckets(account_id, region_name)
        if resource_name in backend.buckets:
            backend.delete_bucket_policy(resource_name)
