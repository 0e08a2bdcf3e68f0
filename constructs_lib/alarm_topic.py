"""Where alarms go: an SNS topic, and who is mailed."""

from collections.abc import Sequence

from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_subscription import SnsTopicSubscription
from constructs import Construct


class AlarmTopic(Construct):
    """A topic with one subscription by e-mail, which AWS asks the addressee to confirm.

    It is not encrypted: CloudWatch cannot use AWS's key for it, and a key of one's own costs $1 a
    month. What goes through it are names of alarms and numbers.
    """

    arn: str

    def __init__(
        self, scope: Construct, id_: str, *, name: str, email: str, after: Sequence[str]
    ) -> None:
        """Create the topic.

        Args:
            scope: parent construct.
            id_: construct id.
            name: name of the topic.
            email: address that is mailed.
            after: Terraform addresses of what is made before it.

        """
        super().__init__(scope, id_)
        topic = SnsTopic(self, "topic", name=name)
        topic.override_logical_id("alarms")
        topic.add_override("depends_on", [*after])
        mail = SnsTopicSubscription(
            self, "mail", topic_arn=topic.arn, protocol="email", endpoint=email
        )
        mail.override_logical_id("alarms")
        self.arn = topic.arn
