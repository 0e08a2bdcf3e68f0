"""A warning if the database and ClickHouse would come back from different times."""

from typing import Final

from cdktf import TerraformLocal, TerraformStack
from cdktf_cdktf_provider_aws.data_aws_s3_objects import DataAwsS3Objects
from constructs import Construct

# The folder of a backup: its time, as in clickhouse/20261125T101112Z/.
_FOLDER: Final = r"(\\d{4})(\\d\\d)(\\d\\d)T(\\d\\d)(\\d\\d)(\\d\\d)Z/$"


class BackupCheck(Construct):
    """A ``check`` block: it warns in a plan that restores the database, and stops nothing.

    Without any backup it says nothing: an empty ClickHouse is never backed up.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        bucket_name: str,
        bucket_exists: str,
        prefix: str,
        snapshot_time: str,
        hours: int,
    ) -> None:
        """Look up the backups, and compare the newest complete one with the snapshot.

        Args:
            scope: parent construct.
            id_: construct id.
            bucket_name: name of the bucket.
            bucket_exists: Terraform expression, true if the bucket exists.
            prefix: prefix of the backups' keys, such as ``clickhouse/``.
            snapshot_time: Terraform expression: time of the snapshot that the database is restored
                from, or null if it is not restored.
            hours: distance that needs no warning.

        """
        super().__init__(scope, id_)
        snapshot = self._local("snapshot_time", snapshot_time)
        folders = DataAwsS3Objects(
            self, "folders", bucket=bucket_name, prefix=prefix, delimiter="/"
        )
        folders.add_override("count", f"${{{snapshot} != null && {bucket_exists} ? 1 : 0}}")
        folders.override_logical_id("backup_folders")
        listed = f"flatten({folders.fqn}[*].common_prefixes)"
        parts = f'regex("{_FOLDER}", folder)'
        time = f'format("%s-%s-%sT%s:%s:%sZ", {parts}...)'
        # An interrupted backup has no such file.
        files = DataAwsS3Objects(
            self, "files", bucket=bucket_name, prefix="${each.value}.backup", max_keys=1
        )
        files.add_override(
            "for_each",
            f"${{{{for folder in {listed} : {time} => folder if can({parts})}}}}",
        )
        files.override_logical_id("backup_files")
        times = self._local(
            "complete_backups",
            f"sort([for time, found in {files.fqn} : time if length(found.keys) > 0])",
        )
        newest = self._local(
            "newest_backup", f"length({times}) > 0 ? {times}[length({times}) - 1] : null"
        )
        TerraformStack.of(self).add_override(
            "check.restored_together.assert",
            [
                {
                    "condition": f"${{{newest} == null ? true : "
                    f'timecmp(timeadd({newest}, "{hours}h"), {snapshot}) >= 0 && '
                    f'timecmp(timeadd({snapshot}, "{hours}h"), {newest}) >= 0}}',
                    "error_message": (
                        f"The database is restored from a snapshot of {_text(snapshot)}, and the "
                        f"newest backup of ClickHouse is of {_text(newest)}: more than {hours} "
                        "hours apart. Traces of one side will lack what the other side knows of "
                        "them; docs/operations.md says how to take another snapshot or backup."
                    ),
                }
            ],
        )

    def _local(self, id_: str, expression: str) -> str:
        local = TerraformLocal(self, id_, f"${{{expression}}}")
        local.override_logical_id(id_)
        return local.fqn


def _text(expression: str) -> str:
    """Return a template of a time.

    Terraform evaluates the message where the condition holds too, and fails on a null in it.
    """
    return f'${{coalesce({expression}, "-")}}'
