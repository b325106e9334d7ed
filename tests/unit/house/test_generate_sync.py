"""The generator of the sync twins: each rule of the translation, and each refusal."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.house.generator import HEADER, PATH, generate_sync, refusal, translate

# Keywords.


@pytest.mark.parametrize(
    ("source", "twin"),
    [
        ("async def f(): pass\n", "def f(): pass\n"),
        ("async def f():\n    return await g(await h())\n", "def f():\n    return g(h())\n"),
        (
            "async def f():\n    async with a as b, c:\n        pass\n",
            "def f():\n    with a as b, c:\n        pass\n",
        ),
        (
            "async def f():\n    async for a in b:\n        pass\n",
            "def f():\n    for a in b:\n        pass\n",
        ),
        ("async def f():\n    return [x async for x in y]\n", "def f():\n    return [x for x in y]\n"),
        ("async def f():\n    return (await g()).h\n", "def f():\n    return (g()).h\n"),
        ("async def f():\n    return await(g())\n", "def f():\n    return (g())\n"),
    ],
)
def test_keywords_go_with_the_space_that_follows_them(source, twin):
    """The keywords async and await leave no trace in the twin."""
    assert translate(source) == twin


def test_await_at_the_end_of_a_line_keeps_the_line():
    """An await that a line break follows leaves the break where it was."""
    assert translate("async def f():\n    return (await\n        g())\n") == "def f():\n    return (\n        g())\n"


# Names.


@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("AsyncStore", "Store"),
        ("_AsyncStore", "_Store"),
        ("async_connect", "connect"),
        ("_async_connect", "_connect"),
        ("_async", "_sync"),
        ("AsyncIterator", "Iterator"),
        ("AsyncGenerator", "Generator"),
        ("AsyncExitStack", "ExitStack"),
        ("__aenter__", "__enter__"),
        ("__aexit__", "__exit__"),
        ("__aiter__", "__iter__"),
        ("__anext__", "__next__"),
        ("StopAsyncIteration", "StopIteration"),
        ("asynccontextmanager", "contextmanager"),
        ("AbstractAsyncContextManager", "AbstractContextManager"),
        ("aclosing", "closing"),
        ("aclose", "close"),
        ("anext", "next"),
        ("aiter", "iter"),
        ("FirestoreGrpcAsyncIOTransport", "FirestoreGrpcTransport"),
        ("FirestoreAsyncClient", "FirestoreClient"),
        ("AioRpcError", "RpcError"),
        ("enter_async_context", "enter_context"),
        ("push_async_callback", "callback"),
        ("IsolatedAsyncioTestCase", "TestCase"),
        ("pytest_asyncio", "pytest"),
    ],
)
def test_a_name_becomes_its_twin(name, twin):
    """Every rule and every entry of the table holds for a name in code."""
    assert translate(f"value = {name}\n") == f"value = {twin}\n"


@pytest.mark.parametrize(
    "name", ["Asynchronous", "asynchronous", "test_async_get", "TestAsyncStore", "is_async", "Async"]
)
def test_a_name_that_only_resembles_a_rule_stays(name):
    """Only whole words are renamed."""
    assert translate(f"value = {name}\n") == f"value = {name}\n"


def test_module_paths_lead_to_the_sync_folder():
    """Absolute and relative imports of the async folder become those of the sync one."""
    source = "from tai_state._async.api.store import AsyncStore\nfrom .._async import async_connect\n"
    assert translate(source) == "from tai_state._sync.api.store import Store\nfrom .._sync import connect\n"


def test_grpc_aio_becomes_grpc():
    """The asyncio half of grpc has its twin one level up, also within an f-string."""
    source = 'import grpc.aio\nfrom grpc.aio import Channel\nx = grpc.aio.Channel\ny = f"{grpc.aio.Channel}"\n'
    assert translate(source) == 'import grpc\nfrom grpc import Channel\nx = grpc.Channel\ny = f"{grpc.Channel}"\n'


# Awaitable and Coroutine.


@pytest.mark.parametrize(
    ("annotation", "twin"),
    [
        ("Awaitable[int]", "int"),
        ("Awaitable[dict[str, list[int]]]", "dict[str, list[int]]"),
        ("Coroutine[Any, Any, int]", "int"),
        ("Coroutine[dict[str, int], tuple[A, B], dict[str, int]]", "dict[str, int]"),
        ("Callable[[str], Awaitable[T]]", "Callable[[str], T]"),
        ("Callable[[Awaitable[A]], Coroutine[Any, Any, Awaitable[B]]]", "Callable[[A], B]"),
        ("collections.abc.Awaitable[T] | None", "T | None"),
        ("Awaitable[AsyncStore]", "Store"),
        ('"Awaitable[T]"', '"T"'),
        (
            '"Callable[[str], typing.Coroutine[Any, Any, dict[str, int]]]"',
            '"Callable[[str], dict[str, int]]"',
        ),
        ("Awaitable['Coroutine[A, B, AsyncStore]']", "'Store'"),
    ],
)
def test_wrappers_of_a_result_go(annotation, twin):
    """Awaitable[T] and Coroutine[A, B, T] become T, however nested, also in a string."""
    assert translate(f"value: {annotation}\n") == f"value: {twin}\n"


@pytest.mark.parametrize(
    "annotation",
    [
        "Awaitable[\n    dict[str, int],\n]",
        "Coroutine[\n    Any,\n    Any,\n    dict[str, int],  # why\n]",
        "Coroutine[Any, Any, dict[\n    str, int\n]]",
    ],
)
def test_a_wrapper_over_several_lines_keeps_their_number(annotation):
    """The type is the same and what follows stays on its line."""
    twin = translate(f"value: {annotation}\nafter = 1\n")
    assert twin.count("\n") == annotation.count("\n") + 2
    assert ast.unparse(ast.parse(twin).body[0]) == "value: dict[str, int]"


def test_an_import_of_a_wrapper_stays():
    """An unused import is harmless, and the line count stays."""
    source = "from collections.abc import (\n    Awaitable,\n    AsyncIterator,\n)\n"
    assert translate(source) == "from collections.abc import (\n    Awaitable,\n    Iterator,\n)\n"


# Strings, docstrings and comments.


@pytest.mark.parametrize(
    ("text", "twin"),
    [
        ('__all__ = ["AsyncStore", "async_connect"]', '__all__ = ["Store", "connect"]'),
        ('x = "tai_state._async.api.store"', 'x = "tai_state._sync.api.store"'),
        (
            'x = "See :class:`AsyncStore` and tests/_async/conftest.py"',
            'x = "See :class:`Store` and tests/_sync/conftest.py"',
        ),
        (r'x = "a\nasync_connect\tAsyncStore"', r'x = "a\nconnect\tStore"'),
        (r'x = r"\basync_connect"', r'x = r"\bconnect"'),
        ('x = b"AsyncStore"', 'x = b"Store"'),
        ("# async with AsyncStore() as store: await store.get()", "# with Store() as store: store.get()"),
        ('"""Use ``await tx.get(1)``, never await twice."""', '"""Use ``tx.get(1)``, never await twice."""'),
        ('"""The async store and its asyncio loop."""', '"""The async store and its asyncio loop."""'),
        ('"""Returns an Awaitable[AsyncLock]."""', '"""Returns an Lock."""'),
        ('x = "Awaitable[ never closed"', 'x = "Awaitable[ never closed"'),
    ],
)
def test_words_in_text_become_their_twins(text, twin):
    """Strings, docstrings and comments follow the same rules; prose about async stays."""
    assert translate(text + "\n") == twin + "\n"


@pytest.mark.parametrize(
    ("text", "twin"),
    [
        ('f"{await get()} AsyncStore"', 'f"{get()} Store"'),
        ('f"await {async_value!r:>{async_width}} {{AsyncStore}}"', 'f"await {value!r:>{width}} {{Store}}"'),
        ('f"{{await me}} {async_x}}}"', 'f"{{await me}} {x}}}"'),
        ('rf"\\d{[x async for x in y]}"', 'rf"\\d{[x for x in y]}"'),
        ('f"{ {1: {2: await get()}} }"', 'f"{ {1: {2: get()}} }"'),
        ('f"""{\n    await get()\n}"""', 'f"""{\n    get()\n}"""'),
    ],
)
def test_fields_of_an_fstring_are_code(text, twin):
    """An f-string is translated alike by every Python, though 3.11 and 3.12 split it differently."""
    assert translate(f"async def f():\n    return {text}\n") == f"def f():\n    return {twin}\n"


# The file as a whole.


def test_the_header_takes_the_place_of_the_first_blank_line():
    """What follows the first blank line keeps its number, so that tracebacks match."""
    source = '"""Doc."""\n\nimport a\n\n\nasync def f():\n    await g()\n'
    lines = generate_sync.translate_source(source, PATH).split("\n")
    assert lines == [HEADER.rstrip(), '"""Doc."""', "import a", "", "", "def f():", "    g()", ""]


def test_blank_lines_within_brackets_and_strings_stay():
    """The header takes the place of no line that belongs to a value."""
    source = 'x = [\n\n    1,\n]\ny = """\n\n"""\n\nz = 1\n'
    assert translate(source) == 'x = [\n\n    1,\n]\ny = """\n\n"""\nz = 1\n'


def test_an_empty_module_has_a_twin_of_one_line():
    """An empty __init__ is generated as well."""
    assert generate_sync.translate_source("", PATH) == HEADER


# Refusals.


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\nimport asyncio\n",
        "x = 1\nasyncio.sleep(1)\n",
        'x = 1\ny = f"{asyncio.sleep}"\n',
        "x = 1\n@pytest.mark.asyncio\ndef f(): pass\n",
    ],
)
def test_asyncio_is_refused_with_file_and_line(source):
    """The message says where it is and what to use instead."""
    advice = "use the twin primitives of tai_state/_platform"
    assert refusal(source) == f"{PATH}:2: asyncio has no sync twin: {advice}"


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("from grpc import aio\n", ":1: aio has no sync twin"),
        ("class A:\n    def __await__(self): pass\n", ":2: __await__ has no sync twin"),
        ("\nisinstance(x, Awaitable)\n", "Awaitable without its type"),
        ("x: Coroutine[int]\n", ":1: Coroutine takes 3 type argument(s), this one has 1"),
        ("def f(:\n", ":1: the source is not valid Python"),
        ("def f(lock, async_lock): pass\n", ":1: the translation is not valid Python"),
        ("x = async_with\n", ":1: the translation is not valid Python"),
        (
            "class A:\n    def close(self): pass\n    async def aclose(self): pass\n",
            ":3: aclose and close are both close",
        ),
        ("class Store: pass\nclass AsyncStore: pass\n", ":2: AsyncStore and Store are both Store"),
    ],
)
def test_what_has_no_twin_is_refused(source, part):
    """Nothing is translated wrongly in silence."""
    assert part in refusal(source)


# Any combination of constructs has a twin that compiles and holds no trace of async.

EXPRESSIONS = st.recursive(
    st.sampled_from(["x", "AsyncStore", "async_get()", "1", "'AsyncStore _async'", "f'{await x} {{}}'"]),
    lambda inner: st.one_of(
        inner.map("(await ({}))".format),
        inner.map("[y async for y in {}]".format),
        inner.map("await async_call({})".format),
        inner.map("(await\n        ({}))".format),
        st.tuples(inner, inner).map("({0[0]}, *{0[1]})".format),
    ),
    max_leaves=5,
)

ANNOTATIONS = st.recursive(
    st.sampled_from(["int", "AsyncStore", "'AsyncStore'", "dict[str, int]"]),
    lambda inner: st.one_of(
        inner.map("Awaitable[{}]".format),
        inner.map("Coroutine[Any, Any, {}]".format),
        inner.map("Coroutine[\n    Any,\n    Any,\n    {},\n]".format),
        inner.map("Callable[..., {}]".format),
    ),
    max_leaves=4,
)

STATEMENTS = st.one_of(
    EXPRESSIONS.map("    {}\n".format),
    EXPRESSIONS.map("    value = {}\n".format),
    EXPRESSIONS.map("    async with {} as a:\n        pass\n".format),
    EXPRESSIONS.map("    async for a in {}:\n        await a\n".format),
    EXPRESSIONS.map("    try:\n        {}\n    except StopAsyncIteration:\n        raise\n".format),
    ANNOTATIONS.map("    async def inner(a: {}) -> None: ...\n".format),
)


@given(st.lists(STATEMENTS, min_size=1, max_size=4), ANNOTATIONS)
def test_every_construct_has_a_twin_that_compiles(statements, annotation):
    """The twin compiles, is no coroutine, and each line is where it was."""
    source = f"# First.\n\nasync def f() -> {annotation}:\n" + "".join(statements)
    compile(source, "source", "exec")
    twin = generate_sync.translate_source(source, PATH)
    tree = ast.parse(twin)
    words = {word for node in ast.walk(tree) for word in (getattr(node, "id", None), getattr(node, "name", None))}
    assert not words & {
        "AsyncStore",
        "async_get",
        "async_call",
        "StopAsyncIteration",
        "Awaitable",
        "Coroutine",
    }
    assert not any(
        isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith) for node in ast.walk(tree)
    )
    assert twin.count("\n") == source.count("\n")
