"""One installation as its user has it: a checkout, an ``.env``, and the cdktf command line."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from extra_environment import SECRET_PREFIX, reference
from tests.helpers.checkout import ROOT, clean_environment, copy_checkout

COLOURS: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class CommandError(AssertionError):
    """A command ended with an unexpected status; the message has the end of its output."""


@dataclass
class Installation:
    """A checkout in ``folder``; its commands see its ``.env`` and the stand-ins, and nothing else.

    HOME is a folder beside it, for CDKTF's providers, and without the developer's logins.
    """

    folder: Path
    stand_ins: Mapping[str, str]

    def __post_init__(self) -> None:
        """Copy the project, and install its command line."""
        self.folder.mkdir(parents=True)
        self.home.mkdir()
        self._wrap_aws_cli()
        copy_checkout(self.folder)
        if (ROOT / "node_modules").is_dir():
            (self.folder / "node_modules").symlink_to(ROOT / "node_modules")
        else:
            # What says where packages come from is in the real one.
            home, cache = Path.home(), self.home / "npm"
            self.run("env", f"HOME={home}", "npm", "ci", f"--cache={cache}")

    def _wrap_aws_cli(self) -> None:
        """Have version 1 of the AWS CLI use the stand-in for RDS; version 2 does so by itself."""
        if (program := shutil.which("aws")) is None:
            return
        wrapper = self.home / "bin" / "aws"
        wrapper.parent.mkdir()
        wrapper.write_text(
            '#!/bin/sh\n[ "$1" != rds ] || set -- --endpoint-url "$AWS_ENDPOINT_URL" "$@"\n'
            f'exec {shlex.quote(program)} "$@"\n',
            encoding="utf-8",
        )
        wrapper.chmod(0o700)

    def write_env(self, **lines: str) -> None:
        """Fill in ``.env.example`` as a user would."""
        shutil.copy(ROOT / ".env.example", self.folder / ".env")
        self.change_env(**lines)

    def change_env(self, **lines: str | None) -> None:
        """Give other values to lines of ``.env``, or none; secret environment variables are added.

        Without a value a line is commented out.
        """
        text = (self.folder / ".env").read_text(encoding="utf-8")
        for variable, value in lines.items():
            line = f"#{variable}=" if value is None else f"{variable}='{value}'"
            if variable.startswith(SECRET_PREFIX) and variable not in text:
                text += f"{line}\n"
            before, _, after = re.split(rf"(?m)(^#?{variable}=.*$)", text, maxsplit=1)
            text = before + line + after
        (self.folder / ".env").write_text(text, encoding="utf-8")

    @property
    def home(self) -> Path:
        """The HOME of its commands."""
        return self.folder.with_name("home")

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every command."""
        env_file = self.folder / ".env"
        lines = dotenv_values(env_file) if env_file.exists() else {}
        return {
            **clean_environment(),
            "PATH": os.pathsep.join(
                [str(self.home / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
            ),
            "HOME": str(self.home),
            "CHECKPOINT_DISABLE": "1",
            "CI": "true",
            **{key: value for key, value in lines.items() if value is not None},
            **self.stand_ins,
        }

    @cached_property
    def terraform_version(self) -> str:
        """The version of the Terraform on PATH."""
        version: str = json.loads(self.run("terraform", "version", "-json"))["terraform_version"]
        return version

    def start(self, *command: str, cwd: Path | None = None) -> subprocess.Popen[str]:
        """Start a command in a process group of its own, so that it can be killed whole."""
        return subprocess.Popen(
            command,
            cwd=cwd or self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Nobody may read before its end, and a plan that shows our scripts has over 64 KiB.
            pipesize=2**20,
            start_new_session=True,
        )

    def run(self, *command: str, status: int | None = 0, cwd: Path | None = None) -> str:
        """Run a command to its end and return its output, without colours.

        Raises:
            CommandError: it ended with another status than ``status``; None takes any.

        """
        process = self.start(*command, cwd=cwd)
        output, _ = process.communicate()
        said = COLOURS.sub("", output)
        if status is not None and process.returncode != status:
            message = f"{' '.join(command)} ended with {process.returncode}:\n{said[-6000:]}"
            raise CommandError(message)
        return said

    def add_extra_environment(self, name: str, value: str, **plain: str) -> None:
        """Have LANGFUSE_EXTRA_ENV name a file with one secret and plain variables."""
        lines = {name: reference(name), **{key: f"'{text}'" for key, text in plain.items()}}
        file = self.folder / "extra.env"
        file.write_text("".join(f"{key}={text}\n" for key, text in lines.items()), encoding="utf-8")
        self.change_env(**{"LANGFUSE_EXTRA_ENV": file.name, f"{SECRET_PREFIX}{name}": value})

    def backups(
        self, *arguments: str, typed: str = "", status: int = 0, cwd: Path | None = None
    ) -> str:
        """Run backups.py, whose question is answered with ``typed``."""
        done = subprocess.run(
            ["python", "backups.py", *arguments],
            cwd=cwd or self.folder,
            env=self.environment,
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != status:
            message = f"backups.py ended with {done.returncode}:\n{done.stdout}"
            raise CommandError(message)
        return done.stdout

    def deploy(self, stack: str, status: int = 0) -> str:
        """Deploy one stack through the command line; of a refused one, add what its plan says.

        CDKTF reads a terminal that Terraform writes to, and may leave before it has read the end,
        where the reason is, or within the reason.
        """
        said = self.run(*self.cdktf("deploy", stack), status=status)
        if status:
            said += self.terraform(stack, "plan", "-input=false", status=None)
        return said

    def destroy(self, stack: str, status: int = 0) -> str:
        """Destroy one stack through the command line."""
        return self.run(*self.cdktf("destroy", stack), status=status)

    def apply(self, stack: str, *options: str, status: int = 0) -> str:
        """Apply the synthesized stack by Terraform itself, which is faster than the command line.

        With the option ``-destroy``, destroy it.
        """
        return self.terraform(
            stack, "apply", "-auto-approve", "-input=false", *options, status=status
        )

    def cdktf(self, command: str, stack: str) -> tuple[str, ...]:
        """Return the command; the provider lock would ask the public registry."""
        return ("npx", "cdktf", command, stack, "--auto-approve", "--skip-provider-lock")

    def terraform(self, stack: str, *arguments: str, status: int | None = 0) -> str:
        """Run Terraform on the synthesized stack."""
        where = self.folder / "cdktf.out" / "stacks" / stack
        return self.run("terraform", *arguments, "-no-color", status=status, cwd=where)

    def assert_nothing_to_do(self, *stacks: str) -> None:
        """Plan the stacks in parallel: exit status 0 is no change, 2 would be some."""
        plan = ("plan", "-input=false", "-detailed-exitcode")
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda stack: self.terraform(stack, *plan), stacks))
