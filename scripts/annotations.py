"""The RFC annotations of the Rust files: words that are said to stand in a section, and where that is said.

    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
    //= type=test                      (may stand here: the test below shows what the words ask for)
    //# the exact words, on as many lines as they need
"""

import dataclasses
import re

TARGET = re.compile(r"https://www\.rfc-editor\.org/rfc/rfc(\d+)(?:#(?:section|appendix)-([A-Z0-9]+(?:\.\d+)*))?")

# What stands before the name of a function, and before the name of anything else that may be annotated.
FUNCTION = re.compile(r"(?:pub(?:\([a-z ]+\))? |const |async |unsafe )*fn +(\w+)")
ITEM = re.compile(r"(?:pub(?:\([a-z ]+\))? )*(?:const|static|enum|struct|trait) +(\w+)")
TEST = re.compile(r"#\[(?:tokio::)?test\b")


@dataclasses.dataclass(frozen=True)
class Annotation:
    """Words that are said to stand in a section of an RFC, and where that is said. No section is the whole of it."""

    path: str
    line: int
    document: int
    section: str | None
    words: str
    is_test: bool
    # The function or item that is annotated, where there is one.
    name: str | None

    @property
    def place(self):
        """Where it stands, for people."""
        return f"{self.path}:{self.line}"


def in_rust(path, source):
    """The annotations of one file, and what is wrong with their form."""
    found, wrong, lines = [], [], source.splitlines()
    target, words, is_test, started = None, [], False, 0

    def finish(end):
        if target and words:
            name, shows = annotated(lines, end)
            found.append(Annotation(str(path), started, int(target[1]), target[2], " ".join(words), is_test, name))
            if is_test and not shows:
                wrong.append(f"{path}:{started}: type=test, and what stands below it is no test")
        elif target:
            wrong.append(f"{path}:{started}: a //= line without //# words below it")

    for number, line in enumerate([*lines, ""], start=1):
        line = line.strip()
        if line.startswith("//=") and line[3:].strip() in ("type=test", "type=implication"):
            is_test = line[3:].strip() == "type=test"
            continue
        if line.startswith("//="):
            finish(number - 1)
            target, words, is_test, started = TARGET.fullmatch(line[3:].strip()), [], False, number
            if target is None:
                wrong.append(f"{path}:{number}: not https://www.rfc-editor.org/rfc/rfcN#section-X, or without #section-X: {line}")
        elif line.startswith("//#"):
            if target is None and not words:
                wrong.append(f"{path}:{number}: //# words without a //= line above them")
            words.append(line[3:].strip())
        else:
            finish(number - 1)
            target, words, is_test = None, [], False
    return found, wrong


def annotated(lines, index):
    """The name of what is annotated above the line with this index, and whether that is a test.

    It is the function or item that begins there, else the one around it.
    """
    attributes = []
    for line in lines[index:]:
        text = line.strip()
        if text.startswith("#"):
            attributes.append(text)
        elif not text.startswith("//"):
            if beginning := FUNCTION.match(text) or ITEM.match(text):
                return beginning[1], any(map(TEST.match, attributes))
            break
    indent = len(lines[index]) - len(lines[index].lstrip()) if index < len(lines) else 0
    for above in range(min(index, len(lines)) - 1, -1, -1):
        line = lines[above]
        if len(line) - len(line.lstrip()) >= indent:
            continue
        if around := FUNCTION.match(line.strip()) or ITEM.match(line.strip()):
            return around[1], any(TEST.match(text.strip()) for text in attributes_above(lines, above))
    return None, False


def attributes_above(lines, index):
    """The lines of attributes and comments directly above a line."""
    for line in reversed(lines[:index]):
        if not line.strip().startswith(("#", "//")):
            return
        yield line


def collect(root):
    """Every annotation of the crates, and what is wrong with the form of some."""
    found, wrong = [], []
    for path in sorted((root / "crates").rglob("*.rs")):
        some, malformed = in_rust(path.relative_to(root), path.read_text(encoding="utf-8"))
        found += some
        wrong += malformed
    return found, wrong
