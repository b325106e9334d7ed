"""Who counts in clocks: a store, or a writer of one that has a name of its own."""

from tai_state.errors import ConfigurationError, InvalidIdError
from tai_state.layout import check_id


def check_node(node: object) -> str:
    """Return the name of a writer; "" for None.

    Raises:
        ConfigurationError: It is no text that an id could be, or holds a slash, which parts it from the store's id.
    """
    if node is None:
        return ""
    try:
        name = check_id(node, "node")
    except InvalidIdError as error:
        raise ConfigurationError(str(error)) from error
    if "/" in name:
        message = f"node {name!r} holds a slash, which parts it from the id of its store"
        raise ConfigurationError(message)
    return name


def node_key(store_id: str, node: str = "") -> str:
    """Return by which name a writer counts in clocks: that of its store, and *node* where the store was opened as one.

    A node's name alone would not do: two stores that are opened under one name would count as one writer, and their
    changes look ordered that are not.
    """
    return f"{store_id}/{node}" if node else store_id


def store_of(key: str) -> str:
    """Return the id of the store to which the writer belongs that counts as *key*."""
    return key.partition("/")[0]
