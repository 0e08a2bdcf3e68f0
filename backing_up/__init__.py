"""What backups.py does: backups of ClickHouse and snapshots of the database, and their purge."""
