# Generated from tests/_async/testing/test_fixtures.py by .ci/generate_sync.py; do not edit.
"""The fixtures that users get: a ready store of each kind, empty for every test."""
import pytest


def use(store):
    assert [one for one in store.list_governors()] == []
    assert store.save_state("g", "s", {"n": 1}) == 1
    assert (store.get_state("g", "s"))[0].data == {"n": 1}


@pytest.mark.parametrize("_turn", [1, 2])
def test_memory(tai_state_memory, _turn):
    """What the first test wrote, the second one does not see."""
    use(tai_state_memory)


@pytest.mark.parametrize("_turn", [1, 2])
def test_sqlite(tai_state_sqlite, _turn):
    """What the first test wrote, the second one does not see."""
    use(tai_state_sqlite)


@pytest.mark.emulator
@pytest.mark.parametrize("_turn", [1, 2])
def test_emulator(tai_state_emulator, _turn):
    """What the first test wrote, the second one does not see."""
    use(tai_state_emulator)
