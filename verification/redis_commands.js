// Runs commands of Redis in Langfuse's worker, with its modules (`load`, of worker_modules.js) and its
// connection. The argument is a JSON list of commands; standard output is that of their replies.
const { env } = process;

const Redis = load("ioredis");
const client = new Redis(env.REDIS_CONNECTION_STRING, { maxRetriesPerRequest: 1, connectTimeout: 10_000 });
let reason;
client.on("error", (error) => (reason = error));

const commands = JSON.parse(process.argv[1]);

client.pipeline(commands.map((command) => ["call", ...command])).exec().then(
  (answers) => {
    const failed = answers.find(([error]) => error);
    if (failed) throw failed[0];
    process.stdout.write(JSON.stringify(answers.map(([, reply]) => reply)));
    process.exit(0);
  },
).catch((error) => {
  // ioredis repeats the command, which may hold the user's data; a reply does not.
  console.error(`answers ${reason?.message || error.message}`.split("\n")[0].slice(0, 200));
  process.exit(1);
});
