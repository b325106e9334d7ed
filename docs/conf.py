"""The site: `make site` builds it from the pages of the repository, offline, and fails on any warning.

Its source folder is the repository's own, so that a link leads to the same file here and wherever the repository is
browsed.
"""

from sphinx.application import Sphinx

import tai_state

project = "tai_state"
author = "the tai_state authors"
copyright = author  # noqa: A001 - Sphinx asks for the name
version = release = tai_state.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/**.md", "infra/**.md"]
exclude_patterns = [".*", "build", "tests", "tai_state", "emulator", "**/node_modules"]

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

# What a class tells under "Attributes:" is documented once, there.
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# What a class of ours has from another of ours is its own for who reads it; what it has from elsewhere is not.
ELSEWHERE = "BaseModel Exception Protocol Generic StrEnum IntEnum Enum NamedTuple tuple dict int str object"
autodoc_default_options = {"members": True, "inherited-members": ", ".join(ELSEWHERE.split())}

# A name that stands in two modules is the same thing, and either place will do.
suppress_warnings = ["ref.python"]

html_theme = "furo"
html_title = f"tai_state {release}"


def setup(app: Sphinx) -> None:
    """Leave the twins for asyncio out: the same methods, awaited."""
    app.connect("autodoc-skip-member", skips)
    app.connect("autodoc-process-docstring", begins_with_no_type, priority=400)


def skips(_app: Sphinx, what: str, name: str, _value: object, _skip: bool, _options: object) -> bool | None:  # noqa: FBT001 - Sphinx calls it so
    """Tell whether a member is a twin; None leaves the rest to Sphinx."""
    return True if what == "module" and name.lower().startswith("async") else None


def begins_with_no_type(
    _app: Sphinx, what: str, _name: str, _value: object, _options: object, lines: list[str]
) -> None:
    """Put an empty comment before what an attribute is, which Napoleon, up to a colon, would take for its type."""
    if what in {"attribute", "data", "property"}:
        lines[:0] = ["..", ""]
