"""Blocks of pages that are written by code, each between two markers."""


def with_block(page: str, marker: str, block: str) -> str:
    """Return the page with another block between ``<!-- marker -->`` and ``<!-- /marker -->``."""
    begin, end = f"<!-- {marker} -->\n", f"\n<!-- /{marker} -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        message = f"the page has no {begin.strip()} … {end.strip()}"
        raise ValueError(message)
    return f"{before}{begin}{block}{end}{after}"


def table(*rows: tuple[str, ...]) -> str:
    """Return a table of Markdown; the first row is its head."""
    head, *body = (f"| {' | '.join(cells)} |" for cells in rows)
    return "\n".join([head, "|---" * len(rows[0]) + "|", *body])
