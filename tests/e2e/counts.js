// Runs in Langfuse's worker, with the Prisma client of its image (`load`, of worker_modules.js), and
// behind its entrypoint, which composes DATABASE_URL: prints the rows of PostgreSQL's tables as JSON.
async function main() {
  const { PrismaClient } = load("@prisma/client");
  const client = new PrismaClient();
  const tables = {
    organizations: client.organization,
    projects: client.project,
    users: client.user,
    "api keys": client.apiKey,
    datasets: client.dataset,
    "dataset items": client.datasetItem,
  };
  const counts = {};
  for (const [name, table] of Object.entries(tables)) counts[name] = await table.count();
  console.log(JSON.stringify(counts));
  await client.$disconnect();
}

main().catch((error) => {
  // Prisma's messages end with the reason.
  console.error(`${error.name}: ${error.message.trim().split("\n").pop()}`);
  process.exit(1);
});
