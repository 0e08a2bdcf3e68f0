"""Text that Terraform must take as it is."""


def literal(text: str) -> str:
    """Escape a user's text, which Terraform would otherwise read as a template."""
    return text.replace("${", "$${").replace("%{", "%%{")
