"""Programs in a namespace with file systems of its own: full ones, read-only ones."""

import shutil
import subprocess
import sys

import pytest

from tests.integration.cli.calls import environment

_NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]


def _can_mount():
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    tried = [*_NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


# Nothing else makes a disk full, or a file read-only for root too. Many containers and all kernels but Linux refuse it.
needs_mounts = pytest.mark.skipif(not _can_mount(), reason="this kernel lets nobody mount in a namespace of his own")


def run_with_mounts(script, *command, folder):
    """Run a shell's *script*, which may mount, with *command* as its arguments."""
    return subprocess.run(
        [*_NAMESPACE, "bash", "-c", script, "bash", *command],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
