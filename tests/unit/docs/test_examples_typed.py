"""The examples of README.md and docs/ pass mypy --strict, so that what is copied from them does."""

import ast
from collections import Counter
from io import StringIO
from tokenize import COMMENT, generate_tokens, untokenize

import pytest

from tests.unit.docs.pages import APART, DOCS, examples
from tests.unit.house.checkers import mypy_says


def unsilenced(text: str) -> str:
    """Return an example without its comments, by which a checker can be told to look away."""
    tokens = (one for one in generate_tokens(StringIO(text).readline) if one.type != COMMENT)
    return untokenize(tokens)


def casts(text: str) -> list[str]:
    """Return what an example only claims of its types."""
    calls = (node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    return [ast.unparse(call) for call in calls if ast.unparse(call).rpartition(".")[2] == "cast"]


MISTAKE = "import tai_state\n\ntai_state.connect(5)"


def test_examples_pass_a_strict_type_check(tmp_path):
    """As they stand, where no comment silences the checker; one with a mistake does not."""
    found = {name: example.parsed for name, example in examples(lambda _: None).items()}
    pages = Counter(name.rpartition("-")[0] for name in found)
    assert (pages["README"], pages["docs/concepts/commit"]) == (2, 1)
    assert pages["docs/usage"]
    assert {name: casts(text) for name, text in found.items()} == {name: [] for name in found}
    assert casts("x = typing.cast(int, cast(str, y))") == ["typing.cast", "cast"]
    silenced = f"{MISTAKE}  # type:{' '}ignore"
    *said, broken = mypy_says(tmp_path, [unsilenced(text) for text in (*found.values(), silenced)])
    assert dict(zip(found, said, strict=True)) == {name: [] for name in found}
    assert broken


# What stands on a library that is not here has no types to check; tests/peers/apart runs it.
FILES = [path for path in sorted((DOCS / "examples").glob("*.py")) if path.name not in APART.values()]


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in FILES])
def test_example_files_pass_too(path, tmp_path):
    """Those of docs/examples, read by people who write a backend."""
    assert mypy_says(tmp_path, [path.read_text(encoding="utf-8")]) == [[]]
