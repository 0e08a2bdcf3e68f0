// Takes jobs from Langfuse's queues as its worker does, with the real BullMQ: reads the objects of
// a job, writes rows to ClickHouse, and queues the traces of OpenTelemetry events once more. Prints
// a line for each job. An event whose name is "broken" fails for good.
const { Queue, UnrecoverableError, Worker } = require("bullmq");
const Redis = require("ioredis");
const sdk = require("@aws-sdk/client-s3");

const { env } = process;
const Bucket = env.LANGFUSE_S3_EVENT_UPLOAD_BUCKET;
const s3 = new sdk.S3Client({
  region: env.LANGFUSE_S3_EVENT_UPLOAD_REGION,
  endpoint: env.LANGFUSE_S3_EVENT_UPLOAD_ENDPOINT,
  forcePathStyle: true,
});
const connection = new Redis(env.REDIS_CONNECTION_STRING, { maxRetriesPerRequest: null });
const ingestion = new Queue("ingestion-queue", { connection });
const TABLES = { trace: "traces", observation: "observations", score: "scores" };

async function read(Key) {
  const { Body } = await s3.send(new sdk.GetObjectCommand({ Bucket, Key }));
  const text = await Body.transformToString();
  if (text.includes("broken")) throw new UnrecoverableError("the event is broken");
  return JSON.parse(text);
}

async function write(table, project_id, id) {
  const row = JSON.stringify({ project_id, id, is_deleted: 0 });
  const answer = await fetch(env.CLICKHOUSE_URL, {
    method: "POST",
    body: `INSERT INTO ${table} FORMAT JSONEachRow ${row}`,
  });
  if (!answer.ok) throw new Error(await answer.text());
}

async function otel({ data, authCheck }) {
  const { projectId } = authCheck.scope;
  for (const { scopeSpans } of await read(data.fileKey)) {
    for (const { traceId, spanId } of scopeSpans.flatMap((scope) => scope.spans)) {
      const bucketPrefix = `events/${projectId}/trace/${traceId}/`;
      const Body = JSON.stringify([{ type: "trace-create", body: { id: traceId } }]);
      const Key = `${bucketPrefix}${Math.random()}.json`;
      await s3.send(new sdk.PutObjectCommand({ Bucket, Key, Body }));
      const derived = { type: "trace-create", eventBodyId: traceId, bucketPrefix };
      const options = { removeOnComplete: true };
      await ingestion.add("ingestion-job", { payload: { data: derived, authCheck } }, options);
      await write("observations", projectId, spanId);
    }
  }
  return data.fileKey;
}

async function old({ data, authCheck }) {
  const Prefix = data.bucketPrefix;
  const { Contents } = await s3.send(new sdk.ListObjectsV2Command({ Bucket, Prefix }));
  for (const { Key } of Contents) {
    const [{ body }] = await read(Key);
    const table = TABLES[data.type.split("-")[0]] ?? "dataset_run_items_rmt";
    await write(table, authCheck.scope.projectId, body.id);
  }
  return `${data.bucketPrefix}${data.fileKey ?? "derived"}.json`;
}

const take = (work) => async (job) => console.log(await work(job.data.payload));
new Worker("otel-ingestion-queue", take(otel), { connection, concurrency: 5 });
for (const name of ["ingestion-queue", "secondary-ingestion-queue"]) {
  new Worker(name, take(old), { connection, concurrency: 5 });
}
process.stdin.on("end", () => process.exit(0)).resume();
