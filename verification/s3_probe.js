// Runs in Langfuse's worker, with the SDK that Langfuse itself uses (`load`, of worker_modules.js)
// and no credentials but the pod's own role: writes an object, reads it back, and deletes it.

async function probe() {
  const bucket = process.env.LANGFUSE_S3_EVENT_UPLOAD_BUCKET;
  if (!process.env.AWS_WEB_IDENTITY_TOKEN_FILE) throw new Error("the pod has no IAM role");
  const sdk = load("@aws-sdk/client-s3");
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
