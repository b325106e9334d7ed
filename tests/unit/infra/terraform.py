"""What infra/terraform says, read as text: nothing of it needs Terraform, a provider or a network."""

import importlib
import re
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
INFRA = ROOT / "infra"
TERRAFORM = INFRA / "terraform"


@cache
def parsed(text: str) -> dict[str, list[Any]]:
    """Return the blocks of *text* by their kind."""
    # Imported where it is needed: it takes half a second.
    hcl2 = importlib.import_module("hcl2")
    plain = hcl2.SerializationOptions(strip_string_quotes=True, preserve_heredocs=False, explicit_blocks=False)
    found: dict[str, list[Any]] = hcl2.loads(text, serialization_options=plain)
    return found


@cache
def configuration() -> dict[str, list[Any]]:
    """Return the blocks of all files together."""
    together: dict[str, list[Any]] = {}
    for file in sorted(TERRAFORM.glob("*.tf")):
        for kind, blocks in parsed(file.read_text(encoding="utf-8")).items():
            together.setdefault(kind, []).extend(blocks)
    return together


def resources(kind: str, text: str | None = None) -> dict[str, Any]:
    """Return the resources of one kind by their name: of all files, or of *text* alone."""
    blocks = configuration() if text is None else parsed(text)
    return {name: body for block in blocks.get("resource", []) for name, body in block.get(kind, {}).items()}


def kinds(text: str | None = None) -> set[str]:
    """Return the kinds of resources that there are."""
    blocks = configuration() if text is None else parsed(text)
    return {kind for block in blocks.get("resource", []) for kind in block}


def local(name: str) -> Any:
    """Return the local value of that name, as it is written."""
    (found,) = [block[name] for block in configuration()["locals"] if name in block]
    return found


def variables() -> dict[str, Any]:
    """Return the variables by their name."""
    return {name: body for block in configuration()["variable"] for name, body in block.items()}


def example() -> dict[str, Any]:
    """Return the values that are shipped as an example."""
    said = parsed((TERRAFORM / "terraform.tfvars.example").read_text(encoding="utf-8"))
    return {name: value for name, value in said.items() if not name.startswith("__")}


def texts() -> dict[str, str]:
    """Return the text of each file by its name, without what is a comment."""
    return {
        file.name: re.sub(r"(?m)^\s*#.*$", "", file.read_text(encoding="utf-8"))
        for file in sorted(TERRAFORM.glob("*.tf"))
    }


def filled(text: str, **values: str) -> str:
    """Return *text* with variables and the parts of a loop put in: ``filled(text, name="orders", key="gc")``."""
    return re.sub(r"\$\{(?:var|each|local)\.(\w+)\}", lambda found: values[found[1]], text)
