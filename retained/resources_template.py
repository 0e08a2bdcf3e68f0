"""The CloudFormation template of what outlives ``terraform destroy``.

It reaches new installations only: what may change one day belongs to ``bucket_rules``.
"""

import json
from typing import Any, Final

from retained.names import MARKER_TAG

# Stack policy: CloudFormation itself refuses to touch what the stack has made.
NEVER_UPDATE: Final = {
    "Statement": [{"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "*"}]
}

BUCKET_OUTPUT: Final = "BucketName"
SECRETS_OUTPUT: Final = "ApplicationSecretsName"


def parameter(key: str) -> str:
    """Return the CloudFormation parameter of a secret: ``encryption_key`` is ``EncryptionKey``."""
    return key.title().replace("_", "")


def resources_template(
    *, bucket_name: str, secrets_name: str, partition: str, secret_keys: list[str]
) -> dict[str, Any]:
    """Return the template; with the parameter ``Create`` false it makes nothing.

    ``secret_keys`` are the keys of the secret's JSON object, each a parameter of the stack.
    """
    retained = {
        "Condition": "Create",
        # What a creation that failed has made is deleted again.
        "DeletionPolicy": "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Retain",
    }
    return {
        "Description": "What outlives terraform destroy: deleting this stack deletes neither.",
        "Parameters": {
            "Create": {"Type": "String", "AllowedValues": ["true", "false"]},
            **{parameter(key): {"Type": "String", "NoEcho": True} for key in secret_keys},
        },
        "Conditions": {"Create": {"Fn::Equals": [{"Ref": "Create"}, "true"]}},
        "Resources": {
            # A stack must have a resource, whatever its conditions say. This one is nothing.
            "Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
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
                    "PolicyDocument": _tls_only(f"arn:{partition}:s3:::{bucket_name}"),
                },
            },
            "Secrets": {
                "Type": "AWS::SecretsManager::Secret",
                # A bucket that cannot be made leaves no secret that would claim it was.
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
    """Return the bucket's properties; being its own, they hold while nothing else is deployed."""
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
