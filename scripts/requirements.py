"""The requirements of the RFCs: each sentence with a MUST, a SHALL or a REQUIRED, and what covers it.

A sentence is covered when words that are quoted cover each of its key words: who quotes only the half of a sentence
without its MUST has not said that the MUST is kept.
"""

import dataclasses
import re

import rfc_text

# The sections that a user agent is held to; None is the whole RFC.
SCOPE = {
    3261: ("7", "8", "9", "10", "12", "13", "15", "17", "18", "20", "22"),
    3263: None,
    3581: None,
    5626: None,
    6026: None,
    7118: None,
    7616: None,
    8760: None,
}

KEY_WORD = re.compile(r"\b(?:MUST|SHALL|REQUIRED)\b")

# The sentence of each RFC that says what the key words mean.
TERMINOLOGY = '"MUST", "MUST NOT", "REQUIRED"'


@dataclasses.dataclass
class Requirement:
    """One sentence of a section, where its key words stand in the section's text, and what covers them."""

    document: int
    section: str
    words: str
    keys: tuple[int, ...]
    code: list = dataclasses.field(default_factory=list)
    tests: list = dataclasses.field(default_factory=list)

    def is_tested(self):
        """Whether tests cover each of its key words."""
        return self._is_covered(self.tests)

    def is_implemented(self):
        """Whether code and tests cover each of its key words."""
        return self._is_covered([*self.code, *self.tests])

    def _is_covered(self, covering):
        return all(any(start <= key < end for start, end, _ in covering) for key in self.keys)


class Text:
    """The requirements of one RFC, and the normalised text of each of its sections to find words in."""

    def __init__(self, document):
        self.document = document
        wanted = SCOPE[document]
        own = rfc_text.sections(rfc_text.read(document, rfc_text.PAGE_BREAK_KEPT))
        self.sections = {
            number: rfc_text.normalised(text)
            for number, text in own.items()
            if wanted is None or number.split(".")[0] in wanted
        }
        self.requirements = [one for number in self.sections for one in self._of_section(number, own[number])]

    def _of_section(self, number, text):
        whole, cursor = self.sections[number], 0
        for sentence in rfc_text.sentences(text):
            start = whole.index(sentence, cursor)
            cursor = start + len(sentence)
            keys = tuple(start + key.start() for key in KEY_WORD.finditer(sentence))
            if keys and TERMINOLOGY not in sentence:
                yield Requirement(self.document, number, sentence, keys)

    def within(self, section):
        """The requirements of a section and of those below it."""
        return [one for one in self.requirements if is_within(one.section, section)]

    def cover(self, annotation):
        """Notes which requirements an annotation covers. Returns whether it needs none, or has found one."""
        words, found = rfc_text.normalised(annotation.words), not KEY_WORD.search(annotation.words)
        for number, text in self.sections.items():
            if not is_within(number, annotation.section):
                continue
            start = text.find(words)
            while start >= 0:
                end = start + len(words)
                for one in self.requirements:
                    if one.section == number and any(start <= key < end for key in one.keys):
                        (one.tests if annotation.is_test else one.code).append((start, end, annotation))
                        found = True
                start = text.find(words, start + 1)
        return found


def is_within(section, of):
    """Whether a section is another one or lies below it."""
    return section == of or section.startswith(f"{of}.")


def key_of(section):
    """What sections are sorted by."""
    return tuple(int(part) if part.isdigit() else part for part in section.split("."))
