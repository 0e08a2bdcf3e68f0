// Runs in Langfuse's worker, with the Prisma client of its image (`load`, of worker_modules.js), and
// behind its entrypoint, which composes DATABASE_URL: prints Langfuse's background migrations as
// JSON, in the order in which the worker runs them.

// The worker renews its lock every 15 s, and takes over one that is older than a minute.
const LOCK_MS = 60_000;

// Defaults in Langfuse's worker/src/env.ts: up to v3 the backfill is off.
const { version } = require("./worker/package.json");
const gates = {
  LANGFUSE_BACKGROUND_MIGRATION_V4_ENABLE_HISTORIC_BACKFILL: String(!version.startsWith("3.")),
  ...process.env,
};

function status({ args, finishedAt, failedAt, workerId, lockedAt }) {
  if (failedAt) return "failed";
  if (finishedAt) return "finished";
  if (lockedAt && Date.now() - lockedAt < LOCK_MS) return "running";
  if (workerId) return "stalled";
  return args.envGate && gates[args.envGate] !== "true" ? "dormant" : "waiting";
}

// Chunks are partitions or parts of a table of ClickHouse. Other steps count dataset run items.
function progress({ todos = [], processedDris }) {
  const done = todos.filter((each) => each.status === "completed").length;
  if (todos.length) return `${done} of ${todos.length} chunks`;
  return processedDris ? `${processedDris} dataset run items` : "";
}

// Of ClickHouse's error only the name, such as MEMORY_LIMIT_EXCEEDED: its text may quote data.
function reason({ failedReason, state }) {
  const [line] = (failedReason || "no reason given").trim().split("\n");
  const error = (state.todos || []).find((each) => each.error)?.error;
  const [, name] = /\(([A-Z][A-Z_]{3,})\)/.exec(error) || [];
  return line.slice(0, 200) + (name ? ` (${name})` : "");
}

async function main() {
  const { PrismaClient } = load("@prisma/client");
  const client = new PrismaClient();
  const found = await client.backgroundMigration.findMany({ orderBy: { name: "asc" } });
  const migrations = found.map((each) => ({
    name: each.name,
    status: status(each),
    progress: progress(each.state),
    reason: each.failedAt ? reason(each) : "",
  }));
  console.log(JSON.stringify(migrations));
  await client.$disconnect();
}

main().catch((error) => {
  // Prisma's messages end with the reason.
  console.error(`${error.name}: ${error.message.trim().split("\n").pop()}`);
  process.exit(1);
});
