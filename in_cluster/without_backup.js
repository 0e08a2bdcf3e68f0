
// --- Where ClickHouse is of the user's own: of functions of the same name, the last one counts

// Its backups are made where it runs; what is left is to drain the queues.
async function backUp() {
  return undefined;
}

// The URL names the database.
async function langfuseVersion() {
  const migrated = await query(`SELECT count() FROM system.tables WHERE database = currentDatabase()
    AND name IN ('observations_batch_staging', 'events_full')`);
  const version = env.LANGFUSE_VERSION;
  return migrated !== "0" && version.startsWith("3.") ? "4" : version;
}
