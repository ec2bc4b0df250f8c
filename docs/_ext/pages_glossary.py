"""The glossary: one section for each entry of eoc.glossary."""

from __future__ import annotations

from eoc.glossary import Entry, words

HEAD = """# Glossary

*What does a word mean that eoc prints?* `eoc explain WORD` prints the same, and `eoc.glossary.explain(word)` has it in
Python. Z is a standard Gaussian, phi the activation, l counts layers.
"""


def anchor(word: str) -> str:
    """What a link to an entry ends with: word- and letters, digits and hyphens."""
    plain = word.replace("'", "-prime").replace("*", "-star")
    return "word-" + "-".join("".join(c if c.isalnum() else " " for c in plain.lower()).split())


def page() -> str:
    """The page, by letters."""
    found = sorted(words().values(), key=lambda one: one.word.lower().lstrip("6 1-"))
    return "\n".join([HEAD, *map(_section, found)])


def _section(entry: Entry) -> str:
    lines = [f"({anchor(entry.word)})=", f"## {entry.word.replace('*', chr(92) + '*')}", "", entry.meaning, ""]
    if entry.tex:
        lines += ["$$", entry.tex, "$$", ""]
    if entry.also:
        lines += [f"Also written: {', '.join(f'`{name}`' for name in entry.also)}.", ""]
    return "\n".join([*lines, f"Shown by `{entry.command}`. More: [](/{entry.page}.md).", ""])
