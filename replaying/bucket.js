// Runs in Langfuse's worker, with the SDK that Langfuse itself uses and no credentials but the
// pod's own role. The first argument is the step:
//   list SINCE   prints the key of each raw event that was stored since then, without the prefix
//   stage        copies the keys on standard input (a JSON list) to the same key without the prefix
//   unstage      deletes all such copies
const fs = require("node:fs");
const path = require("node:path");

const [step, since] = process.argv.slice(1);
const Bucket = process.env.LANGFUSE_S3_EVENT_UPLOAD_BUCKET;
const prefix = process.env.LANGFUSE_S3_EVENT_UPLOAD_PREFIX || "";
const COPIES_AT_ONCE = 20;

const folders = ["packages/shared", "worker"].map((folder) => path.resolve(folder));
const sdk = require(require.resolve("@aws-sdk/client-s3", { paths: folders }));
const client = new sdk.S3Client({ region: process.env.LANGFUSE_S3_EVENT_UPLOAD_REGION });

async function* pages(Prefix) {
  let ContinuationToken;
  do {
    const page = await client.send(
      new sdk.ListObjectsV2Command({ Bucket, Prefix, ContinuationToken }),
    );
    yield page.Contents || [];
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken);
}

async function list() {
  for await (const page of pages(prefix)) {
    for (const { Key, LastModified } of page) {
      if (LastModified >= new Date(since)) console.log(Key.slice(prefix.length));
    }
  }
}

async function stage() {
  if (!prefix) return;
  const keys = JSON.parse(fs.readFileSync(0, "utf8"));
  const copy = async () => {
    for (let Key = keys.pop(); Key; Key = keys.pop()) {
      const source = `${Bucket}/${prefix}${Key}`;
      const CopySource = source.split("/").map(encodeURIComponent).join("/");
      await client.send(new sdk.CopyObjectCommand({ Bucket, Key, CopySource }));
    }
  };
  await Promise.all(Array.from({ length: COPIES_AT_ONCE }, copy));
}

async function unstage() {
  // Without a prefix these would be the events themselves.
  if (!prefix) return;
  for await (const page of pages("otel/")) {
    const Objects = page.map(({ Key }) => ({ Key }));
    if (!Objects.length) continue;
    const { Errors } = await client.send(
      new sdk.DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
    );
    if (Errors?.length) throw new Error(`${Errors[0].Key}: ${Errors[0].Code}`);
  }
}

({ list, stage, unstage })[step]().catch((error) => {
  console.error(`${error.name}: ${error.message.split("\n")[0]}`);
  process.exit(1);
});
