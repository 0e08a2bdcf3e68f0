// Backs up ClickHouse to the bucket, in a pod with Langfuse's worker image and the modules of it.
// The argument is
//   daily   a backup while Langfuse runs, then prunes to BACKUPS_KEPT
//   last    before a destroy: stops ingestion, drains its queues, stops the worker, backs up, prunes
//           to two; if that fails, starts web and worker again
//   resume  after a deploy: starts web and worker again if a `last` has stopped them and the destroy
//           went no further
// A backup is the folder clickhouse/<time>/ with ClickHouse's files, complete once it has `.backup`;
// clickhouse/<time>/langfuse has Langfuse's version, clickhouse/chosen the time that a restore takes.
// clickhouse/langfuse has the version of the Langfuse whose data these are, for Terraform: `last` and
// `resume` write it. clickhouse/way-back begins with the time of a backup that is never pruned.
// The role in the cluster: get and patch `deployments/scale` of web and worker, list pods.
const fs = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const { setTimeout: sleep } = require("node:timers/promises");

const { load } = require("./worker_modules.js");

const env = process.env;
const [task] = process.argv.slice(-1);
const PREFIX = "clickhouse/";
const TIME = /^\d{8}T\d{6}Z$/;
const DAY = 24 * 3600 * 1000;
const FEWEST_KEPT = 2;
// Each is the name of a Deployment.
const WEB = "langfuse-web";
const WORKER = "langfuse-worker";
// QueueName in Langfuse's packages/shared/src/server/queues.ts; shards are for Redis clusters only.
const QUEUES = ["otel-ingestion-queue", "secondary-otel-ingestion-queue", "ingestion-queue",
  "secondary-ingestion-queue"];
const UNFINISHED = { wait: "llen", active: "llen", paused: "llen", delayed: "zcard",
  prioritized: "zcard" };
// Seconds. A pod has 30 s to stop in; a node that is lost keeps its pods for longer.
const PODS_TIMEOUT = 240;
// Seconds for one request, between two polls, and between two lines about the same step.
const REQUEST_TIMEOUT = 60;
const POLL = Number(env.POLL_SECONDS || 2);
const LINE = 10;

// Kubernetes ends the job at its deadline: every step then stops, and what was stopped is started.
const ending = new AbortController();
process.once("SIGTERM", () => ending.abort(new Error("the job was told to end")));
const pause = () => sleep(POLL * 1000, undefined, { signal: ending.signal });

const say = (...words) => console.log(`backup: ${words.join(" ")}`);
const seconds = (start) => Math.round((Date.now() - start) / 1000);
const size = (bytes) => (bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`);

// Prints a progress line now and then.
function progress() {
  let last = Date.now();
  return (...words) => {
    if (seconds(last) < LINE) return;
    last = Date.now();
    say(...words);
  };
}

// --- ClickHouse

async function query(sql) {
  ending.signal.throwIfAborted();
  const answer = await fetch(env.CLICKHOUSE_URL, {
    method: "POST",
    headers: { "X-ClickHouse-User": env.CLICKHOUSE_USER, "X-ClickHouse-Key": env.CLICKHOUSE_PASSWORD },
    body: sql,
    signal: AbortSignal.timeout(REQUEST_TIMEOUT * 1000),
  }).catch((error) => {
    throw new Error(`ClickHouse does not answer (${error.cause?.code || error.name})`);
  });
  const text = (await answer.text()).trim();
  if (!answer.ok) throw new Error(`ClickHouse answers: ${text}`);
  return text;
}

// Returns Langfuse's version. After a deploy of Langfuse 4 that failed when its migrations had begun,
// Helm still has the Jobs of Langfuse 3: the tables tell. Any 4 is newer than the version "4".
async function langfuseVersion() {
  const migrated = await query(`SELECT count() FROM system.tables WHERE database = 'default'
    AND name IN ('observations_batch_staging', 'events_full')`);
  const version = env.LANGFUSE_VERSION;
  return migrated !== "0" && version.startsWith("3.") ? "4" : version;
}

// Returns the time of the new backup, or nothing if there is nothing to back up.
async function backUp() {
  const rows = await query(`SELECT ifNull(sum(total_rows), 0) FROM system.tables
    WHERE database = 'default' AND name != 'schema_migrations'`);
  if (rows === "0") {
    say("ClickHouse is empty: no backup, and no older one is deleted");
    return undefined;
  }
  const start = Date.now();
  const time = new Date(start).toISOString().replace(/[-:]|\.\d+/g, "");
  await writeVersion(`${time}/langfuse`);
  // In the background: a backup may take longer than an HTTP request stays open.
  const begun = await query(`BACKUP DATABASE default TO S3('${env.BACKUPS_URL}/${time}/')
    SETTINGS s3_max_inflight_parts_for_one_file = 4 ASYNC FORMAT TSV`);
  const [id] = begun.split("\t");
  const line = progress();
  while (true) {
    // A server that was restarted has forgotten it: then there is no row.
    const row = await query(`SELECT status, num_files, compressed_size,
      splitByString(', Stack trace', error)[1] FROM system.backups WHERE id = '${id}' FORMAT TSV`);
    const [status, files, bytes, error] = row.split("\t");
    if (status === "BACKUP_CREATED") {
      say(`${time}: ${rows} rows in ${files} files, ${size(Number(bytes))}, ${seconds(start)} s`);
      return time;
    }
    if (status !== "CREATING_BACKUP") {
      throw new Error(`${time}: ${status || "the server has forgotten the backup"} ${error || ""}`);
    }
    line(`${time}: ${files} files begun, ${seconds(start)} s`);
    await pause();
  }
}

// --- The bucket

let client;
async function send(command, input) {
  ending.signal.throwIfAborted();
  const s3 = load("@aws-sdk/client-s3");
  client ??= new s3.S3Client({
    region: env.AWS_REGION,
    ...(env.S3_ENDPOINT ? { endpoint: env.S3_ENDPOINT, forcePathStyle: true } : {}),
  });
  try {
    return await client.send(new s3[`${command}Command`]({ Bucket: env.BACKUPS_BUCKET, ...input }));
  } catch (error) {
    error.message = `S3 refuses ${command}: ${error.name}: ${error.message}`;
    throw error;
  }
}

async function exists(Key) {
  const { Contents = [] } = await send("ListObjectsV2", { Prefix: Key, MaxKeys: 1 });
  return Contents.some((each) => each.Key === Key);
}

// Returns { time: whether it is complete }.
async function backups() {
  const found = {};
  let ContinuationToken;
  do {
    const page = await send("ListObjectsV2", { Prefix: PREFIX, Delimiter: "/", ContinuationToken });
    for (const { Prefix } of page.CommonPrefixes || []) {
      const time = Prefix.slice(PREFIX.length, -1);
      if (TIME.test(time)) found[time] = await exists(`${Prefix}.backup`);
    }
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken);
  return found;
}

// Returns the first word of an object; nothing if there is none.
async function firstWord(name) {
  const Key = `${PREFIX}${name}`;
  if (!(await exists(Key))) return undefined;
  const { Body } = await send("GetObject", { Key });
  return (await Body.transformToString()).trim().split(/\s/)[0];
}

// Terraform reads objects of the type text only.
async function writeVersion(name) {
  const Body = `${await langfuseVersion()}\n`;
  await send("PutObject", { Key: `${PREFIX}${name}`, Body, ContentType: "text/plain" });
}

async function prune(kept) {
  const found = await backups();
  const spared = [await firstWord("chosen"), await firstWord("way-back")];
  const complete = Object.keys(found).filter((time) => found[time]).sort();
  const newest = complete.at(-1);
  const keep = new Set([...complete.slice(-Math.max(kept, FEWEST_KEPT)), ...spared]);
  // An incomplete one may still be in the making.
  const yesterday = new Date(Date.now() - DAY).toISOString().replace(/[-:]|\.\d+/g, "");
  for (const time of Object.keys(found).sort()) {
    const old = found[time] || (time < yesterday && time < newest);
    if (old && !keep.has(time)) await remove(time, found[time]);
  }
  say(`kept: ${[...keep].filter((time) => found[time]).sort().join(", ")}`);
}

async function remove(time, complete) {
  const start = Date.now();
  // First what makes it complete: half a backup must not look like a whole one.
  await removeVersions(`${PREFIX}${time}/.backup`);
  const [objects, bytes] = await removeVersions(`${PREFIX}${time}/`);
  say(`deleted ${complete ? "" : "the incomplete "}${time}: ${objects} objects,`,
    `${size(bytes)}, ${seconds(start)} s`);
}

// Deletes every version, since the bucket keeps them, and returns their number and bytes.
async function removeVersions(Prefix) {
  let [objects, bytes] = [0, 0];
  while (true) {
    const { Versions = [], DeleteMarkers = [] } = await send("ListObjectVersions", { Prefix });
    const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
    if (!Objects.length) return [objects, bytes];
    const { Errors } = await send("DeleteObjects", { Delete: { Objects, Quiet: true } });
    if (Errors?.length) throw new Error(`S3 does not delete ${Errors[0].Key}: ${Errors[0].Code}`);
    objects += Objects.length;
    bytes += Versions.reduce((sum, { Size }) => sum + Size, 0);
  }
}

// --- Redis

function connect() {
  const Redis = load("ioredis");
  const redis = new Redis({
    host: env.REDIS_HOST,
    port: Number(env.REDIS_PORT),
    password: env.REDIS_PASSWORD,
    // Half a minute, in which its pod may be started again.
    maxRetriesPerRequest: 15,
    retryStrategy: () => POLL * 1000,
  });
  // Without a listener each failed attempt is printed; a command then says only how many there were.
  redis.on("error", (error) => (redis.reason = error.message));
  return redis;
}

// Returns the jobs of all ingestion queues; in one transaction, since a job moves between lists.
async function unfinished(redis) {
  ending.signal.throwIfAborted();
  const commands = QUEUES.flatMap((queue) =>
    Object.entries(UNFINISHED).map(([list, command]) => [command, `bull:${queue}:${list}`]));
  const answers = await redis.multi(commands).exec().catch((error) => {
    throw new Error(`Redis does not answer: ${redis.reason || error.message}`);
  });
  return answers.reduce((sum, [error, count]) => {
    if (error) throw error;
    return sum + count;
  }, 0);
}

async function drain(redis) {
  const start = Date.now();
  const line = progress();
  let left;
  while ((left = await unfinished(redis))) {
    if (seconds(start) >= Number(env.DRAIN_SECONDS)) {
      say(`the queues are not empty after ${seconds(start)} s: ${left} jobs are left. Their events are`,
        "in the bucket: uv run replay.py brings them back after the next deploy");
      return;
    }
    line(`${left} jobs are left, ${seconds(start)} s`);
    await pause();
  }
  say(`the queues are empty, ${seconds(start)} s`);
}

// --- Kubernetes

function kubernetes(method, where, body) {
  const base = env.KUBERNETES_URL || "https://kubernetes.default.svc";
  const account = (name) =>
    fs.readFileSync(`/var/run/secrets/kubernetes.io/serviceaccount/${name}`, "utf8");
  const options = {
    method,
    timeout: REQUEST_TIMEOUT * 1000,
    headers: { "Content-Type": "application/merge-patch+json" },
  };
  if (!env.KUBERNETES_URL) {
    options.ca = account("ca.crt");
    options.headers.Authorization = `Bearer ${account("token")}`;
  }
  const { request } = base.startsWith("https:") ? https : http;
  return new Promise((resolve, reject) => {
    const asked = request(`${base}${where}`, options, (answer) => {
      let text = "";
      answer.on("data", (chunk) => (text += chunk));
      answer.on("end", () => {
        if (answer.statusCode < 300) return resolve(JSON.parse(text));
        return reject(new Error(`Kubernetes answers ${answer.statusCode} to ${method} ${where}`));
      });
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer")));
    asked.on("error", (error) => reject(new Error(`Kubernetes: ${error.message}`)));
    asked.end(body && JSON.stringify(body));
  });
}

const scale = (name) =>
  `/apis/apps/v1/namespaces/${env.NAMESPACE}/deployments/${name}/scale`;
const getScale = (name) => kubernetes("GET", scale(name));
const setReplicas = (name, replicas) => kubernetes("PATCH", scale(name), { spec: { replicas } });

// Scales to zero and waits until the pods are gone: the worker writes what it holds until it ends.
// The scale's own count of replicas leaves out pods that are ending.
async function stop(name) {
  ending.signal.throwIfAborted();
  const start = Date.now();
  const { selector } = (await setReplicas(name, 0)).status;
  const where = `/api/v1/namespaces/${env.NAMESPACE}/pods?labelSelector=${encodeURIComponent(selector)}`;
  const line = progress();
  let items;
  while (({ items } = await kubernetes("GET", where)) && items.length) {
    if (seconds(start) >= PODS_TIMEOUT) throw new Error(`pods of ${name} do not end`);
    line(`${items.length} pods of ${name} are ending, ${seconds(start)} s`);
    await pause();
  }
  say(`${name} is stopped, ${seconds(start)} s`);
}

// --- Tasks

async function daily() {
  if (await backUp()) await prune(Number(env.BACKUPS_KEPT));
}

async function last() {
  // First whether all is there, as long as nothing is stopped.
  await query("SELECT 1");
  const redis = connect();
  await unfinished(redis);
  // One that was ended before could leave them at zero.
  const replicas = {};
  for (const name of [WEB, WORKER]) {
    replicas[name] = Math.max(1, (await getScale(name)).spec.replicas || 0);
  }
  try {
    await stop(WEB);
    await drain(redis);
    await stop(WORKER);
    if (await backUp()) await prune(FEWEST_KEPT);
    await writeVersion("langfuse");
  } catch (error) {
    for (const name of [WEB, WORKER]) {
      await setReplicas(name, replicas[name])
        .then(() => say(`${name} is started again`))
        .catch((failure) => say(`${name} is not started again: ${failure.message}`));
    }
    throw error;
  }
}

async function resume() {
  for (const name of [WEB, WORKER]) {
    if ((await getScale(name)).spec.replicas) continue;
    await setReplicas(name, 1);
    say(`${name} is started again`);
  }
  await writeVersion("langfuse");
}

const REMEDIES = {
  daily: "the next one runs by schedule; now: uv run backups.py --now",
  last: "nothing was destroyed; mend that and destroy again, or go without a backup as " +
    "docs/operations.md says",
  resume: "deploy app again; if web or worker is stopped: uv run kubectl scale -n langfuse --replicas=1 deployment/langfuse-web " +
    "deployment/langfuse-worker",
};
const tasks = { daily, last, resume };

(tasks[task] || (() => Promise.reject(new Error(`no task ${task}`))))().then(
  () => process.exit(0),
  (error) => {
    const reason = ending.signal.aborted ? ending.signal.reason : error;
    const text = `${reason.message}`.replace(/\s+/g, " ").slice(0, 600);
    console.error(`backup: failed: ${text}; ${REMEDIES[task]}`);
    process.exit(1);
  },
);
