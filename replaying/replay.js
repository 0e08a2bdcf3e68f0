// Runs in Langfuse's worker with its libraries (`load`, of worker_modules.js), its environment and
// its IAM role: lists the raw events of the bucket and has the worker ingest them again. The argument
// is JSON, of steps.py. Each line on standard output is a JSON object with a "step"; on a failure
// standard error ends with the reason.
const crypto = require("node:crypto");

const options = JSON.parse(process.argv[1]);
const { env } = process;

const { S3Client, ListObjectsV2Command, GetObjectCommand } = load("@aws-sdk/client-s3");

const Bucket = env.LANGFUSE_S3_EVENT_UPLOAD_BUCKET;
const prefix = env.LANGFUSE_S3_EVENT_UPLOAD_PREFIX || "";

// QueueName and QueueJobs in Langfuse's packages/shared/src/server/queues.ts. Old events go where
// Langfuse's own replay (web/src/pages/api/admin/ingestion-replay.ts) puts them.
const OTEL_QUEUE = "otel-ingestion-queue";
const OLD_QUEUE = "secondary-ingestion-queue";
const QUEUES = [OTEL_QUEUE, OLD_QUEUE, "secondary-otel-ingestion-queue", "ingestion-queue"];

// eventBucketPath.ts in the same place: keys without the prefix.
const OTEL_KEY = /^otel\/([^/]+)\/\d{4}\/\d\d\/\d\d\/\d\d\/\d\d\/[^.]+\.json$/;
const OLD_KEY = /^([^/]+)\/([^/]+)\/(.+)\/([^/]+)\.json$/;
const OLD_TYPES = {
  trace: "trace-create",
  observation: "observation-create",
  score: "score-create",
  dataset_run_item: "dataset-run-item-create",
};
const TABLES = {
  trace: "traces",
  observation: "observations",
  score: "scores",
  dataset_run_item: "dataset_run_items_rmt",
};

// Both keys are beside BullMQ's, so the checkpoint is lost with the jobs that it speaks of.
const CHECKPOINT = "langfuse-on-eks:replay";
const LOCK = "langfuse-on-eks:replay:lock";
const LOCK_MS = 60_000;

// Ids per query, ids that are remembered, objects that are read at once, and bytes of the largest
// of them: the worker's memory limit leaves little.
const IDS = 2000;
const REMEMBERED = 50_000;
const READS = 4;
const READABLE = 8 * 2 ** 20;

const say = (step, fields) => process.stdout.write(`${JSON.stringify({ step, ...fields })}\n`);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

const s3 = new S3Client({
  region: env.LANGFUSE_S3_EVENT_UPLOAD_REGION,
  endpoint: env.LANGFUSE_S3_EVENT_UPLOAD_ENDPOINT || undefined,
  forcePathStyle: env.LANGFUSE_S3_EVENT_UPLOAD_FORCE_PATH_STYLE === "true",
  ...(env.LANGFUSE_S3_EVENT_UPLOAD_SECRET_ACCESS_KEY && {
    credentials: {
      accessKeyId: env.LANGFUSE_S3_EVENT_UPLOAD_ACCESS_KEY_ID,
      secretAccessKey: env.LANGFUSE_S3_EVENT_UPLOAD_SECRET_ACCESS_KEY,
    },
  }),
});

function parse(Key) {
  const key = Key.slice(prefix.length);
  const otel = OTEL_KEY.exec(key);
  if (otel) return { kind: "otel", projectId: otel[1] };
  const [, projectId, kind, id, file] = OLD_KEY.exec(key) || [];
  return kind in OLD_TYPES ? { kind, projectId, id, file } : { kind: "other" };
}

// The replay's own start bounds it: an OpenTelemetry job stores trace events of its own.
async function* events(run, StartAfter) {
  let ContinuationToken;
  do {
    const page = await s3.send(
      new ListObjectsV2Command({ Bucket, Prefix: prefix, StartAfter, ContinuationToken }),
    );
    for (const { Key, LastModified, Size } of page.Contents || []) {
      if (LastModified < new Date(run.since) || LastModified >= new Date(run.until)) continue;
      yield { ...parse(Key), Key, Size, day: LastModified.toISOString().slice(0, 10) };
    }
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken);
}

async function* batches(items, size) {
  let batch = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length) yield batch;
}

async function count(run) {
  const days = {};
  let listed = 0;
  for await (const { kind, day } of events(run)) {
    days[day] ??= {};
    days[day][kind] = (days[day][kind] || 0) + 1;
    if (++listed % 1000 === 0) say("listing", { listed });
  }
  return days;
}

const total = (days) =>
  Object.values(days)
    .flatMap(Object.entries)
    .reduce((sum, [kind, found]) => sum + (kind === "other" ? 0 : found), 0);

async function read(Key) {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  return Body.transformToString();
}

// Telemetry of Langfuse's own evaluators and experiments (LangfuseInternalTraceEnvironment). Its
// jobs say so, or evaluators would run on it; the key does not say it, the environment does.
const INTERNAL = new RegExp(
  '"langfuse\\.environment",\\s*"value":\\s*{\\s*"stringValue":\\s*"langfuse-' +
    '(prompt-experiment|llm-as-a-judge|code-eval|natural-language-filter|in-app-agent)"',
);

async function isInternal({ kind, Key, Size }) {
  if (kind !== "otel" || Size > READABLE) return false;
  return INTERNAL.test(await read(Key).catch(ifGone("")));
}

// An object may be deleted after it was listed; its job then fails, and tells.
const ifGone = (instead) => (error) => {
  if (error.name === "NoSuchKey") return instead;
  throw error;
};

function job(run, { kind, projectId, id, file, Key, internal }) {
  const hash = crypto.createHash("sha256").update(Key).digest("hex").slice(0, 32);
  const authCheck = { validKey: true, scope: { projectId } };
  const unknown = { ingestionApiKey: "", ingestionSdkName: "unknown", ingestionSdkVersion: "unknown" };
  const [name, payload] =
    kind === "otel"
      ? [
          "otel-ingestion-job",
          {
            data: { fileKey: Key, publicKey: "" },
            authCheck: { validKey: true, scope: { projectId, accessLevel: "project" } },
            sdkName: "unknown",
            sdkVersion: "unknown",
            ...(internal && { isLangfuseInternal: true, ingestionVersion: "4" }),
          },
        ]
      : [
          "ingestion-job",
          {
            data: {
              type: OLD_TYPES[kind],
              eventBodyId: id,
              fileKey: file,
              bucketPrefix: Key.slice(0, Key.lastIndexOf("/") + 1),
              ...unknown,
            },
            authCheck,
          },
        ];
  return {
    name,
    data: { timestamp: new Date(), id: crypto.randomUUID(), payload, name },
    // defaultJobOptions of these queues in Langfuse. The same event in the same run has the same
    // id, so that a batch whose checkpoint was not stored is not queued twice.
    opts: {
      jobId: `${run.id}-${hash}`,
      removeOnComplete: true,
      removeOnFail: 100_000,
      attempts: 6,
      backoff: { type: "exponential", delay: 5000 },
    },
  };
}

async function connect() {
  const Redis = load("ioredis");
  const settings = {
    maxRetriesPerRequest: 3,
    connectTimeout: 10_000,
    ...(env.REDIS_TLS_ENABLED === "true" && { tls: {} }),
  };
  const client = env.REDIS_CONNECTION_STRING
    ? new Redis(env.REDIS_CONNECTION_STRING, settings)
    : new Redis({
        ...settings,
        host: env.REDIS_HOST,
        port: Number(env.REDIS_PORT || 6379),
        username: env.REDIS_USERNAME || undefined,
        password: env.REDIS_AUTH || undefined,
      });
  let reason;
  client.on("error", (error) => (reason = error.message || error.code));
  await client.ping().catch((error) => {
    throw new Error(`Redis: ${reason || error.message}`);
  });
  const { Queue } = load("bullmq");
  const queues = QUEUES.map((name) => {
    const prefix = env.REDIS_KEY_PREFIX || undefined;
    const unchanged = { skipVersionCheck: true, skipMetasUpdate: true };
    return new Queue(name, { connection: client, prefix, ...unchanged });
  });
  return { client, queues, queue: (name) => queues.find((each) => each.name === name) };
}

let unlock = async () => {};

async function lock(client) {
  if (!(await client.set(LOCK, "", "PX", LOCK_MS, "NX"))) {
    throw new Error("another replay runs, or was cut off less than a minute ago");
  }
  setInterval(() => client.pexpire(LOCK, LOCK_MS).catch(() => {}), LOCK_MS / 4);
  unlock = () => client.del(LOCK).catch(() => {});
}

// Jobs that wait, are active, or are delayed until their next attempt: in one transaction, as a job
// may go from any of these to another.
async function unfinished({ client, queues }, isMeant) {
  const look = client.multi();
  for (const queue of queues) {
    for (const state of ["wait", "paused", "active"]) look.lrange(queue.toKey(state), 0, -1);
    for (const state of ["delayed", "prioritized"]) look.zrange(queue.toKey(state), 0, -1);
  }
  const found = await look.exec();
  const states = found.length / queues.length;
  return found.reduce((left, [error, ids], index) => {
    if (error) throw error;
    const { name } = queues[Math.floor(index / states)];
    return left + ids.filter((id) => isMeant(id, name)).length;
  }, 0);
}

// Waits until at most so many jobs are left; an end that does not come is an error.
async function settle(look, most, report) {
  let best = Infinity;
  let progress = Date.now();
  for (let left = await look(); left > most; left = await look()) {
    report(left);
    if (left < best) [best, progress] = [left, Date.now()];
    if (Date.now() - progress > options.stalledMs) {
      const minutes = options.stalledMs / 60_000;
      throw new Error(`no job has ended in ${minutes} minutes, and ${left} are left`);
    }
    await sleep(options.pollMs);
  }
}

async function enqueue(redis, run, save) {
  const all = total(run.days);
  for await (const batch of batches(events(run, run.last), options.batch)) {
    const progress = () => say("queued", { done: run.queued, total: all });
    await settle(() => unfinished(redis, () => true), options.maxWaiting, progress);
    for (let first = 0; first < batch.length; first += READS) {
      const look = async (event) => (event.internal = await isInternal(event));
      await Promise.all(batch.slice(first, first + READS).map(look));
    }
    for (const name of [OTEL_QUEUE, OLD_QUEUE]) {
      const jobs = batch
        .filter(({ kind }) => kind !== "other" && (kind === "otel") === (name === OTEL_QUEUE))
        .map((event) => job(run, event));
      if (jobs.length) await redis.queue(name).addBulk(jobs);
      run.queued += jobs.length;
    }
    run.last = batch.at(-1).Key;
    await save();
    progress();
  }
}

// Jobs of this run, and those that were in the queues before: BullMQ numbers the others. An
// OpenTelemetry job queues its traces, and a job may move to a secondary queue: hence three rounds.
async function drain(redis, run) {
  for (let round = 0; round < 3; round++) {
    const newest = {};
    for (const queue of redis.queues) {
      newest[queue.name] = Number(await redis.client.get(queue.toKey("id")));
    }
    const isMeant = (id, name) => id.startsWith(`${run.id}-`) || Number(id) <= newest[name];
    const look = () => unfinished(redis, isMeant);
    await settle(look, 0, (left) => say("waiting", { left }));
  }
}

async function failures({ client, queues }, run) {
  let failed = 0;
  let reason;
  for (const queue of queues) {
    const since = new Date(run.until).getTime();
    const ids = await client.zrangebyscore(queue.toKey("failed"), since, "+inf");
    failed += ids.length;
    if (ids.length) reason ??= await client.hget(queue.toKey(ids.at(-1)), "failedReason");
  }
  return { failed, reason: reason?.split("\n")[0].slice(0, 200) };
}

const quote = (text) => `'${text.replace(/[\\']/g, "\\$&")}'`;

async function idsInClickHouse(kind, projectId, ids) {
  const database = env.CLICKHOUSE_DB || "default";
  const query = { database, max_query_size: String(2 ** 24) };
  const answer = await fetch(`${env.CLICKHOUSE_URL}/?${new URLSearchParams(query)}`, {
    method: "POST",
    headers: {
      "X-ClickHouse-User": env.CLICKHOUSE_USER || "default",
      "X-ClickHouse-Key": env.CLICKHOUSE_PASSWORD || "",
    },
    body:
      `SELECT DISTINCT id FROM ${TABLES[kind]} WHERE project_id = ${quote(projectId)}` +
      ` AND is_deleted = 0 AND id IN (${ids.map(quote).join(",")}) FORMAT JSONCompactEachRow`,
  }).catch((error) => {
    throw new Error(`ClickHouse: ${error.cause?.message || error.message}`);
  });
  const text = await answer.text();
  if (!answer.ok) {
    const [line] = text.split("\n");
    throw new Error(`ClickHouse: ${line.slice(0, 200) || `answers ${answer.status}`}`);
  }
  return text.split("\n").filter(Boolean).map((line) => JSON.parse(line)[0]);
}

// parseId in Langfuse's OtelIngestionProcessor.ts.
const hex = (id) => {
  const data = id?.data ?? id;
  return typeof data === "string" ? data : Buffer.from(data).toString("hex");
};

// safeBlobKeySegment.ts in Langfuse: such a key does not have the whole id, but the event has.
const SHORTENED = /_[0-9a-f]{16}$/;

// Returns [kind, id] of each row that an event becomes.
async function rows({ kind, id, Key, Size }) {
  if (kind === "other" || Size > READABLE) return [];
  if (kind !== "otel") {
    return [[kind, SHORTENED.test(id) ? (JSON.parse(await read(Key))[0]?.body?.id ?? id) : id]];
  }
  return [JSON.parse(await read(Key))]
    .flat()
    .flatMap((resource) => resource?.scopeSpans ?? [])
    .flatMap((scope) => scope?.spans ?? [])
    .filter((span) => span?.traceId && span?.spanId)
    .flatMap((span) => [
      ["trace", hex(span.traceId)],
      ["observation", hex(span.spanId)],
    ]);
}

async function compare(run) {
  const all = total(run.days);
  const found = {};
  const missing = [];
  const patience = Date.now() + options.settleMs;
  const seen = new Set();
  const groups = new Map();

  const look = async (group) => {
    const { kind, projectId, ids } = group;
    let absent = ids;
    for (;;) {
      const present = new Set(await idsInClickHouse(kind, projectId, absent));
      absent = absent.filter((id) => !present.has(id));
      if (!absent.length || Date.now() > patience) break;
      await sleep(options.pollMs);
    }
    found[kind] ??= { there: 0, wanted: 0 };
    found[kind].there += ids.length - absent.length;
    found[kind].wanted += ids.length;
    missing.push(...absent.slice(0, 3).map((id) => `${kind} ${id}`));
    group.ids = [];
  };

  let done = 0;
  for await (const batch of batches(events(run), READS)) {
    const results = await Promise.all(
      batch.map((event) =>
        rows(event).catch((error) => {
          // Not as Langfuse writes it: its job fails too.
          if (error instanceof SyntaxError) return [];
          return ifGone([])(error);
        }),
      ),
    );
    for (const [index, { kind: source, projectId }] of batch.entries()) {
      for (const [kind, id] of results[index]) {
        const name = `${kind} ${projectId}`;
        if (seen.has(`${name} ${id}`)) continue;
        if (seen.size >= REMEMBERED) seen.clear();
        seen.add(`${name} ${id}`);
        if (!groups.has(name)) groups.set(name, { kind, projectId, ids: [] });
        const group = groups.get(name);
        group.ids.push(id);
        if (group.ids.length >= IDS) await look(group);
      }
      if (source !== "other" && ++done % options.batch === 0) say("compared", { done, total: all });
    }
  }
  for (const group of groups.values()) if (group.ids.length) await look(group);
  return { found, missing: missing.slice(0, 3) };
}

async function replay() {
  const fresh = () => ({
    id: `replay-${Date.now()}`,
    since: options.since,
    restored: options.restored,
    until: new Date().toISOString(),
    queued: 0,
  });
  if (options.dryRun) return say("found", { days: await count(fresh()) });

  const redis = await connect();
  await lock(redis.client);
  const stored = options.restart ? null : await redis.client.get(CHECKPOINT);
  const old = stored && JSON.parse(stored);
  const same = old && old.since === options.since && old.restored === options.restored;
  if (old) say(same ? "continues" : "anew", { since: old.since, queued: old.queued });
  const run = same ? old : fresh();
  const save = () => redis.client.set(CHECKPOINT, JSON.stringify(run));
  run.days ??= await count(run);
  await save();
  say("found", { days: run.days });
  await enqueue(redis, run, save);
  await drain(redis, run);
  const compared =
    env.LANGFUSE_MIGRATION_V4_WRITE_MODE === "events_only" ? {} : await compare(run);
  say("result", { queued: run.queued, ...(await failures(redis, run)), ...compared });
  await redis.client.del(CHECKPOINT);
}

// One line, without the values of this pod's secrets.
function reason(error) {
  const text = String(error?.message || error?.code || error?.name || error).split("\n")[0];
  return Object.entries(env)
    .filter(([name, value]) => /PASSWORD|SECRET|AUTH|KEY|SALT|URL|STRING/.test(name) && value.length > 7)
    .reduce((line, [, value]) => line.replaceAll(value, "***"), text);
}

const end = (status) => unlock().finally(() => process.exit(status));

// kubectl closes standard input when it ends, whichever way.
process.stdin.on("end", () => end(1)).resume();
process.stdout.on("error", () => end(1));

replay()
  .then(() => end(0))
  .catch((error) => {
    console.error(reason(error));
    return end(1);
  });
