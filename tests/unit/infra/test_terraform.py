"""The Terraform is whole: what is named is there and used, and every variable is explained and checked."""

import re

from tests.unit.infra.terraform import configuration, example, local, texts, variables

TEXT = "\n".join(texts().values())
UNCHECKED = {"time_zone"}
"""Variables whose values nobody can check but Google."""


def declared(kind):
    """Return the addresses of the resources or data sources of the configuration, or the names of its locals."""
    if kind == "locals":
        return {name for block in configuration()["locals"] for name in block if not name.startswith("__")}
    return {f"{one}.{name}" for block in configuration()[kind] for one, body in block.items() for name in body}


def test_every_resource_that_is_named_is_there():
    """As `terraform validate` would say, which takes the provider to be downloaded."""
    named = set(re.findall(r"\b(google_\w+\.\w+)", TEXT))
    assert named <= declared("resource")


def test_every_local_value_is_there_and_used():
    """None is left over."""
    assert set(re.findall(r"\blocal\.(\w+)", TEXT)) == declared("locals")


def test_every_variable_is_there_and_used():
    """Beside its own validation."""
    without = re.sub(r'(?ms)^variable "\w+" \{.*?^\}', "", TEXT)
    assert set(re.findall(r"\bvar\.(\w+)", without)) == set(variables())


def test_every_variable_is_explained_typed_and_checked():
    """With a message that says what is wanted."""
    for name, body in variables().items():
        assert body["description"].endswith("."), name
        assert body["type"], name
        for check in body.get("validation", []):
            assert f"var.{name}" in check["condition"]
            assert len(check["error_message"]) > 10, name
        assert ("validation" in body) is (name not in UNCHECKED), name


def test_the_example_says_what_has_no_default_and_nothing_unknown():
    """Who copies it has all that is needed, and each of its values is of a variable."""
    said = example()
    needed = {name for name, body in variables().items() if "default" not in body}
    assert needed <= set(said) <= set(variables())


def leaves(value):
    """Yield the texts that a value holds."""
    if isinstance(value, str):
        yield value
    else:
        for one in value.values() if isinstance(value, dict) else value:
            yield from leaves(one)


def refused(said):
    """Return the texts that the pattern of their variable does not take: itself, or each that it holds."""
    patterns = {
        name: re.findall(r"can\(regex\(\"(.*)\", [\w.]+\)\)", check["condition"])
        for name, body in variables().items()
        for check in body.get("validation", [])
    }
    return {
        text
        for name, value in said.items()
        for pattern in patterns.get(name, [])
        for text in leaves(value)
        if not re.search(pattern.replace("\\\\", "\\"), text)
    }


def test_the_example_passes_the_checks():
    """Each of its texts, by the pattern of its variable, which would refuse another."""
    said = example()
    assert refused(said) == set()
    assert all(refused({name: "-"}) for name in said)
    assert refused({**said, "images": {**said["images"], "jobs": "orders:latest"}}) == {"orders:latest"}
    assert refused({**said, "invokers": [*said["invokers"], "allUsers"]}) == {"allUsers"}


def test_versions_are_bounded():
    """Of Terraform and of each provider, from both sides."""
    (terraform,) = configuration()["terraform"]
    providers = [one for block in terraform["required_providers"] for one in block.values() if isinstance(one, dict)]
    bounds = [terraform["required_version"], *(one["version"] for one in providers)]
    assert len(bounds) == 2
    assert all(re.fullmatch(r">= [\d.]+, < [\d.]+", bound) for bound in bounds)


def test_every_output_is_explained():
    """What it is for."""
    assert all(body["description"] for block in configuration()["output"] for body in block.values())


def test_the_store_is_named_as_the_package_takes_it():
    """By project and database."""
    assert local("store_url") == "firestore://${var.project_id}/${var.database_id}"
