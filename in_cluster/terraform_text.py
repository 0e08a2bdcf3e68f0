"""Escaping of text in Terraform configuration."""


def literal(text: str) -> str:
    """Return ``text`` with template sequences escaped, so that Terraform takes it literally."""
    return text.replace("${", "$${").replace("%{", "%%{")
