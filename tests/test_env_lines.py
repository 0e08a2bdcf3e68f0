"""What ``.env`` accepts is read alike by all its readers, and what it refuses is not.

Each form is a file of its own, and each reader one process for all of them: python-dotenv here, uv
with an ``--env-file`` each, bash, dash and zsh with ``set -a; . FILE`` in a subshell each.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest
from dotenv import dotenv_values

import env_lines

# A@, B@ and C@ get the form's number: uv reads all files into one environment.
ACCEPTED: Final = {
    "A@=b": "b",
    "A@=": "",
    "A@=''": "",
    'A@=""': "",
    "A@=b\n": "b",
    "A@=b \n": "b",
    "A@='b'\t\n": "b",
    "\tA@=b": "b",
    "\n  \n# don't $a `b` \"\\\nA@=b": "b",
    "export A@=b": "b",
    "export\tA@='b c'": "b c",
    "A@=b # c": "b",
    "A@='b'\t#c": "b",
    "A@= # c": "",
    "A@=b#c": "b#c",
    "A@=a+b/c=,.:-_%@^!*?[]==": "a+b/c=,.:-_%@^!*?[]==",
    "A@=b~": "b~",
    "A@=http://[::1]:3000": "http://[::1]:3000",
    "A@=jörg": "jörg",
    "A@='jörg schmidt'": "jörg schmidt",
    "A@=' b '": " b ",
    "A@=' #b'": " #b",
    "A@='Corr$ect'": "Corr$ect",
    "A@='$(b) `c` {d} ~;&|<>!'": "$(b) `c` {d} ~;&|<>!",
    "A@='b\"c'": 'b"c',
    "A@='b\\c'": "b\\c",
    "A@='b\tc'": "b\tc",
    'A@="b c"': "b c",
    'A@="it\'s"': "it's",
    'A@="b #c"': "b #c",
    'A@="say \\"it\'s\\""': 'say "it\'s"',
    'A@="b\\\\c"': "b\\c",
    "B@=b\nA@=${B@}": "b",
    "B@='b $c \\d \"e\"'\nA@=${B@}": 'b $c \\d "e"',
    "B@='b c'\nA@=\"${B@}\"": "b c",
    "B@='b c'\nexport A@=${B@}": "b c",
    "B@=b\nC@=c\nA@=${B@}:x-${C@}": "b:x-c",
    "A@=${OUTSIDE}": "of the environment",
}
# Unlike, or not taken by one of them. A word of the fault, to tell that it is the one meant.
REFUSED: Final = {
    "A@=Corr$ect": "an unquoted $",
    "A@=b$": "an unquoted $",
    "A@=$OUTSIDE": "an unquoted $",
    "A@=${OUTSIDE": "an unquoted $",
    "A@=${NOWHERE:-b}": "an unquoted $",
    "A@=$(echo b)": "an unquoted $",
    "A@=b c": "an unquoted space",
    "A@=b\tc": "an unquoted space",
    "A@= b": "an unquoted space",
    "A@=b\u00a0\n": "an unquoted space",
    "A@ = b": "no NAME=value; write A0='...'",
    "set A@=b": "no NAME=value; write A0='...'",
    "A@ =b": "no NAME=value",
    "A@": "no NAME=value",
    "export A@": "no NAME=value",
    "A@: b": "no NAME=value; write A0='...'",
    "A.@=b": "no NAME=value",
    "1A@=b": "no NAME=value",
    "A@+=b": "no NAME=value",
    "\u00a0A@=b": "no NAME=value",
    "A@=#b": "an unquoted #",
    "A@=it's": "an unquoted '",
    'A@=b"c"': 'an unquoted "',
    "A@=b\\c": "an unquoted \\",
    "A@=b\\\nC@=c": "an unquoted \\",
    "A@=b`c": "an unquoted `",
    "A@=b;c": "an unquoted ;",
    "A@=b&c": "an unquoted &",
    "A@=b|c": "an unquoted |",
    "A@=b<c": "an unquoted <",
    "A@=b>c": "an unquoted >",
    "A@=(b)": "an unquoted (",
    "A@=~/b": "an unquoted ~",
    "A@=b:~/c": "an unquoted ~",
    "export A@={b,c}": "an unquoted {",
    "A@='b": "not closed",
    'A@="b': "not closed",
    "A@='b'c": "follows the closing quote",
    "A@='b'#c": "follows the closing quote",
    "A@='it'\\''s'": "follows the closing quote",
    "A@='it\\'s'": "in single quotes",
    "A@='b\\'": "in single quotes",
    "A@='b\\\\c'": "in single quotes",
    "A@='b${OUTSIDE}c'": "in single quotes",
    'A@="b$c"': "in double quotes",
    'A@="b\\$c"': "in double quotes",
    'A@="b\\nc"': "in double quotes",
    'A@="b`c"': "in double quotes",
    "A@='b'  #'c": "in its comment",
    "A@=b\nA@=c": "in line 1 as well",
    "A@=b\r\n": "ends as on Windows",
    "A@='b'\r\n": "ends as on Windows",
    "A@=b ": "ends the file with a space",
    "\ufeffA@=b": "byte order mark",
}
# Read alike, and refused as they are mistakes.
MISTAKEN: Final = {
    "A@='b\nc'": "not closed",  # no variable takes a line break, and a forgotten quote is likelier
    "A@=${NOWHERE}": "not set above",
    "A@=${B@}\nB@=b": "not set above",
    "A@={b}": "an unquoted {",  # another thing after export
    "A@=b\u00a0c": "an unquoted space",  # another thing at the end
    "A@=\u2018b\u2019": "a typographic quote",  # all of them keep it in the value
    "A@='${b'": "in single quotes",  # another thing before a }
    "A@=b #'c": "in its comment",  # another thing after a second space
}
# zsh, the shell of macOS, looks for a program of that name.
REFUSED_FOR_ZSH: Final = {"A@==b": "an unquoted =", "A@=b:=c": "an unquoted ="}
# uv and python-dotenv stop here.
NOT_UTF_8: Final = ("A='jörg'".encode("latin-1"), "A=b".encode("utf-16"), "A=b".encode("utf-16-le"))

OUTSIDE: Final = {"OUTSIDE": "of the environment", "UV_NO_CONFIG": "1"}
# Prints = and the value for each file, nothing where the variable is not set, and a NUL.
SHELL: Final = r"""
number=0
for file
do
  (set -a; . "$file"; eval "printf %s%s \"\${A$number+=}\" \"\$A$number\"") 2>/dev/null
  printf '\0'
  number=$((number + 1))
done
"""
SHELLS: Final = [name for name in ("bash", "dash", "zsh") if shutil.which(name)]
PRINT: Final = "import json, os; print(json.dumps(dict(os.environ)))"

Readings = dict[str, dict[str, str | None]]


def numbered(form: str, number: int) -> bytes:
    return re.sub("([ABC])@", rf"\g<1>{number}", form).encode()


def write(folder: Path, contents: Iterable[bytes]) -> list[Path]:
    files = []
    for number, data in enumerate(contents):
        files.append(folder / f"{number}.env")
        files[-1].write_bytes(data)
    return files


def by_uv(files: list[Path]) -> tuple[dict[str, str], str]:
    """Return the environment that uv makes of all files, and its complaints."""
    given = [argument for file in files for argument in ("--env-file", str(file))]
    done = subprocess.run(  # noqa: S603 - uv
        [
            *(os.environ.get("UV", "uv"), "run", "--no-project", "--offline", "--no-cache"),
            *("--python", sys.executable, *given, sys.executable, "-c", PRINT),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout or "{}"), done.stderr


def by_shell(shell: str, files: list[Path]) -> list[str | None]:
    """Return what a shell makes of each file."""
    done = subprocess.run(  # noqa: S603 - a shell
        [shell, *["-f"] * (shell == "zsh"), "-c", SHELL, shell, *files],
        cwd=files[0].parent,  # > writes there
        capture_output=True,
        text=True,
        check=True,
    )
    return [text[1:] if text else None for text in done.stdout.split("\0")[:-1]]


@pytest.fixture(scope="module")
def readings(tmp_path_factory: pytest.TempPathFactory) -> Readings:
    """Return what each reader makes of each form; None if it sets nothing, or complains."""
    forms = [*ACCEPTED, *REFUSED, *MISTAKEN, *REFUSED_FOR_ZSH]
    folder = tmp_path_factory.mktemp("forms")
    files = write(folder, (numbered(form, number) for number, form in enumerate(forms)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        patch.delenv("UV_ENV_FILE", raising=False)
        for name, value in OUTSIDE.items():
            patch.setenv(name, value)
        environment, complaints = by_uv(files)
        shells = {shell: by_shell(shell, files) for shell in SHELLS}
        return {
            form: {
                "python-dotenv": dotenv_values(file).get(f"A{number}"),
                "uv": None if f"`{file}`" in complaints else environment.get(f"A{number}"),
                **{shell: values[number] for shell, values in shells.items()},
            }
            for number, (form, file) in enumerate(zip(forms, files, strict=True))
        }


def test_accepted_forms_are_read_alike(readings: Readings) -> None:
    assert len(ACCEPTED) + len(REFUSED) >= 40
    assert {form: {*readings[form].values()} for form in ACCEPTED} == {
        form: {value} for form, value in ACCEPTED.items()
    }


def test_refused_forms_are_not(readings: Readings) -> None:
    alike = [form for form in REFUSED if len({*readings[form].values()}) == 1]
    # A quote that is not closed is taken by none of them.
    assert {form: {*readings[form].values()} for form in alike} == {form: {None} for form in alike}


def test_mistakes_are_read_alike(readings: Readings) -> None:
    """So nothing but the comments above says why they are refused."""
    assert [form for form in MISTAKEN if len({*readings[form].values()}) != 1] == []


@pytest.mark.parametrize("form", ACCEPTED)
def test_accepts(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTSIDE", OUTSIDE["OUTSIDE"])
    data = numbered(form, 0)
    assert env_lines.faults(data, OUTSIDE) == []
    assert env_lines.values(data)["A0"] == ACCEPTED[form]


@pytest.mark.skipif("zsh" not in SHELLS, reason="zsh is not on PATH")
def test_zsh_differs(readings: Readings) -> None:
    found = {form: readings[form]["zsh"] for form in REFUSED_FOR_ZSH}
    assert found == dict.fromkeys(REFUSED_FOR_ZSH)


@pytest.mark.parametrize("form", [*REFUSED, *MISTAKEN, *REFUSED_FOR_ZSH])
def test_refuses(form: str) -> None:
    fault, *_ = env_lines.faults(numbered(form, 0), OUTSIDE)
    assert re.match("line [12](, A0)?: ", fault)
    assert (REFUSED | MISTAKEN | REFUSED_FOR_ZSH)[form] in fault


@pytest.mark.parametrize("data", NOT_UTF_8)
def test_refuses_other_encodings(data: bytes, tmp_path: Path) -> None:
    assert env_lines.faults(data, ()) == ["line 1: is not UTF-8; save the file as UTF-8"]
    (file,) = write(tmp_path, [data])
    environment, _ = by_uv([file])
    assert environment.get("A") != "b"
