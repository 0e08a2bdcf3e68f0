"""AlarmTopic: an SNS topic with one subscription by e-mail."""

from constructs_lib.alarm_topic import AlarmTopic
from tests.helpers.bare_stack import BareStack


def test_one_address_is_mailed(bare_stack: BareStack) -> None:
    stack = bare_stack(
        lambda stack: AlarmTopic(
            stack, "topic", name="team-a-alarms", email="ops@example.com", after=["module.a"]
        )
    )
    topic = stack.resource("aws_sns_topic", "alarms")
    assert topic["name"] == "team-a-alarms"
    assert topic["depends_on"] == ["module.a"]
    # CloudWatch cannot use AWS's key for SNS.
    assert "kms_master_key_id" not in topic
    mail = stack.resource("aws_sns_topic_subscription", "alarms")
    assert mail["topic_arn"] == stack.outputs["arn"]["value"] == "${aws_sns_topic.alarms.arn}"
    assert (mail["protocol"], mail["endpoint"]) == ("email", "ops@example.com")
