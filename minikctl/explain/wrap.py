"""Text in lines of a given width."""

from __future__ import annotations

import re


def wrap(text: str, width: int) -> str:
    """Break lines at spaces that end beyond `width`; spaces inside a line and line breaks stay as they are.

    A word that is too long has a line of its own. Source: mitchellh/go-wordwrap.
    """
    return "\n".join(_wrap_line(line, width) for line in text.split("\n"))


def _wrap_line(line: str, width: int) -> str:
    done: list[str] = []
    current = 0
    for space, word in re.findall(r"(\s*)(\S*)", line):
        if word and current + len(space) > 1 and current + len(space) + len(word) > width:
            done.append("\n" + word)
            current = len(word)
        elif word or current + len(space) <= width:
            done.append(space + word)
            current += len(space) + len(word)
    return "".join(done)


def indent(text: str, amount: int) -> str:
    """Every line moved to the right, empty ones too."""
    pad = " " * amount
    return pad + text.replace("\n", "\n" + pad)


_BULLET = re.compile(r"(\d+\.?|-|\*)\s")


def fill(text: str, width: int) -> list[str]:
    """Lines of `text` with words set anew; what is indented by four spaces, empty lines and lists are kept.

    Source: k8s.io/kubectl/pkg/explain/formatter.go.
    """
    lines: list[str] = []
    words: list[str] = []

    def flush() -> None:
        if words:
            lines.append(" ".join(words))
            words.clear()

    for line in text.split("\n"):
        if line.startswith("    "):
            flush()
            lines.append(line)
        elif lines and not line.strip():
            flush()
            lines.append("")
        else:
            if not line.strip() or (words and words[-1].endswith(":")) or _BULLET.match(line.strip()):
                flush()
            for word in line.split():
                if words and len(" ".join([*words, word])) > width:
                    flush()
                words.append(word)
    flush()
    return lines
