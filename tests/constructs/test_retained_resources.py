"""RetainedResources: bucket and secrets, created once, and the secrets read again."""

import json
import re
import string
from typing import Any

import pytest
from cdktf import DataResource, TerraformHclModule, TerraformStack
from constructs import Construct

from constructs_lib.existing_resources import ExistingResources
from constructs_lib.retained_resources import (
    RetainedResources,
    check_application_secrets,
    read_application_secrets,
)
from tests.helpers.bare_stack import BareStack
from tests.helpers.expression import evaluate
from tests.helpers.stack import Stack

BUCKET = "langfuse-123456789012-us-east-1"
NAME = "langfuse-application-secrets"
KEYS = ("salt", "encryption_key", "nextauth_secret")


def retained(bare_stack: BareStack, *, generated_by_aws: bool = False) -> Stack:
    def make(stack: TerraformStack) -> RetainedResources:
        remains = ExistingResources(
            stack, "remains", name="langfuse", bucket_name=BUCKET, partition="aws"
        )
        store = RetainedResources(
            stack,
            "store",
            name="langfuse",
            region="us-east-1",
            partition="aws",
            bucket_name=BUCKET,
            existing=remains,
            generated_by_aws=generated_by_aws,
        )
        TerraformHclModule(stack, "other", source="acme/other/aws")
        DataResource(stack, "pause")
        store.create_before_all(stack)
        return store

    return bare_stack(make)


@pytest.fixture(scope="module")
def store(bare_stack: BareStack) -> Stack:
    return retained(bare_stack)


@pytest.fixture(scope="module")
def generating(bare_stack: BareStack) -> Stack:
    return retained(bare_stack, generated_by_aws=True)


@pytest.fixture(scope="module")
def resources(store: Stack) -> dict[str, Any]:
    found: dict[str, Any] = store.template("retained_store")["Resources"]
    return found


def test_fr07_bucket(resources: dict[str, Any]) -> None:
    properties = resources["Bucket"]["Properties"]
    assert properties["BucketName"] == BUCKET
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert properties["BucketEncryption"]
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    # They would reach new buckets only.
    assert not {"CorsConfiguration", "LifecycleConfiguration"} & set(properties)


def test_fr07_bucket_refuses_plain_http(resources: dict[str, Any]) -> None:
    (statement,) = resources["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_fr09_bucket_and_secrets_are_retained(resources: dict[str, Any]) -> None:
    for name in ("Bucket", "BucketPolicy", "Secrets"):
        assert resources[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert resources[name]["UpdateReplacePolicy"] == "Retain"
        assert resources[name]["Condition"] == "Create"


def test_fr09_store_is_created_once(store: Stack) -> None:
    """When, tests/test_retained.py computes."""
    stack = store.resource("aws_cloudformation_stack", "retained_store")
    assert stack["lifecycle"]["ignore_changes"] == ["parameters", "template_body", "on_failure"]
    assert stack["on_failure"] == "DELETE"
    conditions = store.template("retained_store")["Conditions"]
    assert conditions == {"Create": {"Fn::Equals": [{"Ref": "Create"}, "true"]}}


def test_fr09_store_is_never_updated(store: Stack) -> None:
    """An update would write "****" into the secret, which is how NoEcho parameters are read."""
    stack = store.resource("aws_cloudformation_stack", "retained_store")
    (statement,) = json.loads(stack["policy_body"])["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "Update:*")
    assert (statement["Principal"], statement["Resource"]) == ("*", "*")


def test_fr09_store_comes_before_all_else(store: Stack, resources: dict[str, Any]) -> None:
    """CloudFormation alone sees that a name is taken: nothing else must be made by then."""
    assert resources["Secrets"]["DependsOn"] == ["BucketPolicy"]
    stack = store.resource("aws_cloudformation_stack", "retained_store")
    assert "depends_on" not in stack
    assert not re.search(r"\b(module|terraform_data)\.", json.dumps(stack))
    for each in (*store.modules.values(), *store.resources("terraform_data")):
        assert each["depends_on"] == ["aws_cloudformation_stack.retained_store"]


def test_fr09_new_secret_says_that_it_has_a_mark(resources: dict[str, Any]) -> None:
    tags = resources["Secrets"]["Properties"]["Tags"]
    assert [tag["Key"] for tag in tags] == ["DatabaseMark"]


def test_fr15_nfr02_secrets_are_32_random_bytes(store: Stack) -> None:
    assert [each["length"] for each in store.resources("random_bytes")] == [32] * 3
    parameters = store.resource("aws_cloudformation_stack", "retained_store")["parameters"]
    for name in ("Salt", "EncryptionKey", "NextauthSecret"):
        # 64 characters, which ENCRYPTION_KEY must have.
        assert re.fullmatch(r"\$\{random_bytes\.\w+\.hex\}", parameters[name])


def test_fr15_secret_has_the_three_keys(resources: dict[str, Any]) -> None:
    written = json.loads(resources["Secrets"]["Properties"]["SecretString"]["Fn::Sub"])
    assert written == {
        "salt": "${Salt}",
        "encryption_key": "${EncryptionKey}",
        "nextauth_secret": "${NextauthSecret}",
    }


def test_nfr01_cloudformation_does_not_echo_secrets(store: Stack) -> None:
    for name, parameter in store.template("retained_store")["Parameters"].items():
        assert parameter.get("NoEcho", False) is (name != "Create")


def test_fr15_missing_secret_stops_a_deploy_and_no_destroy(bare_stack: BareStack) -> None:
    """A destroy ignores the condition, and evaluates all that is made of the value."""

    def make(stack: TerraformStack) -> Construct:
        secrets = read_application_secrets(
            stack, "application_secrets", name="local.name", listed_as=NAME
        )
        assert secrets.salt
        return stack

    app = bare_stack(make)
    listed = app.data("aws_secretsmanager_secrets", "application_secrets_existing")
    version = app.data("aws_secretsmanager_secret_version", "application_secrets")
    assert listed["filter"] == [{"name": "name", "values": ["local.name"]}]
    assert version["secret_id"] == "local.name"  # noqa: S105 - a name
    app.json["locals"]["name"] = NAME
    (condition,) = listed["lifecycle"]["postcondition"]
    assert f"The secret {NAME} is missing" in condition["error_message"]
    for names, is_there in (([f"{NAME}-2", NAME], True), ([f"{NAME}-2"], False)):
        found = {"names": names}
        answers = {
            "application_secrets_existing": found,
            "application_secrets": [{"secret_string": "{}"}] * is_there,
        }
        assert evaluate(app, condition["condition"], answers, found) is is_there
        assert evaluate(app, version["count"], answers) == int(is_there)
        secrets = evaluate(app, "${local.application_secrets}", answers)
        assert json.loads(secrets) == ({} if is_there else dict.fromkeys(KEYS, ""))


def test_generated_secrets_are_no_parameters(generating: Stack) -> None:
    stack = generating.resource("aws_cloudformation_stack", "retained_store")
    assert set(stack["parameters"]) == {"Create"}
    assert set(generating.template("retained_store")["Parameters"]) == {"Create"}
    assert generating.resources("random_bytes") == []
    # What is there already stays as it is, whoever made it.
    assert stack["lifecycle"]["ignore_changes"] == ["parameters", "template_body", "on_failure"]


def test_generated_secret_is_as_the_other(generating: Stack, resources: dict[str, Any]) -> None:
    """The same object in the same secret: each way reads what the other has made."""
    made = generating.template("retained_store")["Resources"]
    properties = dict(made["Secrets"]["Properties"])
    generated = properties.pop("GenerateSecretString")
    given = dict(resources["Secrets"]["Properties"])
    del given["SecretString"]
    assert properties == given
    for key in ("Condition", "DeletionPolicy", "UpdateReplacePolicy", "DependsOn"):
        assert made["Secrets"][key] == resources["Secrets"][key]
    template = json.loads(generated["SecretStringTemplate"]["Fn::Sub"])
    assert {*template, generated["GenerateStringKey"]} == {*KEYS}
    assert generated["GenerateStringKey"] == "encryption_key"
    assert template == {
        "salt": "{{resolve:secretsmanager:${Salt}:SecretString}}",
        "nextauth_secret": "{{resolve:secretsmanager:${NextauthSecret}:SecretString}}",
    }


def test_generated_values_are_64_hex_characters(generating: Stack) -> None:
    """Of all characters that Secrets Manager knows, these are left."""
    made = generating.template("retained_store")["Resources"]
    for name in ("Salt", "NextauthSecret", "Secrets"):
        how = made[name]["Properties"]["GenerateSecretString"]
        assert how["PasswordLength"] == 64
        assert how["ExcludeUppercase"] is how["ExcludePunctuation"] is True
        assert not {"ExcludeLowercase", "ExcludeNumbers", "IncludeSpace"} & set(how)
        assert set(string.ascii_lowercase) - set(how["ExcludeCharacters"]) == set("abcdef")
        assert set(how["ExcludeCharacters"]) <= set(string.ascii_lowercase)


def test_generators_go_with_the_stack(generating: Stack) -> None:
    """A copy of what is retained is not; it has a name that the deployer's policy covers."""
    made = generating.template("retained_store")["Resources"]
    for name in ("Salt", "NextauthSecret"):
        assert "DeletionPolicy" not in made[name]
        assert made[name]["Condition"] == "Create"
        assert made[name]["Properties"]["Name"].startswith(f"{NAME}-")


def test_check_alone_reads_no_value(bare_stack: BareStack) -> None:
    def make(stack: TerraformStack) -> Construct:
        check_application_secrets(stack, "application_secrets", name="local.name", listed_as=NAME)
        return stack

    app = bare_stack(make)
    (listed,) = app.json["data"]["aws_secretsmanager_secrets"].values()
    assert [*app.json["data"]] == ["aws_secretsmanager_secrets"]
    (condition,) = listed["lifecycle"]["postcondition"]
    assert f"The secret {NAME} is missing" in condition["error_message"]
