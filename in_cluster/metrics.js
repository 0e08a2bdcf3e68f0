// Puts what ClickHouse says of its disk and of its node into CloudWatch, in a pod with Langfuse's
// worker image and the modules of it. The argument is JSON:
//   namespace  the metrics' namespace
//   metrics    by name, a query that answers with a number, in percent
const { load } = require("./worker_modules.js");

const { env } = process;
const { namespace, metrics } = JSON.parse(process.argv[2]);
// Seconds for one request.
const REQUEST_TIMEOUT = 60;

async function ask(name, sql) {
  const answer = await fetch(env.CLICKHOUSE_URL, {
    method: "POST",
    headers: { "X-ClickHouse-User": env.CLICKHOUSE_USER, "X-ClickHouse-Key": env.CLICKHOUSE_PASSWORD },
    body: sql,
    signal: AbortSignal.timeout(REQUEST_TIMEOUT * 1000),
  }).catch((error) => {
    throw new Error(`ClickHouse does not answer (${error.cause?.code || error.name})`);
  });
  const text = (await answer.text()).trim();
  if (!answer.ok) throw new Error(`ClickHouse answers: ${text.split("\n")[0].slice(0, 200)}`);
  const Value = parseFloat(text);
  if (!Number.isFinite(Value)) throw new Error(`ClickHouse has no number for ${name}`);
  return { MetricName: name, Unit: "Percent", Value };
}

async function put(MetricData) {
  const { CloudWatchClient, PutMetricDataCommand } = load("@aws-sdk/client-cloudwatch");
  const client = new CloudWatchClient({ region: env.AWS_REGION });
  await client.send(new PutMetricDataCommand({ Namespace: namespace, MetricData })).catch((error) => {
    throw new Error(`CloudWatch refuses: ${error.name}: ${error.message}`);
  });
  const numbers = MetricData.map((each) => `${each.MetricName} ${each.Value.toFixed(1)} %`);
  console.log(`metrics: ${numbers.join(", ")}`);
}

// A number that is missing keeps no other from its alarm.
async function main() {
  const asked = Object.entries(metrics).map(([name, sql]) => ask(name, sql));
  const answers = await Promise.allSettled(asked);
  const found = answers.filter((each) => each.status === "fulfilled").map((each) => each.value);
  if (found.length) await put(found);
  const failed = answers.find((each) => each.status === "rejected");
  if (failed) throw failed.reason;
}

main().catch((error) => {
  console.error(`metrics: failed: ${error.message}`);
  process.exit(1);
});
