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

BUCKET_OUTPUT: Final = "BucketName"
SECRETS_OUTPUT: Final = "ApplicationSecretsName"


def parameter(key: str) -> str:
    """Return the CloudFormation parameter of a key: ``EncryptionKey`` for ``encryption_key``."""
    return key.title().replace("_", "")


def resources_template(
    *, bucket_name: str, secrets_name: str, partition: str, secret_keys: list[str]
) -> dict[str, Any]:
    """Return the template; with the parameter ``Create`` false it creates nothing.

    Args:
        bucket_name: name of the bucket.
        secrets_name: name of the Secrets Manager secret.
        partition: AWS partition, such as ``aws``.
        secret_keys: keys of the secret's JSON object, each a parameter of the template.

    """
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
            **{parameter(key): {"Type": "String", "NoEcho": True} for key in secret_keys},
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
            "Secrets": {
                "Type": "AWS::SecretsManager::Secret",
                # The secret is evidence that the bucket exists, so it is created last.
                "DependsOn": ["BucketPolicy"],
                **retained,
                "Properties": {
                    "Name": secrets_name,
                    "Description": "Without it, stored LLM keys cannot be read. Never rotate.",
                    "SecretString": {
                        "Fn::Sub": json.dumps(
                            {key: f"$${{{parameter(key)}}}" for key in secret_keys}
                        )
                    },
                    "Tags": [{"Key": MARKER_TAG, "Value": "true"}],
                },
            },
        },
        "Outputs": {
            BUCKET_OUTPUT: {"Value": bucket_name},
            SECRETS_OUTPUT: {"Value": secrets_name},
        },
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
