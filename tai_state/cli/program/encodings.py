"""Encodings other than the one that is read: told by what they are, and how they become UTF-8."""

import codecs

BOM = codecs.BOM_UTF8
HEAD_BYTES = 4
"""So many bytes of a text tell."""


def wrong_encoding(head: bytes, name: str) -> str | None:
    """Return what is wrong with a text that begins with *head* and is called *name*; None for what may be UTF-8."""
    if head.startswith(BOM):
        return f"{name} begins with a byte order mark (BOM), which JSON has not; remove it: tail -c +4 FILE"
    # That of UTF-32 begins with that of UTF-16: the longer one is looked for first.
    for label, marks in (
        ("UTF-32", (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)),
        ("UTF-16", (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)),
    ):
        if head.startswith(marks):
            return f"{name} is {label}, and must be UTF-8: iconv -f {label} -t UTF-8 FILE"
    if b"\0" in head[:HEAD_BYTES]:
        return f"{name} is UTF-16 or UTF-32, and must be UTF-8: iconv -f UTF-16LE -t UTF-8 FILE"
    return None
