# Generated from tests/_async/deaths.py by .ci/generate_sync.py; do not edit.
"""The death of a process, as far as its locks are concerned."""
from tai_state._sync.locking.registry import all_registries


def forget_every_lock():
    """Forget the locks of every store of this process and colour, as its death would."""
    for registry in all_registries():
        registry.forget_all()
