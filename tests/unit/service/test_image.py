"""The image of the example service: what no linter of Dockerfiles knows to ask, and what it is made of."""

import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
SERVICE = ROOT / "infra" / "service"
DOCKERFILE = (SERVICE / "Dockerfile").read_text(encoding="utf-8")
REQUIREMENTS = (SERVICE / "requirements.txt").read_text(encoding="utf-8")
EXTRAS = ("fastapi", "flask", "service")


def instructions(text):
    """Return the instructions of a Dockerfile, each on one line."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return [" ".join(line.split()) for line in "\n".join(lines).replace("\\\n", " ").splitlines() if line.strip()]


def faults(text):
    """Return what a Dockerfile does that an image of ours does not do."""
    told = instructions(text)
    stages = [line for line in told if line.startswith("FROM ")]
    last = told[told.index(stages[-1]) :] if stages else []
    users = [line.split()[1] for line in last if line.startswith("USER ")]
    return [
        *(f"not pinned by digest: {line}" for line in stages if not re.search(r"@sha256:[0-9a-f]{64}\b", line)),
        *(f"not slim: {line}" for line in stages if "slim" not in line),
        *(["runs as root"] if not users or not re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", users[-1]) else []),
        *(f"takes what nobody sees: {line}" for line in told if line.startswith("ADD ") or re.match(r"COPY \. ", line)),
        *(f"a shell gets the signal: {line}" for line in told if re.match(r"(CMD|ENTRYPOINT) [^\[]", line)),
        *(f"not by hash: {line}" for line in told if "pip install" in line and "--require-hashes" not in line),
        *(f"another day's packages: {line}" for line in told if re.search(r"\b(apt-get|apk|curl|wget)\b", line)),
        *(f"a secret in a layer: {line}" for line in told if re.match(r"(ARG|ENV) .*(TOKEN|SECRET|PASSWORD)", line)),
    ]


def test_the_image_is_slim_reproducible_and_not_roots():
    """Pinned by digest and by hash, and SIGTERM reaches the server."""
    assert faults(DOCKERFILE) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (r"@sha256:\w+ AS build", " AS build"),
        ("-slim-trixie", ""),
        ("USER 65532:65532", "USER root"),
        ("USER 65532:65532\n", ""),
        ("COPY tai_state /app/tai_state", "COPY . /app"),
        (r"CMD \[.*\]", "CMD uvicorn orders.asgi:create_app"),
        ("--require-hashes ", ""),
        ("WORKDIR /build", "RUN apt-get install -y git"),
        ("WORKDIR /build", "ARG PIP_TOKEN"),
    ],
)
def test_a_worse_image_is_found(before, after):
    """Each rule is shown what breaks it."""
    worse, count = re.subn(before, after, DOCKERFILE)
    assert count
    assert faults(worse) != []


def test_hadolint_finds_nothing():
    """The usual lint of Dockerfiles."""
    program = Path(sys.executable).with_name("hadolint")
    found = str(program) if program.exists() else shutil.which("hadolint")
    assert found, "hadolint is part of the extra dev"
    ended = subprocess.run([found, SERVICE / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "")


def pinned():
    """Return the version of each package that the image holds."""
    return {canonicalize_name(name): version for name, version in re.findall(r"(?m)^(\S+)==(\S+) \\$", REQUIREMENTS)}


def test_every_requirement_is_pinned_with_hashes():
    """And the file names no index, so that it is the same wherever it is used."""
    blocks = re.split(r"(?m)^(?=\S)", re.sub(r"(?m)^\s*#.*\n?", "", REQUIREMENTS))
    for block in filter(str.strip, blocks):
        assert re.match(r"[a-z0-9-]+==\S+ \\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+$", block), block
    assert "://" not in REQUIREMENTS


def test_the_image_holds_what_the_package_asks_for():
    """Its dependencies, and those of the extras that the service uses, in versions that pyproject.toml allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [text for extra in EXTRAS for text in project["optional-dependencies"][extra]]
    versions = pinned()
    for requirement in map(Requirement, [*project["dependencies"], *extras]):
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, requirement
        assert requirement.specifier.contains(version), (requirement, version)


def test_a_worker_that_never_started_ends_without_a_word():
    """Gunicorn calls the hook for it, too: what failed stands alone in the log."""
    hook = runpy.run_path(str(SERVICE / "gunicorn.conf.py"))["worker_exit"]
    hook(None, object())


def test_the_image_copies_nothing_but_what_is_in_its_context():
    """What .dockerignore lets through is what the Dockerfile copies."""
    let_through = {
        line[1:]
        for line in (SERVICE / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {line.split()[-2] for line in instructions(DOCKERFILE) if re.match(r"COPY (?!--from)", line)}
    assert copied == let_through
    assert all((ROOT / path).exists() for path in copied)
