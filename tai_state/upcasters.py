"""What brings data to the schema of today, a version at a time: checked before it is relied on."""

from collections.abc import Mapping

from tai_state.config import Upcaster, check_count
from tai_state.errors import ConfigurationError
from tai_state.machine.transition import function_name
from tai_state.machine.validation import call_defect


def checked_upcasters(upcasters: object, schema_version: int) -> dict[int, Upcaster]:
    """Return *upcasters*, a copy in order, when they lead to *schema_version* without a gap.

    Raises:
        ConfigurationError: They do not, or one of them cannot be called.
    """
    if not isinstance(upcasters, Mapping):
        message = f"upcasters must map a schema version to a function, not be a {type(upcasters).__name__}"
        raise ConfigurationError(message)
    for version, upcaster in upcasters.items():
        check_count(version, "a schema version in upcasters", least=1)
        if version >= schema_version:
            message = f"upcasters lead from version {version} on, and schema_version is {schema_version}: raise it"
            raise ConfigurationError(message)
        defect = call_defect(upcaster, function_name(upcaster), "data")
        if defect is not None:
            message = f"the upcaster from schema version {version} {defect}"
            raise ConfigurationError(message)
    for version in range(min(upcasters, default=schema_version), schema_version):
        if version not in upcasters:
            message = f"upcasters lead to schema version {version}, and none from there to {version + 1}"
            raise ConfigurationError(message)
    return dict(sorted(upcasters.items()))
