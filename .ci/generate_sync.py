"""Generate the sync twins of the hand-written async folders, token by token.

The async tree is the only one that people edit. This program turns every module of each folder in
``FOLDERS`` into its sync twin, and ``--check`` proves that the committed twins are the ones it would write.

What it translates:

* the keywords ``async`` and ``await`` go;
* ``AsyncFoo`` becomes ``Foo``, ``async_foo`` becomes ``foo``, ``_async`` becomes ``_sync``, and ``NAMES``
  lists what no rule covers; the same words are replaced in strings, docstrings and comments;
* ``Awaitable[T]`` and ``Coroutine[A, B, T]`` become ``T``;
* ``grpc.aio.Channel`` becomes ``grpc.Channel``.

What has no twin is refused with its file and line rather than translated wrongly.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import warnings
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from tokenize_rt import Token, src_to_tokens, tokens_to_src

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FOLDERS = (
    ("tai_state/_async", "tai_state/_sync"),
    ("tai_state/testing/_async", "tai_state/testing/_sync"),
    ("tai_state/adapters/_async", "tai_state/adapters/_sync"),
    ("tests/_async", "tests/_sync"),
)

NAMES = {
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "_async": "_sync",
    "AbstractAsyncContextManager": "AbstractContextManager",
    "AioRpcError": "RpcError",
    "FirestoreAsyncClient": "FirestoreClient",
    "FirestoreGrpcAsyncIOTransport": "FirestoreGrpcTransport",
    "IsolatedAsyncioTestCase": "TestCase",
    "StopAsyncIteration": "StopIteration",
    "aclose": "close",
    "aclosing": "closing",
    "aiter": "iter",
    "anext": "next",
    "asend": "send",
    "asynccontextmanager": "contextmanager",
    "athrow": "throw",
    "enter_async_context": "enter_context",
    "grpc_asyncio": "grpc",
    "grpc_helpers_async": "grpc_helpers",
    "pop_all_async": "pop_all",
    "push_async_callback": "callback",
    "push_async_exit": "push",
    "pytest_asyncio": "pytest",
}
"""Names that the two word rules below do not reach, each with its sync twin."""

REFUSED = {
    "asyncio": "use the twin primitives of tai_state/_platform",
    "aio": "write it as grpc.aio, whose members have twins in grpc",
    "__await__": "an awaitable object has no sync twin",
}
"""Names that cannot be translated, each with what to do instead."""

WRAPPERS = {"Awaitable": 1, "Coroutine": 3}
"""Generic types that a sync signature does without, and how many arguments each takes."""

CLASS_RULE = re.compile(r"(_*)Async([A-Z]\w*)")
NAME_RULE = re.compile(r"(_*)async_(\w+)")
# An escape is matched first, so that the n of "\nasync_foo" is not read as part of the word.
WORD = re.compile(r"\\.|\w+", re.DOTALL)
CODE_AFTER_ASYNC = re.compile(r"[ \t]+(?=(?:with|for|def)\b)")
CODE_AFTER_AWAIT = re.compile(r"[ \t]+(?=[^\W\d][\w.]*[(\[])")
WRAPPER_IN_TEXT = re.compile(r"(?:[^\W\d]\w*\.)*\b(Awaitable|Coroutine)\[")
STRING_PREFIX = re.compile(r"[A-Za-z]*")

OPENING, CLOSING = frozenset("([{"), frozenset(")]}")
BLANK = frozenset({"UNIMPORTANT_WS", "NL", "ESCAPED_NL", "COMMENT"})


class UntranslatableError(Exception):
    """A source file holds something that has no sync twin."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        """Name the file, the line and the reason."""
        super().__init__(f"{path}:{line}: {reason}")


@dataclass(frozen=True)
class Findings:
    """How the generated folders differ from what they should hold; paths are relative to the root."""

    missing: tuple[str, ...]
    stale: tuple[str, ...]
    orphans: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.missing or self.stale or self.orphans)

    def lines(self) -> Iterator[str]:
        """Yield one line for each finding."""
        for kind, paths in (("missing", self.missing), ("stale", self.stale), ("orphan", self.orphans)):
            for path in paths:
                yield f"{kind}: {path}"


def translate_name(name: str) -> str:
    """Return the sync twin of one identifier; most names are their own twin."""
    if name in NAMES:
        return NAMES[name]
    if match := CLASS_RULE.fullmatch(name) or NAME_RULE.fullmatch(name):
        return match[1] + match[2]
    return name


def translate_text(text: str) -> str:
    """Return *text*, the inside of a string or a comment, with the same words replaced as in code."""
    text = _unwrap_text(text)
    parts: list[str] = []
    position = 0
    for match in WORD.finditer(text):
        parts.append(text[position : match.start()])
        position = match.end()
        follow = {"async": CODE_AFTER_ASYNC, "await": CODE_AFTER_AWAIT}.get(match[0])
        code = follow.match(text, position) if follow else None
        if code:
            position = code.end()
        else:
            parts.append(translate_name(match[0]))
    parts.append(text[position:])
    return "".join(parts)


def _unwrap_text(text: str) -> str:
    """Replace ``Awaitable[T]`` and ``Coroutine[A, B, T]`` in *text*, innermost first."""
    for match in reversed(list(WRAPPER_IN_TEXT.finditer(text))):
        start = match.end()
        depth, commas = 1, [start - 1]
        for end in range(start, len(text)):
            depth += (text[end] in OPENING) - (text[end] in CLOSING)
            if depth == 0:
                break
            if depth == 1 and text[end] == ",":
                commas.append(end)
        else:
            continue
        if len(commas) == WRAPPERS[match[1]]:
            text = text[: match.start()] + text[commas[-1] + 1 : end].strip() + text[end + 1 :]
    return text


def translate_source(source: str, path: str) -> str:
    """Return the sync twin of the module *source*.

    Line numbers stay: the header takes the place of the first blank line where there is one.

    Args:
        source: The text of the module.
        path: Where it is, relative to the root, for the header and for messages.

    Raises:
        UntranslatableError: The source is no valid Python, or something in it has no twin.
    """
    tree = _parse(source, path, "the source is not valid Python")
    tokens = _join_fstrings(src_to_tokens(source))
    tokens = _drop_grpc_aio(tokens)
    _refuse(tokens, path)
    tokens = _unwrap_tokens(tokens, path, _import_lines(tree))
    tokens = _drop_keywords(tokens)
    renamed = [_translate_token(token, path) for token in tokens]
    header = f"# Generated from {path} by .ci/generate_sync.py; do not edit.\n"
    result = header + tokens_to_src(_drop_blank_line(renamed))
    shift = result.count("\n") - source.count("\n")
    twin = _parse(result, path, "the translation is not valid Python", shift)
    _refuse_collisions(tree, twin, path)
    return result


def _parse(source: str, path: str, complaint: str, shift: int = 0) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(source, path)
            # Only the compiler finds two parameters of one name, which "foo" and "async_foo" become.
            compile(tree, path, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as exc:
        raise UntranslatableError(path, (exc.lineno or 1) - shift, f"{complaint}: {exc.msg}") from exc
    return tree


def _join_fstrings(tokens: Sequence[Token]) -> list[Token]:
    """Make one STRING token of every f-string, as Python 3.11 does: every Python writes the same twin."""
    joined: list[Token] = []
    depth = 0
    for token in tokens:
        starts, ends = token.name == "FSTRING_START", token.name == "FSTRING_END"
        if depth:
            joined[-1] = joined[-1]._replace(src=joined[-1].src + token.src)
        elif starts:
            joined.append(token._replace(name="STRING"))
        else:
            joined.append(token)
        depth += starts - ends
    return joined


def _drop_grpc_aio(tokens: Sequence[Token]) -> list[Token]:
    """Turn ``grpc.aio`` into ``grpc``."""
    kept: list[Token] = []
    for token in tokens:
        if token.src == "aio" and [before.src for before in kept[-2:]] == ["grpc", "."]:
            kept.pop()
        else:
            kept.append(token)
    return kept


def _refuse(tokens: Sequence[Token], path: str) -> None:
    for token in tokens:
        if token.name == "NAME" and token.src in REFUSED:
            raise _refusal(token.src, path, token.line)


def _refusal(name: str, path: str, line: int | None) -> UntranslatableError:
    return UntranslatableError(path, line or 1, f"{name} has no sync twin: {REFUSED[name]}")


def _import_lines(tree: ast.Module) -> frozenset[int]:
    """Return the numbers of all lines that belong to an import statement."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return frozenset(lines)


def _unwrap_tokens(tokens: Sequence[Token], path: str, import_lines: frozenset[int]) -> list[Token]:
    """Replace ``Awaitable[T]`` and ``Coroutine[A, B, T]`` by ``T``, innermost first."""
    result = list(tokens)
    for index in reversed(range(len(result))):
        token = result[index]
        if token.name != "NAME" or token.src not in WRAPPERS:
            continue
        opening = index + 1
        while result[opening].name == "UNIMPORTANT_WS":
            opening += 1
        if result[opening].src != "[":
            if token.line not in import_lines:
                reason = f"{token.src} without its type in brackets has no sync twin"
                raise UntranslatableError(path, token.line or 1, reason)
            continue
        start = index
        while start >= 2 and result[start - 1].src == "." and result[start - 2].name == "NAME":  # noqa: PLR2004 - a name and its dot
            start -= 2
        closing, commas = _bracket(result, opening)
        if len(commas) + 1 != WRAPPERS[token.src]:
            reason = f"{token.src} takes {WRAPPERS[token.src]} type argument(s), this one has {len(commas) + 1}"
            raise UntranslatableError(path, token.line or 1, reason)
        result[start : closing + 1] = _last_argument(result, opening, closing, commas)
    return result


def _bracket(tokens: Sequence[Token], opening: int) -> tuple[int, list[int]]:
    """Return where the bracket at *opening* closes, and the commas directly in it save a trailing one."""
    depth = 0
    commas: list[int] = []
    for index in range(opening, len(tokens)):
        token = tokens[index]
        if token.name != "OP":
            continue
        depth += (token.src in OPENING) - (token.src in CLOSING)
        if depth == 0:
            break
        if depth == 1 and token.src == ",":
            commas.append(index)
    if commas and all(token.name in BLANK for token in tokens[commas[-1] + 1 : index]):
        commas.pop()
    return index, commas


def _last_argument(tokens: Sequence[Token], opening: int, closing: int, commas: Sequence[int]) -> list[Token]:
    """Return the tokens of a bracket's last argument, in parentheses when the bracket spans lines."""
    first = commas[-1] + 1 if commas else opening + 1
    dropped, kept = tokens[opening + 1 : first], list(tokens[first:closing])
    lines = [token for token in dropped if token.name == "NL"]
    if not lines and all(token.name != "NL" for token in kept):
        return list(_strip(kept))
    last = max(index for index, token in enumerate(kept) if token.name not in BLANK)
    if kept[last].src == ",":
        del kept[last]
    return [tokens[opening]._replace(src="("), *lines, *kept, tokens[closing]._replace(src=")")]


def _strip(tokens: Sequence[Token]) -> Sequence[Token]:
    """Return *tokens* without the blanks and the trailing comma around them."""
    start, end = 0, len(tokens)
    while start < end and tokens[start].name in BLANK:
        start += 1
    while end > start and (tokens[end - 1].name in BLANK or tokens[end - 1].src == ","):
        end -= 1
    return tokens[start:end]


def _drop_keywords(tokens: Sequence[Token]) -> list[Token]:
    kept: list[Token] = []
    after_keyword = False
    for token in tokens:
        keyword = token.name in {"NAME", "ASYNC", "AWAIT"} and token.src in {"async", "await"}
        if not keyword and not (after_keyword and token.name == "UNIMPORTANT_WS"):
            kept.append(token)
        after_keyword = keyword
    return kept


def _translate_token(token: Token, path: str) -> Token:
    if token.name == "NAME":
        return token._replace(src=translate_name(token.src))
    if token.name == "COMMENT":
        return token._replace(src=translate_text(token.src))
    if token.name == "STRING":
        match = STRING_PREFIX.match(token.src)
        prefix = match[0] if match else ""
        if "f" not in prefix.lower():
            return token._replace(src=prefix + translate_text(token.src[len(prefix) :]))
        return token._replace(src=_translate_fstring(token, path))
    return token


def _translate_fstring(token: Token, path: str) -> str:
    """Translate an f-string: its text as text, and each ``{field}`` as code."""
    parts: list[str] = []
    start = depth = 0
    text = token.src
    for match in re.finditer(r"\{\{|\}\}|[{}]", text):
        # Inside a field two braces are two nested ones, as in f"{ {1: {}} }".
        for offset, brace in enumerate(match[0] if depth or len(match[0]) == 1 else ""):
            position = match.start() + offset
            if brace == "{":
                if depth == 0:
                    parts.append(translate_text(text[start:position]))
                    start = position
                depth += 1
            elif depth:
                depth -= 1
                if depth == 0:
                    parts.append(_translate_field(text[start:position], path, token.line))
                    start = position
    parts.append(translate_text(text[start:]))
    return "".join(parts)


def _translate_field(field: str, path: str, line: int | None) -> str:
    field = re.sub(r"(?<![\w.])grpc\.aio\b", "grpc", field)
    for word in re.findall(r"\w+", field):
        if word in REFUSED:
            raise _refusal(word, path, line)
    return translate_text(re.sub(r"\b(?:async|await)\b[ \t]*", "", field))


def _drop_blank_line(tokens: Sequence[Token]) -> list[Token]:
    """Leave out the first blank line between statements, for the header to take its place."""
    depth = 0
    for index, (before, token) in enumerate(pairwise(tokens), start=1):
        if before.name == "OP":
            depth += (before.src in OPENING) - (before.src in CLOSING)
        if depth == 0 and token.name == "NL" and before.name in {"NEWLINE", "NL"}:
            return [*tokens[:index], *tokens[index + 1 :]]
    return list(tokens)


def _refuse_collisions(source: ast.Module, twin: ast.Module, path: str) -> None:
    """Refuse two definitions of one scope that share a name in the twin alone: one would hide the other."""
    scopes = zip(_scopes(source), _scopes(twin), strict=True)
    for before, after in scopes:
        seen: dict[str, str] = {}
        for original, translated in zip(before, after, strict=True):
            other = seen.setdefault(translated.name, original.name)
            if other != original.name:
                reason = f"{original.name} and {other} are both {translated.name} in the sync twin"
                raise UntranslatableError(path, original.lineno, reason)


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _scopes(tree: ast.Module) -> Iterator[list[Definition]]:
    """Yield the definitions of every scope in *tree*, outermost first."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield [child for child in node.body if isinstance(child, Definition)]


def generate(root: Path) -> dict[str, str]:
    """Return what the generated folders under *root* should hold: text by path relative to the root.

    Raises:
        UntranslatableError: A source has no twin; the message names its file and line.
        FileNotFoundError: None of the source folders exists, so the root is wrong.
    """
    if not any((root / source).is_dir() for source, _ in FOLDERS):
        message = f"{root} has none of the folders {', '.join(source for source, _ in FOLDERS)}"
        raise FileNotFoundError(message)
    texts: dict[str, str] = {}
    for source, target in FOLDERS:
        for path in sorted((root / source).rglob("*.py")):
            inside = path.relative_to(root / source)
            twin = "/".join([target, *map(translate_name, inside.with_suffix("").parts)]) + ".py"
            relative = path.relative_to(root).as_posix()
            if twin in texts:
                raise UntranslatableError(relative, 1, f"another module has the sync twin {twin} too")
            texts[twin] = translate_source(path.read_text(encoding="utf-8"), relative)
    return texts


def compare(root: Path, texts: dict[str, str]) -> Findings:
    """Compare the generated folders under *root* with the *texts* they should hold."""
    present = {path.relative_to(root).as_posix() for _, target in FOLDERS for path in (root / target).rglob("*.py")}
    return Findings(
        missing=tuple(sorted(texts.keys() - present)),
        stale=tuple(
            path for path in sorted(texts.keys() & present) if (root / path).read_bytes() != texts[path].encode()
        ),
        orphans=tuple(sorted(present - texts.keys())),
    )


def write(root: Path, texts: dict[str, str], findings: Findings) -> None:
    """Make the generated folders under *root* hold exactly *texts*; files that are right stay untouched."""
    for path in (*findings.missing, *findings.stale):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(texts[path].encode())
    for path in findings.orphans:
        (root / path).unlink()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the twins.

    Returns:
        0 when the twins are right (now), 1 when ``--check`` found a difference, 2 when a source cannot be
        translated or no source is there.
    """
    parser = argparse.ArgumentParser(description="Generate the sync twins of the async folders.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a twin is not right")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent, help="the repository")
    options = parser.parse_args(arguments)
    root: Path = options.root
    try:
        texts = generate(root)
    except (UntranslatableError, FileNotFoundError) as exc:
        sys.stderr.write(f"{exc}\n")
        return 2
    findings = compare(root, texts)
    for line in findings.lines():
        print(line)
    if options.check:
        print(f"{len(texts)} generated files {'differ: run make generate' if findings else 'are up to date'}")
        return 1 if findings else 0
    write(root, texts, findings)
    written = len(findings.missing) + len(findings.stale)
    print(f"{len(texts)} generated files, {written} written, {len(findings.orphans)} deleted")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
