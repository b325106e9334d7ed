"""The metrics that Terraform makes of the log, with their filters as Cloud Logging gets them."""

from tests.unit.infra.terraform import filled, local, resources

NAME = "orders"
"""What somebody has called the service."""


def metrics():
    """Return what is said of each metric, by its name."""
    return local("log_metrics")


def filter_of(metric, **changes):
    """Return the whole filter of a metric, as Terraform puts it together."""
    (body,) = resources("google_logging_metric").values()
    assert body["filter"] == "${local.log_sources[each.value.source].filter} AND ${each.value.condition}"
    said = {**metrics()[metric], **changes}
    return filled(f"{local('log_sources')[said['source']]['filter']} AND {said['condition']}", name=NAME)
