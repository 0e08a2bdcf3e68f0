"""The program clickhouse-client, as far as restore.sh uses it; it speaks HTTP to the stand-in.

Like the real one it takes the password from CLICKHOUSE_PASSWORD and settings as options.
CLICKHOUSE_URL, which the real one does not read, is the stand-in's address.
"""

import argparse
import os
import sys
import urllib.error
import urllib.parse
import urllib.request


def main() -> None:
    """Print the answer, or print the error as the real one does and fail."""
    parser = argparse.ArgumentParser()
    for option in ("host", "user", "database", "query"):
        parser.add_argument(f"--{option}", required=True)
    known, others = parser.parse_known_args()
    names = [name.removeprefix("--") for name in others[::2]]
    settings = {"database": known.database, **dict(zip(names, others[1::2], strict=True))}
    request = urllib.request.Request(  # noqa: S310 - our own stand-in
        f"{os.environ['CLICKHOUSE_URL']}/?{urllib.parse.urlencode(settings)}",
        known.query.encode(),
        {
            "X-ClickHouse-User": known.user,
            "X-ClickHouse-Key": os.environ["CLICKHOUSE_PASSWORD"],
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
            sys.stdout.buffer.write(answer.read())
    except urllib.error.HTTPError as error:
        sys.exit(f"Received exception from server (version 26.3.32):\n{error.read().decode()}")


if __name__ == "__main__":
    main()
