// Runs in Langfuse's worker, with its own client of PostgreSQL (`load`, of worker_modules.js): prints
// the names of the background migrations that have not finished, as JSON.

async function unfinished() {
  const env = process.env;
  // As the entrypoint of the image puts it together.
  env.DATABASE_URL ||= `postgresql://${encodeURIComponent(env.DATABASE_USERNAME)}:${
    encodeURIComponent(env.DATABASE_PASSWORD)}@${env.DATABASE_HOST}/${env.DATABASE_NAME}`;
  const { prisma } = load("@langfuse/shared/src/db");
  const found = await prisma.backgroundMigration.findMany({ where: { finishedAt: null } });
  console.log(JSON.stringify(found.map((each) => each.name)));
}

unfinished().then(
  () => process.exit(0),
  (error) => {
    // Of its message nothing: it may hold the password.
    console.error(error.name);
    process.exit(1);
  },
);
