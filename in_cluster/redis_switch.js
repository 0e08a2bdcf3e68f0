// Moves Langfuse off the Redis that it uses, in a pod with Langfuse's worker image: stops web, waits
// until no job is left, stops the worker. The upgrade of Langfuse's release, which follows, starts
// both on the other Redis. If it fails, both are started again, and nothing has changed.
// There is nothing to do without Langfuse, or if it uses REDIS_HOST already.
// The role in the cluster: get web and worker, patch their scale, list pods.
const fs = require("node:fs");
const { setTimeout: sleep } = require("node:timers/promises");

const { load } = require("./worker_modules.js");

const { env } = process;
const WEB = "langfuse-web";
const WORKER = "langfuse-worker";
const QUEUES = env.QUEUES.split(",");
const UNFINISHED = { wait: "llen", active: "llen", paused: "llen", delayed: "zcard",
  prioritized: "zcard" };
// Seconds, as in backup.js.
const PODS_TIMEOUT = 240;
const REQUEST_TIMEOUT = 60;
const POLL = Number(env.POLL_SECONDS || 2);
const LINE = 10;

// Kubernetes ends the job at its deadline.
const ending = new AbortController();
process.once("SIGTERM", () => ending.abort(new Error("the job was told to end")));

const say = (...words) => console.log(`redis: ${words.join(" ")}`);
const seconds = (start) => Math.round((Date.now() - start) / 1000);

// Polls until `look` returns nothing, which is what is left; `after` seconds bring `late` about.
async function until(look, after, late) {
  const start = Date.now();
  let said = start;
  for (let left; (left = await look()); ) {
    if (seconds(start) >= after) throw new Error(late(left));
    if (seconds(said) >= LINE) {
      said = Date.now();
      say(left, `${seconds(start)} s`);
    }
    await sleep(POLL * 1000, undefined, { signal: ending.signal });
  }
  return seconds(start);
}

// --- Kubernetes; NODE_EXTRA_CA_CERTS has its certificate authority

const API = env.KUBERNETES_URL || "https://kubernetes.default.svc";
const TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token";

// Returns nothing for what does not exist.
async function kubernetes(method, where, body) {
  const token = env.KUBERNETES_URL ? "" : fs.readFileSync(TOKEN, "utf8");
  const answer = await fetch(`${API}${where}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/merge-patch+json" },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(REQUEST_TIMEOUT * 1000),
  }).catch((error) => {
    throw new Error(`Kubernetes does not answer (${error.cause?.code || error.name})`);
  });
  if (answer.status === 404) return undefined;
  if (!answer.ok) throw new Error(`Kubernetes answers ${answer.status} to ${method} ${where}`);
  return answer.json();
}

const namespaced = `namespaces/${env.NAMESPACE}`;
const deployment = (name) => `/apis/apps/v1/${namespaced}/deployments/${name}`;
const setReplicas = (name, replicas) =>
  kubernetes("PATCH", `${deployment(name)}/scale`, { spec: { replicas } });

async function start(name) {
  const found = await kubernetes("GET", deployment(name));
  if (!found || found.spec.replicas) return;
  await setReplicas(name, 1);
  say(`${name} is started again`);
}

// Waits until the pods are gone: the worker writes what it holds until it ends.
async function stop(name) {
  ending.signal.throwIfAborted();
  const { selector } = (await setReplicas(name, 0)).status;
  const pods = `/api/v1/${namespaced}/pods?labelSelector=${encodeURIComponent(selector)}`;
  const look = async () => {
    const { length } = (await kubernetes("GET", pods)).items;
    return length && `${length} pods of ${name} are ending,`;
  };
  const took = await until(look, PODS_TIMEOUT, () => `pods of ${name} do not end`);
  say(`${name} is stopped, ${took} s`);
}

// --- Redis

// Returns the URL of the Redis that the worker uses, without its password.
function used({ spec }) {
  const [{ env: variables }] = spec.template.spec.containers;
  const found = variables.find(({ name }) => name === "REDIS_CONNECTION_STRING");
  if (!found?.value) throw new Error(`${WORKER} has no REDIS_CONNECTION_STRING`);
  return found.value;
}

const hostOf = (url) => new URL(url.replace("$(REDIS_PASSWORD)", "")).hostname;

function connect(url) {
  const Redis = load("ioredis");
  const redis = new Redis(url.replace("$(REDIS_PASSWORD)", env.REDIS_PASSWORD), {
    maxRetriesPerRequest: 15,
    retryStrategy: () => POLL * 1000,
  });
  // Without a listener each failed attempt is printed; a command then says only how many there were.
  redis.on("error", (error) => (redis.reason = error));
  return redis;
}

// Returns how many jobs are left in which queue, nothing if none; in one transaction, since a job
// moves between lists.
async function unfinished(redis) {
  ending.signal.throwIfAborted();
  const lists = Object.entries(UNFINISHED);
  const commands = QUEUES.flatMap((queue) =>
    lists.map(([list, command]) => [command, `bull:${queue}:${list}`]));
  const answers = await redis.multi(commands).exec();
  const left = QUEUES.map((queue, index) => {
    const counts = answers.slice(index * lists.length, (index + 1) * lists.length);
    return [queue, counts.reduce((sum, [error, count]) => {
      if (error) throw error;
      return sum + count;
    }, 0)];
  }).filter(([, count]) => count);
  return left.length && `left: ${left.map(([queue, count]) => `${count} jobs in ${queue}`).join(", ")},`;
}

// --- The switch

async function drain(redis, host) {
  for (const name of [WORKER, WEB]) await start(name);
  await stop(WEB);
  const late = (left) => `after ${env.DRAIN_SECONDS} s the queues are not empty, ${left.slice(0, -1)}`;
  const took = await until(() => unfinished(redis), Number(env.DRAIN_SECONDS), late);
  say(`the queues are empty, ${took} s`);
  await stop(WORKER);
  const left = await unfinished(redis);
  if (left) throw new Error(`the worker left jobs behind, ${left.slice(0, -1)}`);
  say(`nothing is left in ${host}`);
}

async function main() {
  const worker = await kubernetes("GET", deployment(WORKER));
  if (!worker) return say("Langfuse is not installed: no job is left anywhere");
  const url = used(worker);
  const host = hostOf(url);
  if (host === env.REDIS_HOST) {
    say(`Langfuse uses ${host} already`);
    for (const name of [WORKER, WEB]) await start(name);
    return undefined;
  }
  const redis = connect(url);
  // First whether it answers, as long as nothing is stopped.
  try {
    await unfinished(redis);
  } catch (error) {
    if (redis.reason?.code !== "ENOTFOUND") {
      throw new Error(`Redis does not answer: ${redis.reason?.message || error.message}`);
    }
    return say(`${host} is gone, and with it the jobs that it had: uv run replay.py brings events back`);
  }
  try {
    await drain(redis, host);
  } catch (error) {
    for (const name of [WEB, WORKER]) {
      await start(name).catch((failure) => say(`${name} is not started again: ${failure.message}`));
    }
    throw error;
  }
  return undefined;
}

main().then(
  () => process.exit(0),
  (error) => {
    const reason = ending.signal.aborted ? ending.signal.reason : error;
    const text = `${reason.message}`.replace(/\s+/g, " ").slice(0, 600);
    console.error(`redis: failed: ${text}; Langfuse still uses its old Redis: ` +
      "docs/elasticache.md#if-the-switch-fails");
    process.exit(1);
  },
);
