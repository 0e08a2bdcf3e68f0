// Runs in Langfuse's worker, with the SDK that Langfuse itself uses and no credentials but the
// pod's own role: writes an object, reads it back, and deletes it.
const fs = require("node:fs");

async function probe() {
  const bucket = process.env.LANGFUSE_S3_EVENT_UPLOAD_BUCKET;
  if (!process.env.AWS_WEB_IDENTITY_TOKEN_FILE) throw new Error("the pod has no IAM role");
  // The SDK is a dependency of Langfuse's own package, which the image has below worker/ as a link
  // (pnpm deploy), and a checkout in packages/.
  const folders = ["worker", "worker/node_modules/@langfuse/shared", "packages/shared"]
    .filter((folder) => fs.existsSync(folder))
    .map((folder) => fs.realpathSync(folder));
  const sdk = require(require.resolve("@aws-sdk/client-s3", { paths: folders }));
  const client = new sdk.S3Client({ region: process.env.LANGFUSE_S3_EVENT_UPLOAD_REGION });
  const object = { Bucket: bucket, Key: "verify/probe.txt" };
  await client.send(new sdk.PutObjectCommand({ ...object, Body: "written by verify.py" }));
  const found = await client.send(new sdk.GetObjectCommand(object));
  // An unread body keeps the connection, and with it this process, until S3 closes it.
  await found.Body.transformToString();
  await client.send(new sdk.DeleteObjectCommand(object));
  console.log(bucket);
}

probe().catch((error) => {
  console.error(`${error.name}: ${error.message.split("\n")[0]}`);
  process.exit(1);
});
