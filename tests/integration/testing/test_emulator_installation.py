"""What the launcher finds on a machine: the emulator's jar, and a Java that is new enough."""

import subprocess
from pathlib import Path

import pytest

from tai_state.errors import ConfigurationError
from tai_state.testing import firestore_emulator as launcher
from tai_state.testing.firestore_emulator import Emulator, find_emulator, installation
from tests.integration.testing.emulators import ROOT, make_java


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Hide every emulator and every Java of this machine; return an empty home."""
    for name in ("FIRESTORE_EMULATOR_JAR", "CLOUDSDK_ROOT_DIR", "FIREBASE_EMULATORS_PATH", "JAVA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(installation, "_SDK_ROOTS", ("~/google-cloud-sdk",))
    monkeypatch.setattr(installation, "_HOMEBREW_CASKROOMS", ())
    monkeypatch.setattr(installation, "_HOMEBREW_JAVAS", ())
    return tmp_path


def test_missing_jar_and_java_are_named_with_the_commands_that_install_them(bare: Path) -> None:
    """Everything that is missing stands in one error, with a command per package manager."""
    assert bare.is_dir()
    with pytest.raises(ConfigurationError) as caught:
        find_emulator()
    for command in (
        "apt-get install google-cloud-cli-firestore-emulator",
        "gcloud components install cloud-firestore-emulator",
        "npm i -g firebase-tools && firebase setup:emulators:firestore",
        "apt-get install default-jre-headless",
        "brew install openjdk",
    ):
        assert command in str(caught.value)


def test_starting_without_an_installation_raises_before_anything_runs(bare: Path) -> None:
    """The typed error reaches whoever starts an emulator."""
    assert bare.is_dir()
    with pytest.raises(ConfigurationError, match="cannot run the Firestore emulator"):
        Emulator().start()


def test_old_java_is_refused_and_its_version_named(bare: Path) -> None:
    """Java 8 calls itself 1.8, and is too old."""
    make_java(bare / "bin" / "java", "1.8.0_292")
    with pytest.raises(ConfigurationError, match=r"Java 11 or newer.*bin/java is Java 8"):
        find_emulator()


def test_newer_java_on_the_path_wins_over_an_old_java_home(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old JAVA_HOME does not stand in the way."""
    make_java(bare / "home" / "bin" / "java", "1.8.0_292")
    make_java(bare / "bin" / "java", "21.0.1")
    monkeypatch.setenv("JAVA_HOME", str(bare / "home"))
    assert launcher.missing_parts() == ("emulator",)


def test_newest_jar_of_the_firebase_cache_is_found(bare: Path) -> None:
    """Versions compare as numbers: 1.19.10 is newer than 1.19.9."""
    make_java(bare / "bin" / "java", "17.0.15")
    cache = bare / ".cache" / "firebase" / "emulators"
    cache.mkdir(parents=True)
    for version in ("1.19.9", "1.19.10", "1.2.11"):
        (cache / f"cloud-firestore-emulator-v{version}.jar").touch()
    assert find_emulator().jar.name == "cloud-firestore-emulator-v1.19.10.jar"


def test_gcloud_is_followed_through_links_to_its_component(bare: Path) -> None:
    """The jar is found beside the gcloud that PATH's link leads to."""
    make_java(bare / "bin" / "java", "17.0.15")
    jar = bare / "sdk" / "platform" / "cloud-firestore-emulator" / "cloud-firestore-emulator.jar"
    gcloud = bare / "sdk" / "bin" / "gcloud"
    for file in (jar, gcloud):
        file.parent.mkdir(parents=True)
        file.touch(mode=0o755)
    (bare / "bin" / "gcloud").symlink_to(gcloud)
    assert find_emulator().jar == jar.resolve()


def test_named_jar_that_is_not_there_is_an_error_not_a_reason_to_take_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was asked for by name is never replaced silently."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_JAR", "/nowhere/emulator.jar")
    with pytest.raises(ConfigurationError, match=r"FIRESTORE_EMULATOR_JAR names /nowhere/emulator\.jar"):
        find_emulator()


@pytest.mark.emulator
def test_ensure_script_is_silent_where_everything_is_installed() -> None:
    """A bare interpreter suffices: neither the project nor its dependencies are imported."""
    script = ROOT / "emulator" / "ensure.sh"
    said = subprocess.run([script], capture_output=True, text=True, check=False, timeout=30)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
