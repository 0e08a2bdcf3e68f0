"""What the documents say is what the code does."""

import re
from pathlib import Path

import pytest

import versions
from env_file import DERIVED, OF_OWN_CLICKHOUSE, variables
from tests.helpers.checkout import ROOT
from tests.helpers.stack import Stack
from tests.helpers.synthesis import WithOptions

EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "tests").rglob("*.md")]
)

# With commands to type; in the others they are named, and nobody is told to run them.
GUIDES = [
    "README.md",
    "docs/langfuse-4.md",
    "docs/operations.md",
    "docs/remote-runs.md",
    "docs/troubleshooting.md",
]


def test_fr24_example_has_every_variable() -> None:
    named = re.findall(r"^#?(\w+)=", EXAMPLE, re.MULTILINE)
    assert sorted(named) == sorted({*variables(), *DERIVED, OF_OWN_CLICKHOUSE})


def test_what_forces_a_rebuild() -> None:
    marked = set(re.findall(r"\[rebuild\]\n#([A-Z_]+)=", EXAMPLE))
    assert marked == {"NAME", "VPC_CIDR"}
    assert "AWS_DEFAULT_REGION, above, is [rebuild] too." in EXAMPLE


def test_fr25_env_is_not_in_version_control() -> None:
    assert "/.env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_architecture_names_every_construct() -> None:
    """The picture has those of the eight variables; what an option adds is in the text."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for file in ROOT.glob("constructs_lib/*.py"):
        for name in re.findall(r"^class (\w+)\(Construct\)", file.read_text("utf-8"), re.MULTILINE):
            assert name in page


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", text):
        assert (document.parent / target).exists(), target


def headings(document: Path) -> set[str]:
    """Return the anchors that GitHub makes of the headings."""
    text = re.sub(r"^```.*?^```$", "", document.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    shown = (
        re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", each)
        for each in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    )
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in shown}


def test_links_lead_to_a_heading() -> None:
    links = [
        (document.parent / page if page else document, anchor)
        for document in DOCUMENTS
        for page, anchor in re.findall(
            r"\]\((?!https?:)([^)#]*)#([^)]+)\)", document.read_text(encoding="utf-8")
        )
    ]
    assert links
    assert [(str(page), anchor) for page, anchor in links if anchor not in headings(page)] == []


def test_messages_name_a_heading() -> None:
    sources = [*ROOT.glob("*.py"), *ROOT.glob("[!.n]*/*.py")]
    named = {
        found
        for source in sources
        for found in re.findall(r"(docs/[\w-]+\.md)#([\w-]+)", source.read_text(encoding="utf-8"))
    }
    assert named
    assert {each for each in named if each[1] not in headings(ROOT / each[0])} == set()


def test_documents_name_decisions_that_exist() -> None:
    sources = [*ROOT.glob("*.py"), *ROOT.glob("constructs_lib/*.py"), ROOT / ".env.example"]
    for source in sources:
        for page in re.findall(r"docs/[\w/-]+\.md", source.read_text(encoding="utf-8")):
            assert (ROOT / page).exists(), f"{source.name}: {page}"


def test_documents_name_addresses_that_exist(
    stacks: dict[str, Stack], remote: dict[str, Stack], with_options: WithOptions
) -> None:
    variants = (remote | stacks, with_options("elasticache"))
    named = [
        address
        for document in DOCUMENTS
        for address in re.findall(
            r"-chdir=cdktf\.out/stacks/(\w+) (?:apply -replace=|state rm )(\w+)\.'?(\w+)",
            document.read_text(encoding="utf-8"),
        )
    ]
    assert named
    for stack, kind, name in named:
        assert any(name in each[stack].json["resource"][kind] for each in variants if stack in each)


@pytest.mark.parametrize("page", GUIDES)
def test_fr26_commands_are_given_the_env_file(page: str) -> None:
    """What logs in to AWS or Terraform Cloud has its login from ``.env``, which uv run reads."""
    text = (ROOT / page).read_text(encoding="utf-8")
    command = (
        r"(?:^ *|[`|(=\"]|[A-Z]+=\S+ )((?:uv run )?(?:aws|kubectl|npx|terraform) [a-z-]+ [^`\n]*)"
    )
    commands = [each for each in re.findall(command, text, re.MULTILINE) if " is not " not in each]
    # An administrator's, whose login is not that of .env.
    commands = [each for each in commands if not re.match(r"aws (kms|ec2 (get|reset)-ebs)", each)]
    assert commands
    assert [each for each in commands if not each.startswith("uv run ")] == []


def test_documents_name_the_pinned_langfuse() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert f"/langfuse/tree/v{versions.LANGFUSE_LINES[3].langfuse}/worker/" in page
