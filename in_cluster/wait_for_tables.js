// Init container of web and worker with Langfuse 4: the worker starts once web's migrations have
// made the tables that its background migrations write to. It looks for these when it starts, and
// gives up after a minute without the tables.
const { env } = process;
const query =
  "SELECT count() FROM system.tables WHERE database = 'default' AND name IN ('events_full', 'events_core')";

async function ready() {
  const answer = await fetch(`${env.CLICKHOUSE_URL}/?${new URLSearchParams({ query })}`, {
    headers: { "X-ClickHouse-User": "default", "X-ClickHouse-Key": env.CLICKHOUSE_PASSWORD },
    signal: AbortSignal.timeout(5000),
  });
  const text = (await answer.text()).trim();
  if (!answer.ok) throw new Error(`answers ${answer.status}`);
  return text === "2";
}

async function wait() {
  // The chart has one list of init containers for both.
  if (env.COMPONENT !== "worker") return;
  let said = "";
  for (;;) {
    const reason = await ready().then(
      (done) => (done ? null : "web has not made the tables yet"),
      (error) => `ClickHouse ${error.cause?.code || error.message}`,
    );
    if (reason === null) return;
    if (reason !== said) console.log(`waiting: ${reason}`);
    said = reason;
    await new Promise((done) => setTimeout(done, Number(env.POLL_MS || 2000)));
  }
}

wait();
