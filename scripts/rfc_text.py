"""The RFC texts that lie beside the clone, and their sections without page breaks.

The texts are no part of this repository. Every script that reads them looks in the folder named by
RFC_TEXTS, else in `../shared/rfc` beside the clone, for `rfcN.txt` as the RFC Editor publishes it.
"""

import os
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent

# The last line of a page, the form feed, and the running head of the next page.
PAGE_BREAK = re.compile(r"\n+[^\n]*\[Page \d+\][ \t]*\n+\f?\n*(?:RFC \d+ [^\n]*\n)?\n*")

# A section's heading, "17.2.1 INVITE Server Transaction" or "3.1.1.1.  A Short Tortuous INVITE": at the
# left margin, or a little in (RFC 3261 indents some).
HEADING = re.compile(r"^ {0,2}(\d+(?:\.\d+)*|[A-Z](?:\.\d+)+)\.? +[A-Z0-9\"'<(].*$", re.MULTILINE)

# What `read` can put in the place of a page break, so that a paragraph that was cut can be told from two.
PAGE_BREAK_KEPT = "\n\f\n"

# What stands before an item of a list.
BULLET = re.compile(r"(?:o|\*|-|\(?[0-9a-z]{1,2}[.)]) ")

# Where a sentence ends: not behind an abbreviation, and before what can begin another one.
SENTENCE_END = re.compile(r"(?<!e\.g)(?<!i\.e)(?<!etc)(?<!vs)(?<! cf)[.?!][\"”)]? +(?=[A-Z\"(<\d])")


def folder():
    """The folder of RFC texts; it may not exist."""
    return pathlib.Path(os.environ.get("RFC_TEXTS") or ROOT.parent / "shared" / "rfc")


def read(number, page_break="\n\n"):
    """The text of one RFC, with something else for its page breaks. Raises FileNotFoundError when it is not there."""
    text = (folder() / f"rfc{number}.txt").read_text(encoding="utf-8", errors="replace")
    return PAGE_BREAK.sub(page_break, text.replace("\r\n", "\n"))


def normalised(text):
    """The words of a text with one space between them.

    A word that the RFC's typesetting broke after its hyphen ("z9hG4bK-\\n   style") is one word again
    on both sides of a comparison.
    """
    return re.sub(r"(?<=\w)- (?=\w)", "-", " ".join(text.split()))


def sentences(text):
    """The sentences of a section's text, normalised, in their order.

    An item of a list is a paragraph of its own, without its bullet. A paragraph that a page break cuts in two (`read` with
    PAGE_BREAK_KEPT) is one.
    """
    paragraphs, indent, is_cut = [], 0, False
    for part in re.split(r"(\n[ \t]*\n|\n\f\n)", text):
        paragraph = normalised(part)
        if not paragraph:
            is_cut = is_cut or "\f" in part
            continue
        lines = part.strip("\n").splitlines()
        goes_on = is_cut and indent == indent_of(lines[0]) and not BULLET.match(paragraph)
        if goes_on and paragraphs[-1][-1] not in '.:;!?"':
            paragraphs[-1] += " " + paragraph
        else:
            paragraphs.append(paragraph)
        indent, is_cut = indent_of(lines[-1]), False
    for paragraph in paragraphs:
        bullet = BULLET.match(paragraph)
        start = bullet.end() if bullet else 0
        for end in SENTENCE_END.finditer(paragraph, start):
            yield paragraph[start : end.end()].strip()
            start = end.end()
        yield paragraph[start:]


def indent_of(line):
    """How far in a line begins."""
    return len(line) - len(line.lstrip())


def sections(text):
    """Each section's own text by its number, down to the next heading of any depth.

    A number that stands twice (in the table of contents and as the heading) gets both texts.
    """
    found = {}
    headings = list(HEADING.finditer(text))
    for heading, following in zip(headings, [*headings[1:], None]):
        end = following.start() if following else len(text)
        found[heading[1]] = found.get(heading[1], "") + "\n" + text[heading.start() : end]
    return found


def in_section(sections_of_rfc, number):
    """The text of a section with everything below it, normalised; None when there is no such section."""
    parts = [
        text
        for section, text in sections_of_rfc.items()
        if section and (section == number or section.startswith(number + "."))
    ]
    return normalised(" ".join(parts)) if parts else None
