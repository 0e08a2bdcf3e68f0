"""What CloudWatch's alarms say, and whether anybody is mailed."""

from functools import partial
from typing import Final

from alarms import PAGE
from backing_up.account import Account
from capacity.account import answered
from verification.check import Check, CheckWarning, Reading
from verification.cluster import CheckError, Cluster

# In place of a subscription's ARN.
_UNCONFIRMED: Final = "PendingConfirmation"


def alarms(account: Account) -> Reading:
    """Check that no alarm has gone off, and that its mails are read.

    Raises:
        CheckError: there is no alarm, or one has gone off.
        CheckWarning: one has no numbers, or nobody is mailed.

    """
    cloudwatch, sns = account.client("cloudwatch"), account.client("sns")
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{account.name}-")
    # A longer name may begin like this one.
    ours = [
        alarm
        for alarm in pages.build_full_result()["MetricAlarms"]
        if any(topic.endswith(f":{account.name}-alarms") for topic in alarm["AlarmActions"])
    ]
    if not ours:
        message = f"there is none; deploy deps, then app: {PAGE}#switch-it-on"
        raise CheckError(message)
    in_state: dict[str, list[str]] = {state: [] for state in ("ALARM", "INSUFFICIENT_DATA", "OK")}
    for alarm in ours:
        in_state[alarm["StateValue"]].append(alarm["AlarmName"])
    if gone_off := in_state["ALARM"]:
        message = f"{', '.join(sorted(gone_off))}; see {PAGE}#what-to-do"
        raise CheckError(message)
    (topic,) = {topic for alarm in ours for topic in alarm["AlarmActions"]}
    found = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    mailed = [each["Endpoint"] for each in found if each["SubscriptionArn"] != _UNCONFIRMED]
    if not mailed:
        message = f"nobody is mailed: confirm the mail of AWS Notifications, {PAGE}#switch-it-on"
        raise CheckWarning(message)
    if without := in_state["INSUFFICIENT_DATA"]:
        message = f"without numbers, as new ones are: {', '.join(sorted(without))}; see {PAGE}"
        raise CheckWarning(message)
    return Reading(f"{len(ours)} watch, {', '.join(mailed)} is mailed", {"watching": len(ours)})


def alarm_check(account: Account) -> Check[Cluster]:
    """Return the check, for an installation with alarms."""
    return Check("alarms", partial(answered, alarms, account))
