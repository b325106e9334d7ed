"""Terraform and the example service speak of the same paths, the same port and the same command."""

import re

import pytest

from tests.unit.infra.terraform import INFRA, resources, variables

SERVICE = INFRA / "service"
DOCKERFILE = (SERVICE / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("server", ["asgi.py", "wsgi.py"])
def test_each_probe_asks_for_a_path_that_is_served(server):
    """Liveness is none that asks the store, readiness is one that does."""
    text = (SERVICE / "orders" / server).read_text(encoding="utf-8")
    # What stands between one decorator and the next, whatever it is that takes the route.
    routes = dict(re.findall(r'^ *@\w+\.get\("([^"]+)"\)(.*?)(?=^ *@|\Z)', text, re.DOTALL | re.MULTILINE))
    probes = variables()["probes"]["default"]
    live, ready = routes[probes["liveness"]], routes[probes["readiness"]]
    assert ".health(" in ready
    assert ".health(" not in live


def test_the_port_is_that_of_the_image():
    """On which its command listens."""
    (container,) = resources("google_cloud_run_v2_service")["service"]["template"][0]["containers"]
    port = container["ports"][0]["container_port"]
    assert f"EXPOSE {port}" in DOCKERFILE
    assert f'"--port", "{port}"' in DOCKERFILE


def test_what_the_image_asks_for_is_given():
    """The store, by the variable that the package reads."""
    (container,) = resources("google_cloud_run_v2_service")["service"]["template"][0]["containers"]
    assert {one["name"]: one["value"] for one in container["env"]} == {"TAI_STATE_STORE": "${local.store_url}"}
