"""ALARM_EMAIL and MONTHLY_BUDGET_USD: alarms of CloudWatch, and a budget."""

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

import alarms
import sizing
from capacity import account, clickhouse, redis
from env_file import load_settings
from in_cluster.metrics_values import QUERIES, SCRIPT, TIMEOUT, metrics_values, question
from in_cluster.worker_modules import LOADER
from pricing.bill import bill
from tests.helpers.chart_values import Values, chart_values
from tests.helpers.checkout import ROOT
from tests.helpers.modules import IRSA
from tests.helpers.node import NODE
from tests.helpers.stack import Stack
from tests.helpers.synthesis import ENV, Stacks, SynthesizeStack, WithOptions
from tests.helpers.worker_image import write_module
from tests.options.table import OPTIONS

# Of the free tier of an account.
FREE_ALARMS: Final = 10
FREE_METRICS: Final = 10
FREE_BUDGETS: Final = 2
# Of a month of 31 days.
FREE_REQUESTS: Final = 1_000_000
EVERYTHING: Final = ("alarms", "elasticache")

PAGE: Final = (ROOT / "docs" / "alarms.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def watched(with_options: WithOptions) -> Stacks:
    return with_options("alarms")


def alarms_of(stacks: Stacks) -> dict[str, dict[str, Any]]:
    """Return all alarms of an installation by their names."""
    return {
        each["alarm_name"]: each
        for stack in stacks.values()
        for each in stack.resources("aws_cloudwatch_metric_alarm")
    }


def names(stacks: Stacks) -> list[str]:
    return sorted(name.removeprefix("langfuse-") for name in alarms_of(stacks))


def test_without_it_nothing_is_made(stacks: Stacks) -> None:
    for stack in stacks.values():
        for word in ("aws_cloudwatch", "cloudwatch:", "aws_sns", "budget", "langfuse-metrics"):
            assert word not in stack.text


OF_CLICKHOUSE: Final = ["clickhouse-disk", "clickhouse-node-memory"]
OF_DATABASE: Final = ["database-credits", "database-memory", "database-storage"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("alarms",), [*OF_CLICKHOUSE, *OF_DATABASE, "unschedulable-pods"]),
        (EVERYTHING, [*OF_CLICKHOUSE, *OF_DATABASE, "redis-memory", "unschedulable-pods"]),
        (("alarms", "own_clickhouse"), [*OF_DATABASE, "unschedulable-pods"]),
    ],
    ids="+".join,
)
def test_which_alarms_exist(
    with_options: WithOptions, options: Sequence[str], expected: list[str]
) -> None:
    assert names(with_options(*options)) == expected


def test_installation_that_sleeps_mails_nothing_at_night(with_options: WithOptions) -> None:
    """Asleep it puts no numbers there, and its pods fit on no node, as there is none."""
    stacks = with_options("alarms", "awake_hours")
    assert names(stacks) == [*OF_CLICKHOUSE, *OF_DATABASE]
    for alarm in alarms_of(stacks).values():
        assert alarm["treat_missing_data"] == "missing"
        assert "insufficient_data_actions" not in alarm
        assert "nobody can tell" not in alarm["alarm_description"]


def test_class_without_credits_has_no_alarm_on_them(synthesize_stack: SynthesizeStack) -> None:
    deps = synthesize_stack("deps", DATABASE_INSTANCE_CLASS="db.m7g.large", **OPTIONS["alarms"])
    assert names({"deps": deps}) == ["database-memory", "database-storage"]


def test_it_stays_in_the_free_tier(with_options: WithOptions) -> None:
    """With everything that has an alarm."""
    stacks = with_options(*EVERYTHING)
    made = alarms_of(stacks)
    # A metric is its namespace, name and dimensions.
    own = {
        json.dumps([each["namespace"], each["metric_name"], each.get("dimensions")])
        for each in made.values()
        if not each["namespace"].startswith("AWS/")
    }
    assert len(own) == len(QUERIES) <= FREE_METRICS
    assert len(made) == 7 <= FREE_ALARMS
    # Others have a price of their own.
    assert {each["period"] % 60 for each in made.values()} == {0}
    budgets = [each for stack in stacks.values() for each in stack.resources("aws_budgets_budget")]
    assert len(budgets) == 1 <= FREE_BUDGETS
    assert "action" not in json.dumps(budgets)
    (minutes,) = re.findall(r"^\*/(\d+) \* \* \* \*$", cron(stacks)["schedule"])
    assert 31 * 24 * 60 / int(minutes) <= FREE_REQUESTS
    for number in ("six alarms (seven with ElastiCache)", "two metrics", "one budget"):
        assert number in PAGE


def test_page_has_a_section_for_each(with_options: WithOptions) -> None:
    sections = re.findall(r"^## ([a-z-]+)$", PAGE, re.MULTILINE)
    assert sorted(sections) == names(with_options(*EVERYTHING))
    for name, alarm in alarms_of(with_options(*EVERYTHING)).items():
        section = name.removeprefix("langfuse-")
        assert alarm["alarm_description"].endswith(f"What to do: docs/alarms.md#{section}")


def test_numbers_of_the_page_are_those_of_the_alarms(with_options: WithOptions) -> None:
    made = alarms_of(with_options(*EVERYTHING))
    for name, alarm in made.items():
        section = PAGE.partition(f"\n## {name.removeprefix('langfuse-')}\n")[2].partition("\n##")[0]
        minutes = alarm["period"] * alarm["evaluation_periods"] // 60
        assert ("for an hour" if minutes == 60 else f"for {minutes} minutes") in section
        if alarm["namespace"] != "AWS/RDS" and alarm["threshold"]:
            assert f"More than {alarm['threshold']:g} %" in section
    assert made["langfuse-database-memory"]["threshold"] == 50 * 2**20
    # 20 GiB by default.
    assert made["langfuse-database-storage"]["threshold"] == pytest.approx(0.15 * 20 * 2**30)


def test_alarms_agree_with_verify() -> None:
    assert alarms.FULL_DISK == clickhouse.FULL_DISK
    assert alarms.FULL_STORAGE == account.FULL_STORAGE
    assert alarms.FULL_REDIS == redis.FULL


def test_app_is_watched_once_it_is_there(watched: Stacks, with_options: WithOptions) -> None:
    """And no longer once it goes: an alarm is deleted before what it depends on."""
    for stacks, release in (
        (watched, "helm_release.langfuse-metrics"),
        (with_options("alarms", "own_clickhouse"), "helm_release.langfuse"),
    ):
        made = stacks["app"].resources("aws_cloudwatch_metric_alarm")
        assert {tuple(each["depends_on"]) for each in made} == {(release,)}
        assert {each["alarm_actions"][0] for each in made} == {"${local.deps_alarm_topic_arn}"}
    metrics = watched["app"].resource("helm_release", "langfuse-metrics")
    assert metrics["depends_on"] == ["helm_release.langfuse"]
    assert metrics["timeout"] == TIMEOUT


def test_stores_are_watched_once_they_are_there(with_options: WithOptions) -> None:
    deps = with_options(*EVERYTHING)["deps"]
    after = {
        name: each["depends_on"]
        for name, each in deps.json["resource"]["aws_cloudwatch_metric_alarm"].items()
    }
    assert after.pop("redis_memory") == ["module.redis"]
    assert {*map(tuple, after.values())} == {("module.rds",)}
    # Nothing is made before a name that is taken is noticed.
    topic = deps.resource("aws_sns_topic")
    assert topic["depends_on"] == ["aws_cloudformation_stack.retained_store"]


def test_budget_is_there_while_the_network_is(watched: Stacks) -> None:
    network = watched["network"]
    assert network.resource("aws_budgets_budget")["name"] == "langfuse-monthly"
    guard = network.resource("terraform_data", "destroy_order")
    assert "aws_budgets_budget.monthly" in guard["depends_on"]


def test_without_a_sum_there_is_no_budget(synthesize_stack: SynthesizeStack) -> None:
    network = synthesize_stack("network", ALARM_EMAIL="ops@example.com")
    assert network.resources("aws_budgets_budget") == []


def test_role_may_put_metrics_of_this_installation_only(watched: Stacks) -> None:
    (role,) = (
        call
        for call in watched["deps"].modules.values()
        if call["source"] == IRSA and call["name"] == "langfuse-metrics"
    )
    assert role["permissions"] == {
        "metrics": {
            "actions": ["cloudwatch:PutMetricData"],
            "resources": ["*"],
            "condition": [
                {
                    "test": "StringEquals",
                    "variable": "cloudwatch:namespace",
                    "values": ["Langfuse/langfuse"],
                }
            ],
        }
    }
    accounts = role["oidc_providers"]["cluster"]["namespace_service_accounts"]
    assert accounts == ["langfuse:langfuse-metrics"]
    own = {
        each["namespace"]
        for each in alarms_of(watched).values()
        if not each["namespace"].startswith("AWS/")
    }
    assert own == {"Langfuse/langfuse"}


def manifests(stacks: Stacks) -> Values:
    found: Values = chart_values(stacks["app"], "langfuse-metrics")["manifests"]
    return found


def cron(stacks: Stacks) -> Values:
    found: Values = manifests(stacks)["regular"]["spec"]
    return found


def test_cron_job_and_first_run_are_the_same(watched: Stacks) -> None:
    made = manifests(watched)
    regular, first = cron(watched)["jobTemplate"]["spec"], made["first"]["spec"]
    assert regular["template"] == first["template"]
    assert made["first"]["metadata"]["annotations"]["helm.sh/hook"] == "post-install,post-upgrade"
    # It ends before the next one begins, and Helm learns how the first one ended.
    assert regular["activeDeadlineSeconds"] < 300
    assert first["activeDeadlineSeconds"] * (first["backoffLimit"] + 1) < TIMEOUT
    assert set(made) == {"account", "script", "first", "regular"}


def test_pod_has_what_the_program_reads_and_no_more(watched: Stacks) -> None:
    pod = cron(watched)["jobTemplate"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    given = {each["name"] for each in container["env"]}
    read = set(re.findall(r"\benv\.([A-Z0-9_]+)", SCRIPT.read_text(encoding="utf-8")))
    assert read == given - {"NODE_OPTIONS"}
    assert container["command"] == ["node", "/backup/metrics.js", question("langfuse")]
    assert container["resources"] == {
        "requests": {"cpu": "10m", "memory": "32Mi"},
        "limits": {"memory": "128Mi"},
    }
    assert manifests(watched)["account"]["automountServiceAccountToken"] is False
    # ClickHouse's NetworkPolicy admits it by this label.
    policy = chart_values(watched["app"])["extraManifests"]["clickhouseNetworkPolicy"]
    admitted = [
        each["podSelector"]["matchLabels"]
        for rule in policy["spec"]["ingress"]
        for each in rule["from"]
    ]
    assert pod["metadata"]["labels"] in admitted


def test_nodes_hold_it() -> None:
    pods = load_settings(ENV / "accepts.alarms.env").pods
    assert pods == {**sizing.core(3), "metrics": sizing.METRICS}
    assert sizing.shortage(2, "t3.medium", pods) is None


def amounts(stacks: dict[str, Stack]) -> dict[str, float | None]:
    return {item.what: item.up for item in bill({name: each.json for name, each in stacks.items()})}


def test_price(stacks: Stacks, watched: Stacks) -> None:
    before, after = amounts(stacks), amounts(watched)
    changed = {what: up for what, up in after.items() if before.get(what, "none") != up}
    assert changed == {"alarms by e-mail": 0, "1 budget": 0}


def test_runs_in_terraform_cloud_get_the_permissions(with_options: WithOptions) -> None:
    workspaces = with_options("remote_runs", "alarms")["workspaces"]
    policy = workspaces.resource("aws_iam_policy", "alarms")
    assert "cloudwatch:PutMetricAlarm" in policy["policy"]
    assert "cloudwatch:PutMetricAlarm" not in with_options("remote_runs")["workspaces"].text


CLOUDWATCH: Final = """
class CloudWatchClient {
  constructor(options) { console.log(JSON.stringify(options)); }
  async send(command) { console.log(JSON.stringify(command.input)); }
}
class PutMetricDataCommand { constructor(input) { this.input = input; } }
module.exports = { CloudWatchClient, PutMetricDataCommand };
"""


def run(folder: Path, answers: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run the program with ClickHouse's answer to each query, by a word that is in it."""
    for file in (SCRIPT, LOADER):
        (folder / file.name).write_bytes(file.read_bytes())
    write_module(folder, "@aws-sdk/client-cloudwatch", CLOUDWATCH)
    fetch = (
        f"const answers = {json.dumps(answers)};\n"
        "globalThis.fetch = async (url, { body }) => ({ ok: true, text: async () =>"
        " answers[Object.keys(answers).find((word) => body.includes(word))] });"
    )
    (folder / "clickhouse.js").write_text(fetch, encoding="utf-8")
    return subprocess.run(  # noqa: S603
        [NODE, "--require", "./clickhouse.js", SCRIPT.name, question("team-a")],
        cwd=folder,
        env={"AWS_REGION": "eu-west-1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("memory", "put", "said"),
    [
        ("61.5", ["ClickHouseDiskUsed", "ClickHouseNodeMemoryUsed"], ""),
        # A version without the row.
        (
            "nan",
            ["ClickHouseDiskUsed"],
            "metrics: failed: ClickHouse has no number for ClickHouseNodeMemoryUsed\n",
        ),
    ],
)
def test_program_puts_the_numbers_that_there_are(
    tmp_path: Path, memory: str, put: list[str], said: str
) -> None:
    done = run(tmp_path, {"system.disks": "12.25\n", "asynchronous_metrics": f"{memory}\n"})
    client, sent, _ = done.stdout.splitlines()
    assert json.loads(client) == {"region": "eu-west-1"}
    found = json.loads(sent)
    assert found["Namespace"] == "Langfuse/team-a"
    assert [each["MetricName"] for each in found["MetricData"]] == put
    assert found["MetricData"][0]["Value"] == 12.25
    assert (done.stderr, done.returncode) == (said, 1 if said else 0)


def test_values_name_the_region_of_the_alarms() -> None:
    values = metrics_values(name="a", image="i", role_arn="r", region="eu-west-1")
    job = values["manifests"]["regular"]["spec"]["jobTemplate"]["spec"]
    (container,) = job["template"]["spec"]["containers"]
    assert {"name": "AWS_REGION", "value": "eu-west-1"} in container["env"]
