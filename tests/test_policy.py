"""What checkov says of the synthesized JSON, and of the CloudFormation template inside it.

It sees the stacks' own resources and module calls, not what the modules make of them.
"""

from concurrent.futures import Future

import pytest

from tests.helpers.policy import PolicyReport, file_name
from tests.helpers.stack import Stack

# Every check that does not pass, and why that is meant.
ACCEPTED = {
    "terraform_json": {
        "CKV_TF_1": "registry modules are pinned by exact version; commits need another source",
        "CKV_AWS_26": "CloudWatch cannot use AWS's key for SNS, and one's own costs $1 a month",
        "CKV_AWS_88": "a NAT instance needs a public address; its firewall lets nobody in",
        "CKV_AWS_124": "nobody listens: whoever deploys watches the deploy",
        "CKV_AWS_297": "schedules hold two names, and a key of one's own costs $1 a month",
        "CKV_AWS_304": "Langfuse reads the password at its start only, so a person rotates it",
        "CKV_AWS_394": "only the first two zones are taken, and new ones sort behind them",
    },
    "cloudformation": {
        "CKV_AWS_18": "access logs would need a second bucket that outlives everything",
        "CKV_AWS_149": "a key of one's own costs $1 a month and, once deleted, loses the secret",
    },
}
# Over all variants. If a check is no longer run, its green means nothing.
CHECKS = {"terraform_json": 283, "cloudformation": 68}


@pytest.mark.parametrize("framework", ACCEPTED)
def test_policy(policy_report: Future[PolicyReport], framework: str) -> None:
    report = policy_report.result()[framework]
    assert report["failed_checks"] == sorted(ACCEPTED[framework])
    assert report["parsing_errors"] == 0
    assert report["passed"] + report["failed"] == CHECKS[framework]


def test_checkov_reads_every_stack_of_every_variant(
    policy_report: Future[PolicyReport], variants: dict[str, dict[str, Stack]]
) -> None:
    """A file that it cannot parse, or in which it finds nothing to check, would be green."""
    checked = policy_report.result()["terraform_json"]["by_file"]
    assert set(checked) == {
        file_name(variant, stack) for variant, stacks in variants.items() for stack in stacks
    }
    assert min(checked.values()) > 0
    assert "remote-workspaces.tf.json" in checked
