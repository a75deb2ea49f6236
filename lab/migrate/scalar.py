"""Values as YAML, and as TOML, take them both."""

SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def scalar(value: object) -> str:
    """A value on one line: numbers and truth as they are, lists in brackets, text in double quotes with all escaped.

    A mapping is in braces, as YAML has it.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{scalar(name)}: {scalar(one)}' for name, one in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(scalar, value))}]"
    return f'"{"".join(map(escaped, str(value)))}"'


def escaped(letter: str) -> str:
    """A character between double quotes."""
    if letter.isprintable():
        return SHORT.get(letter, letter)
    return SHORT.get(letter) or f"\\U{ord(letter):08x}"
