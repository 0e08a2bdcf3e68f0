"""The CloudFormation template of the bucket and the secret that outlive ``terraform destroy``.

It applies to new installations only. Rules that may change later belong in ``bucket_rules``.
"""

import json
from typing import Any, Final

from retained.create_condition import CONDITION, PARAMETER, PLACEHOLDER
from retained.names import MARKER_TAG, bucket_arn_of

# Stack policy: CloudFormation rejects every update of the resources.
NEVER_UPDATE: Final = {
    "Statement": [{"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "*"}]
}

# 32 random bytes, as ENCRYPTION_KEY must have them: Secrets Manager leaves these characters out.
RANDOM_HEX: Final = {
    "PasswordLength": 64,
    "ExcludeCharacters": "ghijklmnopqrstuvwxyz",
    "ExcludeUppercase": True,
    "ExcludePunctuation": True,
    "RequireEachIncludedType": False,
}

BUCKET_OUTPUT: Final = "BucketName"
SECRETS_OUTPUT: Final = "ApplicationSecretsName"


def parameter(key: str) -> str:
    """Return the CloudFormation parameter of a key: ``EncryptionKey`` for ``encryption_key``."""
    return key.title().replace("_", "")


def generator_name(secrets_name: str, key: str) -> str:
    """Return the name of the secret in which AWS generates the value of a key, for the other."""
    return f"{secrets_name}-{key.replace('_', '-')}"


def resources_template(
    *,
    bucket_name: str,
    secrets_name: str,
    partition: str,
    secret_keys: list[str],
    generated_key: str | None = None,
) -> dict[str, Any]:
    """Return the template; with the parameter ``Create`` false it creates nothing.

    Args:
        bucket_name: name of the bucket.
        secrets_name: name of the Secrets Manager secret.
        partition: AWS partition, such as ``aws``.
        secret_keys: keys of the secret's JSON object, each a parameter of the template.
        generated_key: one of them, if AWS generates the values: then there are no such parameters,
            and this value is in no other secret.

    """
    parameters: dict[str, Any] = {
        parameter(key): {"Type": "String", "NoEcho": True} for key in secret_keys
    }
    generators: dict[str, Any] = {}
    value: dict[str, Any] = {
        "SecretString": {
            "Fn::Sub": json.dumps({key: f"$${{{parameter(key)}}}" for key in secret_keys})
        }
    }
    if generated_key:
        parameters = {}
        others = [key for key in secret_keys if key != generated_key]
        generators = {parameter(key): _generator(secrets_name, key) for key in others}
        value = {"GenerateSecretString": _with_generated(generated_key, others)}
    retained = {
        "Condition": "Create",
        # Unlike Retain, it deletes the resources if the creation of the stack fails.
        "DeletionPolicy": "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Retain",
    }
    return {
        "Description": "What outlives terraform destroy: deleting this stack deletes neither.",
        "Parameters": {
            **PARAMETER,
            **parameters,
        },
        "Conditions": CONDITION,
        "Resources": {
            **PLACEHOLDER,
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                **retained,
                "Properties": _bucket(bucket_name),
            },
            "BucketPolicy": {
                "Type": "AWS::S3::BucketPolicy",
                **retained,
                "Properties": {
                    "Bucket": {"Ref": "Bucket"},
                    "PolicyDocument": _tls_only(bucket_arn_of(bucket_name, partition)),
                },
            },
            **generators,
            "Secrets": {
                "Type": "AWS::SecretsManager::Secret",
                # The secret is evidence that the bucket exists, so it is created last.
                "DependsOn": ["BucketPolicy"],
                **retained,
                "Properties": {
                    "Name": secrets_name,
                    "Description": "Without it, stored LLM keys cannot be read. Never rotate.",
                    **value,
                    "Tags": [{"Key": MARKER_TAG, "Value": "true"}],
                },
            },
        },
        "Outputs": {
            BUCKET_OUTPUT: {"Value": bucket_name},
            SECRETS_OUTPUT: {"Value": secrets_name},
        },
    }


def _generator(secrets_name: str, key: str) -> dict[str, Any]:
    """Return a secret with a generated value, which is deleted with the stack."""
    return {
        "Type": "AWS::SecretsManager::Secret",
        "Condition": "Create",
        "Properties": {
            "Name": generator_name(secrets_name, key),
            "Description": f"Where AWS made a part of {secrets_name}; nothing reads it any more.",
            "GenerateSecretString": RANDOM_HEX,
        },
    }


def _with_generated(key: str, others: list[str]) -> dict[str, Any]:
    """Return what generates a JSON object: CloudFormation generates one value of a secret only.

    It reads the others itself, and shows them to nobody.
    """
    read = {
        each: f"{{{{resolve:secretsmanager:$${{{parameter(each)}}}:SecretString}}}}"
        for each in others
    }
    return {
        **RANDOM_HEX,
        "GenerateStringKey": key,
        "SecretStringTemplate": {"Fn::Sub": json.dumps(read)},
    }


def _bucket(name: str) -> dict[str, Any]:
    """Return the bucket's properties, which also apply while the stacks are destroyed."""
    return {
        "BucketName": name,
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
            ]
        },
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
        "VersioningConfiguration": {"Status": "Enabled"},
    }


def _tls_only(bucket_arn: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [bucket_arn, f"{bucket_arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
