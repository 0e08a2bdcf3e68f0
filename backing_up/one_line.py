"""How a program ends: with one line if something fails."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from backing_up.account import AWS_ERRORS, BackupError, reason_of
from env_file import SettingsError
from verification.cluster import CheckError


@contextmanager
def one_line(program: str, *, again: str = "") -> Iterator[None]:
    """Exit with 1 and one line, without a secret, if the block fails.

    Args:
        program: begins the line.
        again: what another run does; ends the line where AWS or the user has cut this one off.

    """
    try:
        yield
    except SettingsError as error:
        sys.exit(str(error))
    except (BackupError, CheckError) as error:
        sys.exit(f"{program}: {error}.")
    except AWS_ERRORS as error:
        sys.exit(f"{program}: {reason_of(error)}. {again}".strip())
    except KeyboardInterrupt:
        sys.exit(f"{program}: interrupted. {again}".strip())
    except Exception as error:  # noqa: BLE001 - the text of an unknown error may hold a secret
        sys.exit(f"{program}: {type(error).__name__}.")
