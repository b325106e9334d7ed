"""What is installed here: the emulator's jar, and a Java new enough for it."""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tai_state.errors import ConfigurationError

JAR_VARIABLE = "FIRESTORE_EMULATOR_JAR"
JAVA_MAJOR_MIN = 11

_JAR_IN_SDK = Path("platform/cloud-firestore-emulator/cloud-firestore-emulator.jar")
_SDK_ROOTS = (
    "/usr/lib/google-cloud-sdk",
    "/usr/share/google-cloud-sdk",
    "/google-cloud-sdk",
    "/opt/google-cloud-sdk",
    "~/google-cloud-sdk",
    "/opt/homebrew/share/google-cloud-sdk",
    "/usr/local/share/google-cloud-sdk",
)
_HOMEBREW_CASKROOMS = ("/opt/homebrew/Caskroom", "/usr/local/Caskroom")
# Homebrew installs OpenJDK without linking it into PATH.
_HOMEBREW_JAVAS = ("/opt/homebrew/opt/openjdk/bin/java", "/usr/local/opt/openjdk/bin/java")

_HOW_TO_GET_JAR = f"""\
the emulator's jar was not found. Install it with one of
    apt-get install google-cloud-cli-firestore-emulator  (Debian and Ubuntu, from Google's repository)
    gcloud components install cloud-firestore-emulator  (a gcloud that was not installed by apt)
    npm i -g firebase-tools && firebase setup:emulators:firestore
  or set {JAR_VARIABLE} to the path of a jar that you have"""
HOW_TO_GET_JAVA = """\
Install it with one of
    apt-get install default-jre-headless  (Debian and Ubuntu)
    brew install openjdk  (macOS)
  or set JAVA_HOME"""


@dataclass(frozen=True, slots=True)
class EmulatorInstallation:
    """An emulator that can be started: its jar, a Java new enough for it, and where each was found."""

    jar: Path
    java: Path
    java_major: int
    found_by: str


def find_emulator() -> EmulatorInstallation:
    """Return the emulator to use.

    The jar comes from ``$FIRESTORE_EMULATOR_JAR``, gcloud's component, or the Firebase CLI's cache, the first
    that has one. Java comes from ``$JAVA_HOME``, ``PATH``, or Homebrew, the first that is new enough.

    Raises:
        ConfigurationError: Something is missing; the message says what, and the commands that install it.
    """
    jar, java, problems = _look()
    if jar is None or java is None:
        raise ConfigurationError("cannot run the Firestore emulator:\n- " + "\n- ".join(problems))
    return EmulatorInstallation(jar=jar[0], java=java[0], java_major=java[1], found_by=f"{jar[1]}, {java[2]}")


def missing_parts() -> tuple[str, ...]:
    """Return which of ``"emulator"`` and ``"java"`` are missing here."""
    jar, java, _ = _look()
    return (() if jar else ("emulator",)) + (() if java else ("java",))


def _look() -> tuple[tuple[Path, str] | None, tuple[Path, int, str] | None, list[str]]:
    problems: list[str] = []
    named = os.environ.get(JAR_VARIABLE)
    if named and not Path(named).is_file():
        # A path that was asked for is never silently replaced by another one.
        jar = None
        named_wrongly = f"{JAR_VARIABLE} names {named}, which is not a file; correct it, or unset it. Without it,"
        problems.append(f"{named_wrongly} {_HOW_TO_GET_JAR}")
    else:
        jar = next((found for found in _jar_candidates() if found[0].is_file()), None)
        if jar is None:
            problems.append(_HOW_TO_GET_JAR)
    java, rejected = _find_java()
    if java is None:
        seen = f" (found: {'; '.join(rejected)})" if rejected else ""
        problems.append(f"Java {JAVA_MAJOR_MIN} or newer was not found{seen}. {HOW_TO_GET_JAVA}")
    return jar, java, problems


def _jar_candidates() -> Iterator[tuple[Path, str]]:
    if named := os.environ.get(JAR_VARIABLE):
        yield Path(named).absolute(), f"jar from {JAR_VARIABLE}"
    for root in _sdk_roots():
        yield root / _JAR_IN_SDK, "jar from gcloud's component"
    folder = Path(os.environ.get("FIREBASE_EMULATORS_PATH") or "~/.cache/firebase/emulators").expanduser()
    for cached in sorted(folder.glob("cloud-firestore-emulator-v*.jar"), key=_version_in_name, reverse=True):
        yield cached, "jar from the Firebase CLI's cache"


def _sdk_roots() -> Iterator[Path]:
    if gcloud := shutil.which("gcloud"):
        yield Path(gcloud).resolve().parent.parent
    if root := os.environ.get("CLOUDSDK_ROOT_DIR"):
        yield Path(root)
    for known in _SDK_ROOTS:
        with contextlib.suppress(RuntimeError):  # expanduser() of a user without a home
            yield Path(known).expanduser()
    for caskroom in _HOMEBREW_CASKROOMS:
        yield from sorted(Path(caskroom).glob("g*cloud*/*/google-cloud-sdk"))


def _version_in_name(path: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", path.name))


def _find_java() -> tuple[tuple[Path, int, str] | None, list[str]]:
    rejected: list[str] = []
    for path, source in _java_candidates():
        major = _java_major(path)
        if major is not None and major >= JAVA_MAJOR_MIN:
            return (path, major, f"Java {major} from {source}"), rejected
        rejected.append(f"{path} is Java {major}" if major else f"{path} does not run")
    return None, rejected


def _java_candidates() -> Iterator[tuple[Path, str]]:
    home = os.environ.get("JAVA_HOME")
    if home and (path := Path(home) / "bin" / "java").is_file():
        yield path, "JAVA_HOME"
    if found := shutil.which("java"):
        yield Path(found), "PATH"
    for keg in _HOMEBREW_JAVAS:
        if Path(keg).is_file():
            yield Path(keg), "Homebrew"


def _java_major(java: Path) -> int | None:
    """Return the major version of *java*, or None when it does not run, as the stub that macOS ships."""
    command = [str(java), "-version"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)  # Java 8 calls itself 1.8
    return int(match[1]) if match else None
