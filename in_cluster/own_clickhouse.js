// Asks a ClickHouse of the user's own whether Langfuse can use it, with the environment of web and
// worker. The argument is JSON:
//   oldest  oldest ClickHouse by the major version of Langfuse, such as { 4: [25, 12] }
//   major   that version; null for that of this pod
//   wait    as init container of both: ends once nothing is wrong with the server and, in the worker
//           of Langfuse 4, once web's migrations have made the tables that it looks for at its start
// Without wait, for verify.py and upgrade.py, it prints JSON: major, version, timezone, faults.
const { env } = process;
const given = JSON.parse(process.argv[1]);
const major = given.major ?? parseInt(require("./worker/package.json").version, 10);
const oldest = given.oldest[major] ?? [0, 0];

// A session may have another time zone than the server: both offsets are those of new columns.
const QUERY = `SELECT version(), timezone(),
  timeZoneOffset(toDateTime('2026-01-01 00:00:00')), timeZoneOffset(toDateTime('2026-07-01 00:00:00')),
  (SELECT count() FROM system.tables WHERE database = currentDatabase()
    AND name IN ('observations_batch_staging', 'events_full')),
  (SELECT count() FROM system.tables WHERE database = currentDatabase()
    AND name IN ('events_full', 'events_core'))
  FORMAT TSV`;

async function ask() {
  const settings = new URLSearchParams({ database: env.CLICKHOUSE_DB });
  const answer = await fetch(`${env.CLICKHOUSE_URL}/?${settings}`, {
    method: "POST",
    headers: { "X-ClickHouse-User": env.CLICKHOUSE_USER, "X-ClickHouse-Key": env.CLICKHOUSE_PASSWORD },
    body: QUERY,
    // ClickHouse Cloud wakes a service that is idle.
    signal: AbortSignal.timeout(20_000),
  }).catch((error) => {
    throw new Error(`does not answer (${error.cause?.code || error.name})`);
  });
  const text = (await answer.text()).trim();
  if (!answer.ok) {
    const [line] = text.split("\n");
    throw new Error(`answers ${answer.status}: ${line.slice(0, 200)}`);
  }
  const [version, timezone, ...counts] = text.split("\t");
  const [winter, summer, migrated, tables] = counts.map(Number);
  return { version, timezone, isUtc: winter === 0 && summer === 0, migrated, tables };
}

function faults({ version, timezone, isUtc, migrated }) {
  const [first, second] = version.split(".").map(Number);
  const isOld = first < oldest[0] || (first === oldest[0] && second < oldest[1]);
  return [
    isOld && `is ${version}, and Langfuse ${major} needs ${oldest.join(".")} or later`,
    !isUtc && `has the time zone ${timezone}, and Langfuse needs UTC`,
    major < 4 && migrated && `has tables of Langfuse 4 in ${env.CLICKHOUSE_DB}, with which Langfuse ` +
      `${major} does not start; set LANGFUSE_MAJOR=4, or another CLICKHOUSE_DATABASE`,
  ].filter(Boolean);
}

// Returns what is waited for; nothing if the container may end.
async function obstacle() {
  const found = await ask();
  const [fault] = faults(found);
  if (fault) return `ClickHouse ${fault}`;
  // The chart has one list of init containers for both.
  const isEarly = env.COMPONENT === "worker" && major >= 4 && found.tables < 2;
  return isEarly ? "web has not made the tables yet" : undefined;
}

async function main() {
  if (!given.wait) {
    const found = await ask();
    console.log(JSON.stringify({ major, ...found, faults: faults(found) }));
    return;
  }
  for (let said, reason; (reason = await obstacle().catch((error) => `ClickHouse ${error.message}`)); ) {
    if (reason !== said) console.log(`waiting: ${reason}`);
    said = reason;
    await new Promise((done) => setTimeout(done, Number(env.POLL_MS || 5000)));
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
