#!/usr/bin/env bash
# Restores a backup into a new volume of ClickHouse. The image's entrypoint runs this at every start
# (CLICKHOUSE_ALWAYS_RUN_INITDB_SCRIPTS), as a program of its own and while the server listens on
# 127.0.0.1 only, so before any migration. If it fails, the container ends and is started again.
#
# Environment: CLICKHOUSE_PASSWORD (clickhouse-client reads it by itself), BACKUPS_URL (of the
# backups' folder in the bucket), LANGFUSE_VERSION (of the Langfuse that is deployed); in tests also
# DATA_DIRECTORY and POLL_SECONDS.
set -euo pipefail

data=${DATA_DIRECTORY:-/var/lib/clickhouse}
# Markers on the volume: a restore has begun; all is done, with a line that says what.
restoring=$data/restoring
restored=$data/restored

say() { echo "restore: $*"; }

fail() {
  say "failed: $*" >&2
  exit 1
}

errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

# Prints the answer to a query, or fails with the server's error in one line.
query() {
  # No limit for DROP: a half-restored table may be larger than the 50 GB that need a confirmation.
  clickhouse-client --host 127.0.0.1 --user default --database system \
    --max_table_size_to_drop 0 --max_partition_size_to_drop 0 --s3_retry_attempts 20 \
    --query "$1" 2> "$errors" || fail "$(tr '\n' ' ' < "$errors" | cut -c -600)"
}

# Writes the marker that ends it, once the data have reached the volume.
finish() {
  sync
  echo "$*" > "$restored.new"
  mv "$restored.new" "$restored"
  rm -f "$restoring"
  say "$*"
}

if [[ -e $restored ]]; then
  say "nothing to do; done before: $(head -n 1 "$restored")"
  exit
fi

tables=$(query "SELECT count() FROM system.tables WHERE database = 'default'")
if [[ -e $restoring ]]; then
  say "beginning again: the restore of $(head -n 1 "$restoring") did not end"
  query "DROP DATABASE IF EXISTS default SYNC"
  query "CREATE DATABASE default"
elif [[ $tables != 0 ]]; then
  finish "nothing: data was there"
  exit
fi

# Patterns, because s3() takes a missing object without one for an error. Every error of S3 fails
# the start, and is never taken for "there is no backup".
complete=$(query "SELECT extract(_path, '/([0-9]{8}T[0-9]{6}Z)/[.]backup\$') AS time
  FROM s3('$BACKUPS_URL/*/.backup', 'One') WHERE time != '' ORDER BY time")
chosen=$(query "SELECT trim(line) AS time
  FROM s3('$BACKUPS_URL/chosen*', 'LineAsString', 'line String')
  WHERE time NOT IN ('', 'newest') LIMIT 1")

# A choice is for one restore.
forget_choice() {
  [[ -n $chosen ]] || return 0
  (query "INSERT INTO FUNCTION s3('$BACKUPS_URL/chosen', 'LineAsString', 'line String')
    SELECT 'newest' SETTINGS s3_truncate_on_insert = 1") ||
    say "$chosen is still the chosen one: uv run backups.py --choose newest"
}

if [[ $chosen == none ]]; then
  finish "nothing: as chosen"
  forget_choice
  exit
fi

backup=${chosen:-$(tail -n 1 <<< "$complete")}
if [[ -z $backup ]]; then
  finish "nothing: no backup"
  exit
fi
if ! grep -qxF -- "$backup" <<< "$complete"; then
  fail "the chosen backup $backup is not there or not complete; choose another one:" \
    "uv run backups.py --choose newest"
fi

version=$(query "SELECT trim(line)
  FROM s3('$BACKUPS_URL/$backup/langfuse*', 'LineAsString', 'line String') LIMIT 1")
newer=$(printf '%s\n' "$version" "$LANGFUSE_VERSION" | sort -V | tail -n 1)
if [[ $newer != "$LANGFUSE_VERSION" ]]; then
  fail "backup $backup is of Langfuse $version; $LANGFUSE_VERSION is older and would not start" \
    "with it; deploy $version, or choose another backup: uv run backups.py"
fi

say "restoring $backup of Langfuse ${version:-unknown}"
echo "$backup" > "$restoring"
SECONDS=0
next_line=30
# In the background: the client gives up after five minutes without an answer.
# A database that was dropped, or is of another version of ClickHouse, may be defined otherwise.
id=$(query "RESTORE DATABASE default FROM S3('$BACKUPS_URL/$backup/')
  SETTINGS allow_different_database_def = 1 ASYNC")
id=${id%%$'\t'*}
while true; do
  status=$(query "SELECT status, formatReadableSize(bytes_read),
    splitByString(', Stack trace', error)[1] FROM system.backups WHERE id = '$id'")
  [[ $status == RESTORING$'\t'* ]] || break
  if (( SECONDS >= next_line )); then
    say "$SECONDS s, $(cut -f 2 <<< "$status") read"
    next_line=$(( SECONDS + 30 ))
  fi
  sleep "${POLL_SECONDS:-1}"
done
if [[ $status != RESTORED$'\t'* ]]; then
  fail "backup $backup: ${status:-the server has forgotten the restore}"
fi

rows=$(query "SELECT ifNull(sum(total_rows), 0) FROM system.tables WHERE database = 'default'")
finish "$backup restored at $(date -u +%Y-%m-%dT%H:%M:%SZ) in $SECONDS s: $rows rows" \
  "of Langfuse ${version:-unknown}"
forget_choice
