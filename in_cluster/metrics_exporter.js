// Tells VictoriaMetrics about Langfuse's queues, its Redis and the tables of ClickHouse, in a pod with
// Langfuse's worker image: GET /metrics asks both stores. A store that does not answer has
// langfuse_store_up 0 and nothing else, so that the other's metrics go on.
const http = require("node:http");

const { load } = require("./worker_modules.js");

const { env } = process;
const QUEUES = env.QUEUES.split(",");
// Milliseconds; VictoriaMetrics waits for 10 s.
const TIMEOUT = 4000;
// Of BullMQ: it keeps a delayed job by the milliseconds of its time times this.
const DELAYED_SCORE = 0x1000;

const METRICS = {
  langfuse_store_up: ["gauge", "Whether the store answers."],
  langfuse_queue_jobs: ["gauge", "Jobs of a queue; waiting ones could be taken now."],
  langfuse_queue_added_total: ["counter", "Jobs that were ever added to a queue."],
  langfuse_queue_oldest_seconds: ["gauge", "For how long the first waiting job could be taken."],
  langfuse_table_bytes: ["gauge", "Bytes on disk of a table's active parts."],
  langfuse_table_rows: ["gauge", "Rows of a table's active parts."],
  redis_memory_used_bytes: ["gauge", "used_memory of INFO."],
  redis_memory_max_bytes: ["gauge", "maxmemory of INFO; 0 for none."],
  redis_connected_clients: ["gauge", "connected_clients of INFO."],
  redis_commands_processed_total: ["counter", "total_commands_processed of INFO."],
  redis_evicted_keys_total: ["counter", "evicted_keys of INFO; a queue must lose none."],
  redis_uptime_in_seconds: ["gauge", "uptime_in_seconds of INFO."],
};
const FIELDS = {
  redis_memory_used_bytes: "used_memory",
  redis_memory_max_bytes: "maxmemory",
  redis_connected_clients: "connected_clients",
  redis_commands_processed_total: "total_commands_processed",
  redis_evicted_keys_total: "evicted_keys",
  redis_uptime_in_seconds: "uptime_in_seconds",
};

// --- Redis

const Redis = load("ioredis");
const redis = new Redis({
  host: env.REDIS_HOST,
  port: Number(env.REDIS_PORT),
  password: env.REDIS_PASSWORD,
  ...(env.REDIS_TLS ? { tls: {} } : {}),
  commandTimeout: TIMEOUT,
  maxRetriesPerRequest: 1,
  retryStrategy: () => 1000,
});
// Without a listener, each failed attempt is printed.
redis.on("error", () => {});

async function run(commands) {
  const answers = await redis.pipeline(commands).exec();
  return answers.map(([error, value]) => {
    if (error) throw error;
    return value;
  });
}

const looks = (key, due) => [
  ["llen", `${key}:wait`],
  ["llen", `${key}:paused`],
  ["zcard", `${key}:prioritized`],
  ["zcount", `${key}:delayed`, "-inf", due],
  ["zcard", `${key}:delayed`],
  ["llen", `${key}:active`],
  ["zcard", `${key}:failed`],
  ["get", `${key}:id`],
  ["zrange", `${key}:delayed`, 0, 0, "WITHSCORES"],
  // Jobs are pushed on the left and taken from the right.
  ["lindex", `${key}:wait`, -1],
  ["lindex", `${key}:paused`, -1],
];

// When a job could first be taken, in milliseconds; `now` for one that has just gone.
function timeOf([made, options], now) {
  return made ? Number(made) + (JSON.parse(options || "{}").delay || 0) : now;
}

async function ofRedis(sample) {
  const [info, [seconds, microseconds]] = await run([["info"], ["time"]]);
  const told = Object.fromEntries(info.split("\r\n").map((line) => line.split(":", 2)));
  for (const [name, field] of Object.entries(FIELDS)) sample(name, {}, told[field]);
  const now = Number(seconds) * 1000 + Number(microseconds) / 1000;
  const due = (Math.floor(now) + 1) * DELAYED_SCORE - 1;
  const answers = await run(QUEUES.flatMap((queue) => looks(`bull:${queue}`, due)));
  const size = answers.length / QUEUES.length;
  const found = QUEUES.map((queue, index) => [queue, answers.slice(index * size, (index + 1) * size)]);
  // Of each queue the first job that waits, and the first of a queue that is paused.
  const jobs = found.flatMap(([queue, all]) => all.slice(-2).map((id) => `bull:${queue}:${id}`));
  const times = (await run(jobs.map((key) => ["hmget", key, "timestamp", "opts"])))
    .map((job) => timeOf(job, now));
  found.forEach(([queue, [wait, paused, prioritized, ready, delayed, active, failed, added, first]], index) => {
    const waiting = wait + paused + prioritized + ready;
    const oldest = Math.min(times[2 * index], times[2 * index + 1],
      ready ? Number(first[1]) / DELAYED_SCORE : now);
    const states = { waiting, delayed: delayed - ready, active, failed };
    for (const [state, count] of Object.entries(states)) {
      sample("langfuse_queue_jobs", { queue, state }, count);
    }
    sample("langfuse_queue_added_total", { queue }, added || 0);
    sample("langfuse_queue_oldest_seconds", { queue }, waiting ? Math.max(0, now - oldest) / 1000 : 0);
  });
}

// --- ClickHouse

// Materialized views keep their rows in tables of other names, which belong to nobody's question.
const QUERY = `SELECT table, sum(bytes_on_disk), sum(rows) FROM system.parts
  WHERE active AND database = currentDatabase() AND table NOT LIKE '.inner%'
  GROUP BY table ORDER BY table FORMAT TSV`;

async function ofClickhouse(sample) {
  const answer = await fetch(env.CLICKHOUSE_URL, {
    method: "POST",
    headers: { "X-ClickHouse-User": env.CLICKHOUSE_USER, "X-ClickHouse-Key": env.CLICKHOUSE_PASSWORD },
    body: QUERY,
    signal: AbortSignal.timeout(TIMEOUT),
  });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  for (const line of (await answer.text()).split("\n").filter(Boolean)) {
    const [table, bytes, rows] = line.split("\t");
    sample("langfuse_table_bytes", { table }, bytes);
    sample("langfuse_table_rows", { table }, rows);
  }
}

// --- The page

const STORES = { redis: ofRedis, clickhouse: ofClickhouse };
const lastReason = {};

// Says once why a store does not answer, and once that it does again.
function tell(store, reason) {
  if (lastReason[store] === reason) return;
  lastReason[store] = reason;
  console.log(`metrics: ${store} ${reason ? `does not answer: ${reason}` : "answers"}`);
}

async function collect(store, ask) {
  const samples = [];
  try {
    await ask((name, labels, value) => samples.push([name, labels, value]));
    tell(store, "");
    return [["langfuse_store_up", { store }, 1], ...samples];
  } catch (error) {
    tell(store, `${error.cause?.code || error.code || error.message}`.replace(/\s+/g, " ").slice(0, 200));
    return [["langfuse_store_up", { store }, 0]];
  }
}

function line([name, labels, value]) {
  const given = Object.entries(labels).map(([label, text]) => `${label}=${JSON.stringify(text)}`);
  return `${name}${given.length ? `{${given.join(",")}}` : ""} ${value}`;
}

async function page() {
  const parts = Object.entries(STORES).map(([store, ask]) => collect(store, ask));
  const samples = (await Promise.all(parts)).flat();
  return Object.entries(METRICS).flatMap(([name, [type, help]]) => {
    const own = samples.filter(([each, , value]) => each === name && value !== undefined);
    return own.length ? [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...own.map(line)] : [];
  }).join("\n") + "\n";
}

const server = http.createServer(async ({ url }, answer) => {
  if (url === "/health") return answer.end("ok\n");
  if (url !== "/metrics") return answer.writeHead(404).end();
  answer.setHeader("Content-Type", "text/plain; version=0.0.4");
  return answer.end(await page());
});
server.listen(Number(env.PORT), () => console.log(`metrics: at port ${server.address().port}`));
process.once("SIGTERM", () => process.exit(0));
