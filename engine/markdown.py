"""Markdown that is written by programs: tables."""


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, padded so that it can be read as it is; numbers are aligned to the right."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    right = [all(not row[c] or row[c][0] in "0123456789–" for row in rows) for c in range(len(header))]
    right[0] = False

    def line(cells: list[str]) -> str:
        padded = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True)]
        return f"| {' | '.join(padded)} |"

    rule = [f"{'-' * (w - 1)}{':' if r else '-'}" for w, r in zip(widths, right, strict=True)]
    return "\n".join([line(header), line(rule), *map(line, rows)])
