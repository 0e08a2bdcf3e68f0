"""Faults of LANGFUSE_EXTRA_VALUES: each is one line, without a value."""

from pathlib import Path

import pytest
from cdktf import App

import extra_values
from env_file import SettingsError, load_settings
from in_cluster.merge_values import MergeError, merge_values
from tests.helpers.synthesis import BASE_ENV

OURS = {"langfuse": {"web": {"replicas": 1, "env": [{"name": "A"}], "on": True}}, "manifests": {}}
# Lists of nine, nine deep.
LAUGHS = "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}' if level else 'do-not-print'] * 9)}]\n"
    for level in range(9)
)
MERGED_LAUGHS = "a0: &a0 {b: do-not-print}\n" + "".join(
    f"a{level}: &a{level}\n  <<: [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: b\nc: [", "line 2 is not YAML"),
        ("a: *do-not-print", "line 1 is not YAML"),
        ("do-not-print\0", "is not YAML"),
        ("a:\n\tb: do-not-print", "line 2 has a tab; use spaces"),
        ("a: =", "line 1 has a lone =; put it in quotes"),
        ("<<: do-not-print", "line 1 is not YAML"),
        pytest.param("a: " + "[" * 900, "is not YAML", id="deep"),
        pytest.param(f"a: {'b' * 2**20}", "is larger than 1 MiB; Helm", id="large"),
        pytest.param(LAUGHS, "is larger than 1 MiB with its aliases written out", id="aliases"),
        pytest.param(MERGED_LAUGHS, "is larger than 1 MiB with its aliases", id="merged aliases"),
        ("", "holds no mapping of chart values"),
        ("# a", "holds no mapping of chart values"),
        ("- do-not-print", "holds no mapping of chart values"),
        ("a: b\n---\nc: do-not-print", "holds more than one document; remove the lines ---"),
        ("a: b\nc:\n  d: 1\n  d: do-not-print", "line 4 has a key that is there already"),
        ("a: b\non: c", "line 2 has a key that is no text; put it in quotes"),
        ("? [do-not-print]\n: b", "line 1 has a key that is no text"),
        ("a: &a [*a]", "line 1 contains itself; write it out"),
        ("a: &a\n  b:\n    c: *a", "line 1 contains itself; write it out"),
        ("a: !!python/object/apply:os.system [do-not-print]", "line 1 has a tag; remove it"),
        ("a: !do-not-print b", "line 1 has a tag; remove it"),
        ("a: !!binary do-not-print", "line 1 has a tag; remove it"),
        ("a: !!int do-not-print", "line 1 has what JSON does not"),
        ("a: !!bool do-not-print", "line 1 has what JSON does not"),
        ("a: 2026-11-25", "line 1 has a date; put it in quotes"),
        ("a: 12:30", "line 1 has a number with a colon; put it in quotes"),
        ("a: 2026-13-45", "line 1 has a date; put it in quotes"),
        ("a: .nan", "line 1 has what JSON does not"),
        ("a: [-.inf]", "line 1 has what JSON does not"),
        ("a: 1.0e+400", "line 1 has what JSON does not"),
        ("a: 123456789012345678901", "line 1 has what JSON does not"),
        ('a: "\\ud800"', "line 1 has what JSON does not"),
        ('"\\ud800": a', "line 1 has what JSON does not"),
    ],
)
def test_refuses(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "extra.yaml").write_text(text, encoding="utf-8")
    env_file = tmp_path / ".env"
    line = f"LANGFUSE_EXTRA_VALUES={tmp_path / 'extra.yaml'}\n"
    env_file.write_text(BASE_ENV.read_text(encoding="utf-8") + line, encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        load_settings(env_file)
    (said,) = str(error.value).splitlines()
    assert said.startswith(f"LANGFUSE_EXTRA_VALUES: {problem}")
    assert said.endswith("; expected the path of a YAML file with chart values")
    assert "do-not-print" not in said


def test_refuses_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "extra.yaml").write_bytes("a: ü".encode("latin-1"))
    env_file = tmp_path / ".env"
    line = f"LANGFUSE_EXTRA_VALUES={tmp_path / 'extra.yaml'}\n"
    env_file.write_text(BASE_ENV.read_text(encoding="utf-8") + line, encoding="utf-8")
    with pytest.raises(SettingsError, match="LANGFUSE_EXTRA_VALUES: is not UTF-8; expected"):
        load_settings(env_file)


def test_accepts_what_json_has() -> None:
    text = """
---
a: &a {b: 1, c: 1.5, d: true, e: null, f: "x", g: !!str 1, h: 9007199254740992}
i: [*a, *a]
j:
  <<: *a
  b: 2
"""
    a = {"b": 1, "c": 1.5, "d": True, "e": None, "f": "x", "g": "1", "h": 2**53}
    assert extra_values.parse(text) == {"a": a, "i": [a, a], "j": {**a, "b": 2}}


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"langfuse": None}, "langfuse is empty in it, which would delete ours; remove the line"),
        ({"langfuse": "text"}, "langfuse is text or a number in it, which would delete ours; make"),
        ({"langfuse": {"web": {"on": "false"}}}, "langfuse.web.on is text or a number in it"),
        ({"langfuse": {"web": {"replicas": True}}}, "langfuse.web.replicas is true or false in it"),
        ({"langfuse": {"web": []}}, "langfuse.web is a list in it, which would delete ours; make "),
        ({"langfuse": {"web": {"env": {}}}}, "langfuse.web.env is a map in it, which would delete"),
        ({"langfuse": {"web": {"env": None}}}, "langfuse.web.env is empty in it"),
        ({"langfuse": {"web": {"replicas": [2]}}}, "langfuse.web.replicas is a list in it"),
        ({"langfuse": {"web": {"replicas": None}}}, "langfuse.web.replicas is empty in it"),
        ({"manifests": None}, "manifests is empty in it"),
    ],
)
def test_nothing_of_ours_is_deleted(extra: dict[str, object], said: str) -> None:
    with pytest.raises(MergeError) as error:
        merge_values(OURS, extra)
    assert str(error.value).startswith(f"LANGFUSE_EXTRA_VALUES: {said}")


def test_values_are_replaced_and_added() -> None:
    web = {"replicas": "2", "env": [1], "on": False, "more": None}
    extra = {"langfuse": {"web": web}, "new": None}
    web = {**web, "env": [{"name": "A"}, 1]}
    assert merge_values(OURS, extra) == {"langfuse": {"web": web}, "manifests": {}, "new": None}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("langfuse:\n#  logging:\n#    level: debug\n", "langfuse"),
        ("extraManifests:\n", "extraManifests"),
        ("extraManifests: {secret: do-not-print}\n", "extraManifests.secret"),
    ],
)
def test_main_says_it_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: App, text: str, path: str
) -> None:
    assert built  # so that what main imports comes in lazily
    import main  # noqa: PLC0415

    monkeypatch.setattr(main, "ENV_FILE", tmp_path / ".env")
    (tmp_path / "extra.yaml").write_text(text, encoding="utf-8")
    line = f"LANGFUSE_EXTRA_VALUES={tmp_path / 'extra.yaml'}\n"
    (tmp_path / ".env").write_text(BASE_ENV.read_text(encoding="utf-8") + line, encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        main.synthesize(tmp_path / "cdktf.out")
    (message,) = str(stopped.value.code).splitlines()
    assert message.startswith(f"LANGFUSE_EXTRA_VALUES: {path} is ")
    assert "do-not-print" not in message
    assert not [*(tmp_path / "cdktf.out").rglob("cdk.tf.json")]
