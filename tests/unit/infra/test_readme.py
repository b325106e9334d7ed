"""infra/README.md says what there is."""

import re

from tests.unit.docs.pages import rows, sections
from tests.unit.infra.terraform import INFRA, local

PAGE = (INFRA / "README.md").read_text(encoding="utf-8")


def test_every_part_is_listed():
    """Folders and programs, each once, and none that is not there."""
    listed = [name.rstrip("/") for name in re.findall(r"^\| `([\w./-]+)` \|", PAGE, re.MULTILINE) if "(" not in name]
    there = {path.name for path in INFRA.iterdir() if path.is_dir() or path.suffix == ".sh"}
    assert set(listed) & there == there


def test_every_alert_is_listed():
    """By its title, with what it counts."""
    told = {cells[0]: cells[1] for cells in rows(sections(PAGE)["What is told, and to whom"])}
    alerts = local("alerts").values()
    assert set(told) == {alert["title"] for alert in alerts}
    for alert in alerts:
        metric = local("log_metrics").get(alert["metric"])
        condition = metric["condition"] if metric else "Cloud Run's own count"
        assert condition.removeprefix("jsonPayload.").partition(".")[0] in told[alert["title"]]


def test_every_link_leads_somewhere():
    """To a file of the repository."""
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert [link for link in links if not link.startswith("http") and not (INFRA / link).exists()] == []
