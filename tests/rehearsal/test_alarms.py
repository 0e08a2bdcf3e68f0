"""Alarms and the budget: made, set off one by one, over again, changed, and gone.

The program of the CronJob is run as the cluster has it, on ClickHouse's own engine. Moto keeps the
alarms and the numbers; `alarm_states` compares them by AWS's rules.
"""

import importlib.util
import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import pytest

import sizing
from in_cluster.metrics_values import MINUTES
from in_cluster.names import FIRST_METRICS, METRICS, NAMESPACE, RELEASE
from tests.helpers.checkout import ROOT
from tests.helpers.serving import free_port
from tests.rehearsal.conftest import lacks
from tests.rehearsal.environment import Environment, wait_until
from tests.rehearsal.metric_sources import Pod, beyond, put_for, role_arn, small_volume, soon
from tests.rehearsal.stand_ins.alarm_states import AlarmStates, Mail
from tests.rehearsal.stand_ins.aws import ACCOUNT
from tests.rehearsal.stand_ins.clickhouse import ClickHouse
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from tests.rehearsal.test_app import items, ready_pods, wait_for_all_pods
from tests.rehearsal.test_elasticache import without_jobs
from tests.rehearsal.test_last_backup import made, status
from tests.rehearsal.test_major_plan import words

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True

STACKS: Final = ("network", "deps", "app")
EMAIL: Final = "ops@example.com"
TOPIC: Final = f"arn:aws:sns:us-east-1:{ACCOUNT}:langfuse-alarms"
OF_DATABASE: Final = ("database-credits", "database-memory", "database-storage")
OF_CLUSTER: Final = ("clickhouse-disk", "clickhouse-node-memory", "unschedulable-pods")
SIX: Final = sorted(f"langfuse-{each}" for each in (*OF_DATABASE, *OF_CLUSTER))
OF_PROGRAM: Final = ["langfuse-clickhouse-disk", "langfuse-clickhouse-node-memory"]
# Those that mail when nobody puts numbers there any more.
MAILS_WITHOUT_NUMBERS: Final = ["langfuse-clickhouse-disk", "langfuse-database-storage"]
# The time of a test: no number of moto's own is that late, nor the one before it.
LATER: Final = timedelta(days=1)
PERIOD: Final = timedelta(minutes=MINUTES)
# IAM's names of calls of the Budgets API.
BUDGET_ACTIONS: Final = {
    "CreateBudget": "ModifyBudget",
    "UpdateBudget": "ModifyBudget",
    "DeleteBudget": "ModifyBudget",
    "CreateNotification": "ModifyBudget",
    "DeleteNotification": "ModifyBudget",
    "DescribeBudget": "ViewBudget",
    "DescribeNotificationsForBudget": "ViewBudget",
    "DescribeSubscribersForNotification": "ViewBudget",
}


@pytest.fixture(scope="module")
def states(environment: Environment) -> AlarmStates:
    return AlarmStates(environment.aws)


@pytest.fixture(scope="module")
def pod(
    request: pytest.FixtureRequest,
    environment: Environment,
    worker_modules: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pod]:
    """Return a pod of the CronJob, with ClickHouse; skip without the engine."""
    if importlib.util.find_spec("chdb") is None:
        lacks(request, "no chdb-core; run: uv run --all-groups pytest -m rehearsal")
    folder = tmp_path_factory.mktemp("metrics")
    (folder / "worker").symlink_to(worker_modules)
    (folder / "server").mkdir()
    with ClickHouse(folder / "server", environment.aws.url, role_arn(environment)) as clickhouse:
        found = Pod(folder, environment, clickhouse)
        found.open_volume()
        yield found


def budget(environment: Environment) -> dict[str, Any]:
    client = environment.aws.client("budgets")
    name = {"AccountId": ACCOUNT, "BudgetName": "langfuse-monthly"}
    found: dict[str, Any] = client.describe_budget(**name)["Budget"]
    notifications = client.describe_notifications_for_budget(**name)["Notifications"]
    found["Mails"] = [
        (
            each["NotificationType"],
            each["Threshold"],
            [
                to["Address"]
                for to in client.describe_subscribers_for_notification(**name, Notification=each)[
                    "Subscribers"
                ]
            ],
        )
        for each in notifications
    ]
    return found


def test_network_makes_the_budget(environment: Environment) -> None:
    """Network makes the budget, which mails at 80 and 100 % of it, and when 100 % is foreseen.

    It is for all of the account, and credits do not hide what runs. Cannot prove: that AWS mails.
    """
    environment.installation.change_env(ALARM_EMAIL=EMAIL, MONTHLY_BUDGET_USD="180")
    environment.installation.deploy("network")
    made_budget = budget(environment)
    assert float(made_budget["BudgetLimit"]["Amount"]) == 180
    assert (made_budget["BudgetLimit"]["Unit"], made_budget["TimeUnit"]) == ("USD", "MONTHLY")
    assert not made_budget.get("CostFilters")
    assert made_budget["CostTypes"]["IncludeCredit"] is False
    assert sorted(made_budget["Mails"]) == [
        ("ACTUAL", 80.0, [EMAIL]),
        ("ACTUAL", 100.0, [EMAIL]),
        ("FORECASTED", 100.0, [EMAIL]),
    ]
    environment.installation.assert_nothing_to_do("network")


@pytest.mark.usefixtures("plane")
def test_app_alone_is_refused(environment: Environment) -> None:
    """App before deps is refused, with what to deploy first."""
    environment.installation.change_env(ALARM_EMAIL=None, MONTHLY_BUDGET_USD=None)
    environment.installation.deploy("deps")
    environment.installation.change_env(ALARM_EMAIL=EMAIL, MONTHLY_BUDGET_USD="180")
    said = environment.installation.deploy("app", status=1)
    assert "publishes no alarm_topic_arn. Run cdktf deploy deps first" in words(said)


def test_deps_makes_the_topic_and_its_alarms(environment: Environment, states: AlarmStates) -> None:
    """Deps makes a topic with one subscription by e-mail, and three alarms that send to it.

    On a running database nothing else changes. Cannot prove: that AWS asks for a confirmation.
    """
    said = environment.installation.deploy("deps")
    assert " 0 to change, 0 to destroy." in said
    assert f"confirm the mail of AWS Notifications to {EMAIL}" in said
    found = environment.aws.client("sns").list_subscriptions_by_topic(TopicArn=TOPIC)
    assert [(each["Protocol"], each["Endpoint"]) for each in found["Subscriptions"]] == [
        ("email", EMAIL)
    ]
    alarms = states.definitions()
    assert sorted(alarms) == sorted(f"langfuse-{each}" for each in OF_DATABASE)
    assert {topic for each in alarms.values() for topic in each["AlarmActions"]} == {TOPIC}
    environment.installation.assert_nothing_to_do("network", "deps")


def test_app_puts_numbers_and_watches_them(
    environment: Environment, plane: ControlPlane, states: AlarmStates
) -> None:
    """App makes the CronJob, whose first run is part of the deploy, and then its three alarms.

    No second plan has a difference, and no mail is sent for what is new.
    """
    environment.installation.deploy("app")
    wait_for_all_pods(plane)
    assert made(plane, FIRST_METRICS) == 1
    assert status(plane, METRICS) == "deployed"
    (cron,) = items(plane, "cronjobs", f"--field-selector=metadata.name={METRICS}")
    assert cron["spec"]["schedule"] == f"*/{MINUTES} * * * *"
    assert sorted(states.definitions()) == SIX
    states.evaluate(datetime.now(UTC) + LATER)
    assert states.mails == []
    environment.installation.assert_nothing_to_do(*STACKS)


def test_pod_has_no_rights_in_the_cluster(plane: ControlPlane) -> None:
    """A Job made of the CronJob completes, beside the worker, without a token for the cluster."""
    plane.kubectl("create", "job", "now", f"--from=cronjob/{METRICS}", "-n", NAMESPACE)
    plane.kubectl("wait", "job/now", "-n", NAMESPACE, "--for=condition=Complete", "--timeout=60s")
    (found,) = items(plane, "pods", "-l", "batch.kubernetes.io/job-name=now")
    assert found["spec"]["nodeName"] == ready_pods(plane)["worker"]
    mounted = {each["name"] for each in found["spec"]["containers"][0]["volumeMounts"]}
    assert mounted == {"script"}
    may = ("auth", "can-i", "--list", "-n", NAMESPACE)
    rights = plane.kubectl(*may, f"--as=system:serviceaccount:{NAMESPACE}:{METRICS}")
    assert "secrets" not in rights
    assert "pods" not in rights
    plane.kubectl("delete", "job/now", "-n", NAMESPACE, "--wait")


def test_program_sets_off_its_alarms(
    plane: ControlPlane, pod: Pod, states: AlarmStates, tmp_path: Path
) -> None:
    """A volume that is filled, and a node's memory, set off two alarms by the program's numbers.

    With room in both again they are over. One number is enough where there are no others. Cannot
    prove: that the rows of the memory are the node's (chDB has none, so the step writes them), and
    that AWS has a number within minutes.
    """
    if os.geteuid() != 0:
        pytest.skip("a small file system needs root")
    with small_volume(tmp_path / "volume") as volume:
        pod.open_volume(volume)
        (volume / "traces").write_bytes(bytes(58 * 2**20))
        pod.use_memory(95)
        done = pod.run(plane)
        assert done.returncode == 0, done.stderr
        verdicts = states.evaluate(soon())
        assert {verdicts[name] for name in OF_PROGRAM} == {"ALARM"}
        assert sorted((each.alarm, each.state, each.address) for each in states.mails) == [
            (name, "ALARM", EMAIL) for name in OF_PROGRAM
        ]
        (volume / "traces").unlink()
        pod.use_memory(60)
        begun = soon()
        wait_until(lambda: datetime.now(UTC) > begun)
        assert pod.run(plane).returncode == 0
        verdicts = states.evaluate(begun + PERIOD)
        assert {verdicts[name] for name in OF_PROGRAM} == {"OK"}
        pod.open_volume()


def test_numbers_are_those_that_the_alarms_watch(
    environment: Environment, plane: ControlPlane, pod: Pod, states: AlarmStates
) -> None:
    """The program puts two numbers, of exactly the metrics that two alarms watch.

    It signs with the role of its service account, and stays below the limit of its memory.

    Cannot prove: that IAM holds it to its namespace, and the numbers of ClickHouse 26.3.
    """
    begun = soon()
    wait_until(lambda: datetime.now(UTC) > begun)
    done = pod.run(plane)
    assert done.returncode == 0, done.stderr
    listed = environment.aws.client("cloudwatch").list_metrics(Namespace="Langfuse/langfuse")
    watched = [
        {key: alarm[key] for key in ("Namespace", "MetricName", "Dimensions")}
        for alarm in states.definitions().values()
        if not alarm["Namespace"].startswith("AWS/")
    ]
    assert len(watched) == 2
    # Moto lists a metric once for each number.
    assert {*map(text_of, listed["Metrics"])} == {*map(text_of, watched)}
    verdicts = states.evaluate(begun + PERIOD)
    # How full this machine's disk is, is not of interest.
    assert verdicts["langfuse-clickhouse-disk"] in {"OK", "ALARM"}
    assert verdicts["langfuse-clickhouse-node-memory"] == "OK"
    role = role_arn(environment).rpartition("/")[2]
    assert role.startswith("langfuse-metrics-")
    sessions = {
        environment.aws.client("sts", key=key).get_caller_identity()["Arn"].split("/")[1]
        for key in environment.aws.signers("monitoring")
        if key.startswith("ASIA")
    }
    assert sessions == {role}
    assert pod.most_memory_kib < sizing.METRICS.memory_limit_mib * 1024


def text_of(metric: dict[str, Any]) -> str:
    return json.dumps(metric, sort_keys=True)


@pytest.mark.parametrize("name", SIX)
def test_alarm_is_set_off_and_over(
    environment: Environment, states: AlarmStates, name: str
) -> None:
    """Numbers beyond the threshold set it off, with one mail to the address; others end it.

    One number short of the time that it waits for is not enough. Cannot prove: that AWS mails.
    """
    alarm = states.definitions()[name]
    # Of its own, so that no alarm sees another's numbers.
    now = datetime.now(UTC) + LATER * (2 + SIX.index(name))
    whole = timedelta(seconds=alarm["Period"] * alarm["EvaluationPeriods"])
    put_for(environment, alarm, beyond(alarm, by=-0.1), now)
    assert states.evaluate(now)[name] == "OK"
    states.mails.clear()
    # All but the last of the periods are beyond.
    put_for(environment, alarm, beyond(alarm, by=0.1), now + whole)
    short = now + whole - timedelta(seconds=alarm["Period"])
    assert states.evaluate(short)[name] == "OK"
    assert states.evaluate(now + whole)[name] == "ALARM"
    (mail,) = (each for each in states.mails if each.alarm == name)
    assert (mail.state, mail.address) == ("ALARM", EMAIL)
    page, _, section = mail.text.rpartition(" ")[2].partition("#")
    assert f"\n## {section}\n" in (ROOT / page).read_text(encoding="utf-8")
    assert states.evaluate(now + whole)[name] == "ALARM"
    put_for(environment, alarm, beyond(alarm, by=-0.1), now + 2 * whole)
    assert states.evaluate(now + 2 * whole)[name] == "OK"
    assert len([each for each in states.mails if each.alarm == name]) == 1


def test_numbers_that_no_longer_come(environment: Environment, states: AlarmStates) -> None:
    """Without numbers, one alarm of each source mails, and those of what is well say nothing."""
    now = datetime.now(UTC) + 30 * LATER
    for alarm in states.definitions().values():
        put_for(environment, alarm, beyond(alarm, by=-0.1), now)
    assert {*states.evaluate(now).values()} == {"OK"}
    states.mails.clear()
    verdicts = states.evaluate(now + LATER)
    assert verdicts.pop("langfuse-unschedulable-pods") == "OK"
    assert {*verdicts.values()} == {"INSUFFICIENT_DATA"}
    assert sorted((each.alarm, each.state, each.address) for each in states.mails) == [
        (name, "INSUFFICIENT_DATA", EMAIL) for name in MAILS_WITHOUT_NUMBERS
    ]


def test_numbers_are_refused(environment: Environment, plane: ControlPlane, pod: Pod) -> None:
    """Where CloudWatch or ClickHouse refuses, the pod fails with one line, and shows no password.

    A number that is missing keeps no other from CloudWatch.
    """
    pod.use_memory(None)
    partly = pod.run(plane)
    assert re.fullmatch(r"metrics: ClickHouseDiskUsed \d+\.\d %\n", partly.stdout)
    environment.aws.fail_next(9, 403, "AccessDenied", "^monitoring:")
    refused = pod.run(plane)
    environment.aws.forgive()
    away = pod.run(plane, CLICKHOUSE_URL=f"http://127.0.0.1:{free_port()}")
    stranger = pod.run(plane, CLICKHOUSE_PASSWORD="not-printed-either")  # noqa: S106
    for done, reason in (
        (partly, "metrics: failed: ClickHouse has no number for ClickHouseNodeMemoryUsed"),
        (refused, "metrics: failed: CloudWatch refuses: AccessDenied"),
        (away, "metrics: failed: ClickHouse does not answer (ECONNREFUSED)"),
        (stranger, "metrics: failed: ClickHouse answers: Code: 516"),
    ):
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert line.startswith(reason)
        assert "not-printed" not in done.stdout + done.stderr


def test_failed_first_run_leaves_langfuse(environment: Environment, plane: ControlPlane) -> None:
    """Where the first run fails, so does the deploy of app, with Langfuse as it was.

    The next deploy makes what is missing.
    """
    environment.installation.change_env(ALARM_EMAIL=None, MONTHLY_BUDGET_USD=None)
    environment.installation.deploy("app")
    before = {
        each["metadata"]["name"]: each["metadata"]["generation"]
        for each in items(plane, "deployments,statefulsets")
    }
    environment.installation.change_env(ALARM_EMAIL=EMAIL, MONTHLY_BUDGET_USD="180")
    with without_jobs(plane):
        said = environment.installation.deploy("app", status=1)
    assert METRICS in said
    assert status(plane, RELEASE) == "deployed"
    assert before == {
        each["metadata"]["name"]: each["metadata"]["generation"]
        for each in items(plane, "deployments,statefulsets")
    }
    environment.installation.deploy("app")
    assert status(plane, METRICS) == "deployed"
    environment.installation.assert_nothing_to_do("app")


def test_address_and_budget_change_in_place(environment: Environment, states: AlarmStates) -> None:
    """Another address replaces the subscription, another sum changes the budget; alarms stay."""
    alarms = states.definitions()
    environment.installation.change_env(ALARM_EMAIL="ada@example.com", MONTHLY_BUDGET_USD="200")
    for stack in ("network", "deps"):
        environment.installation.deploy(stack)
    changed = budget(environment)
    assert float(changed["BudgetLimit"]["Amount"]) == 200
    assert {address for *_, to in changed["Mails"] for address in to} == {"ada@example.com"}
    found = environment.aws.client("sns").list_subscriptions_by_topic(TopicArn=TOPIC)
    assert [each["Endpoint"] for each in found["Subscriptions"]] == ["ada@example.com"]
    assert {name: each["AlarmArn"] for name, each in alarms.items()} == {
        name: each["AlarmArn"] for name, each in states.definitions().items()
    }
    environment.installation.assert_nothing_to_do(*STACKS)


def test_redis_in_elasticache_is_watched(environment: Environment, states: AlarmStates) -> None:
    """With REDIS=elasticache, deps has an alarm more, on the node that AWS lists."""
    environment.installation.change_env(REDIS="elasticache")
    environment.installation.deploy("deps")
    alarm = states.definitions()["langfuse-redis-memory"]
    clusters = environment.aws.client("elasticache").describe_cache_clusters()["CacheClusters"]
    assert alarm["Dimensions"] == [
        {"Name": "CacheClusterId", "Value": each["CacheClusterId"]} for each in clusters
    ]
    now = datetime.now(UTC) + 90 * LATER
    for by, state in ((-0.1, "OK"), (0.1, "ALARM")):
        put_for(environment, alarm, beyond(alarm, by=by), now)
        assert states.evaluate(now)["langfuse-redis-memory"] == state
        now += LATER
    states.mails.clear()
    states.evaluate(now + LATER)
    assert (
        Mail(
            "langfuse-redis-memory",
            "INSUFFICIENT_DATA",
            "ada@example.com",
            alarm["AlarmDescription"],
        )
        in states.mails
    )
    environment.installation.change_env(REDIS="bundled")
    environment.installation.deploy("deps")
    assert sorted(states.definitions()) == SIX


def test_switched_off(environment: Environment, plane: ControlPlane) -> None:
    """Without the variables, deploys take all of it away, and nothing else changes."""
    environment.installation.change_env(ALARM_EMAIL=None, MONTHLY_BUDGET_USD=None)
    for stack in reversed(STACKS):
        said = environment.installation.deploy(stack)
        assert " 0 to add, 0 to change, " in said
    left = " ".join(environment.left_over())
    for word in ("cloudwatch", "sns", "budgets", "metrics"):
        assert word not in left
    assert status(plane, METRICS) is None
    assert items(plane, "cronjobs", f"--field-selector=metadata.name={METRICS}") == []
    environment.installation.assert_nothing_to_do(*STACKS)


def test_destroy_leaves_nothing(
    environment: Environment, plane: ControlPlane, states: AlarmStates
) -> None:
    """A new installation needs no second deploy; a destroy leaves no alarm, topic or budget."""
    environment.installation.change_env(ALARM_EMAIL=EMAIL, MONTHLY_BUDGET_USD="180")
    for stack in STACKS:
        environment.installation.deploy(stack)
    assert sorted(states.definitions()) == SIX
    environment.installation.assert_nothing_to_do(*STACKS)
    for stack in reversed(STACKS):
        environment.installation.destroy(stack)
    assert plane.left_in(NAMESPACE) == []
    assert environment.left_over_besides_retained() == []
    assert environment.aws.unlisted() == []


def test_policies_suffice(environment: Environment) -> None:
    """`policies/alarms.json` allows what Terraform asked of CloudWatch, SNS and Budgets.

    Cannot prove: that AWS asks for no more.
    """
    policy = json.loads((ROOT / "policies" / "alarms.json").read_text(encoding="utf-8"))
    granted = [action for each in policy["Statement"] for action in each["Action"]]
    calls = [
        call.replace("monitoring:", "cloudwatch:")
        for call in environment.aws.provider_calls()
        if call.startswith(("monitoring:", "sns:", "budgets:"))
    ]
    assert len(calls) > 15
    asked = {
        f"budgets:{BUDGET_ACTIONS.get(call.partition(':')[2], call.partition(':')[2])}"
        if call.startswith("budgets:")
        else call
        for call in calls
    }
    assert [call for call in asked if not any(fnmatch(call, each) for each in granted)] == []
