#!/usr/bin/env bash
# Make sure that the Firestore emulator and a Java for it are here; `make test` runs this before pytest.
#
# Silent when all is there. What is missing is installed where a package manager can do it without a
# question; otherwise the exact commands are printed and the exit code is 1.
# PYTHON names the interpreter (3.11 or newer); the project need not be installed into it.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
apt_package=google-cloud-cli-firestore-emulator

python="${PYTHON:-}"
if [[ -z "$python" ]]; then
    python=python3
    [[ -x "$root/.venv/bin/python" ]] && python="$root/.venv/bin/python"
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "emulator/ensure.sh: $python is not Python 3.11 or newer; set PYTHON" >&2
    exit 1
fi

# The launcher knows where to look, so that there is one search order. The package around it is replaced by
# empty shells: its own imports need dependencies that a bare interpreter lacks, the launcher's do not.
launcher() {
    "$python" -I -B - "$root/tai_state" "$@" <<'PY'
import sys
import types

folder = sys.argv[1]
for name, path in (("tai_state", folder), ("tai_state.testing", f"{folder}/testing")):
    shell = types.ModuleType(name)
    shell.__path__ = [path]
    sys.modules[name] = shell

from tai_state.testing.firestore_emulator.__main__ import main

sys.exit(main(sys.argv[2:]))
PY
}

as_root() {
    if [[ "$(id -u)" == 0 ]]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

can_use_apt() {
    command -v apt-get >/dev/null && { [[ "$(id -u)" == 0 ]] || sudo -n true 2>/dev/null; }
}

apt_has() {
    apt-cache policy "$1" 2>/dev/null | grep -q '^ *Candidate: [^(]'
}

apt_install() {
    can_use_apt || return 1
    # Fresh machines have no package lists; where the lists are there, an update would only cost time.
    apt_has "$1" || as_root apt-get update -qq || true
    apt_has "$1" || return 1
    echo "emulator/ensure.sh: installing $1" >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >&2
}

gcloud_install() {
    # A gcloud that came by apt has its component manager switched off, and refuses by itself.
    command -v gcloud >/dev/null || return 1
    echo "emulator/ensure.sh: installing gcloud's component cloud-firestore-emulator" >&2
    gcloud components install cloud-firestore-emulator --quiet >&2
}

missing="$(launcher --missing)"
[[ -z "$missing" ]] && exit 0

for part in $missing; do
    if [[ "$part" == java ]]; then
        apt_install default-jre-headless || true
    elif [[ -z "${FIRESTORE_EMULATOR_JAR:-}" ]]; then
        # (A jar that was named wrongly is for its namer to correct: another one would not be used.)
        apt_install "$apt_package" || gcloud_install || true
    fi
done

# Says what was found, or what is still missing and how to get it, with exit code 1.
launcher --check >&2
