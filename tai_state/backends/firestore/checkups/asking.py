"""The requests to those APIs, and what of their answers counts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession
from google.cloud import firestore_admin_v1 as admin
from google.cloud.firestore_admin_v1.services.firestore_admin.transports import FirestoreAdminGrpcTransport
from requests.exceptions import RequestException

from tai_state.backends.firestore.client import DEFAULT_DATABASE, Connection
from tai_state.indexes import Mode
from tai_state.models import Checkup

RULES_API = "https://firebaserules.googleapis.com/v1"
_NOT_FOUND = 404
_EXPLICIT = "indexConfig.usesAncestorConfig:false OR ttlConfig:*"


@dataclass(frozen=True, slots=True)
class FieldConfig:
    """What is said of a field of a collection group.

    Attributes:
        name: Its path; "*" stands for all fields of the group, and in the group "__default__" for all there are.
        indexed: In which scopes it has an index that equality and order can use; None: as the default says.
        ttl: How its TTL policy stands, "" where it has none.
    """

    group: str
    name: str
    indexed: frozenset[str] | None
    ttl: str


@dataclass(frozen=True, slots=True)
class CompositeIndex:
    """An index of several fields, or of one with a scope of its own; each field with its mode."""

    group: str
    fields: tuple[tuple[str, Mode], ...]
    is_group: bool
    is_ready: bool


class Asking:
    """Asks the APIs about one database."""

    def __init__(
        self,
        connection: Connection,
        root: str,
        seconds: float,
        *,
        transport: Any = None,
        session: Any = None,
        rules_api: str = RULES_API,
    ) -> None:
        """Ask with the credentials of *connection*.

        Args:
            seconds: How long each request may take.
            transport, session, rules_api: What carries the requests, for tests.
        """
        self.database = connection.database
        self.root = root
        _, self.project, _, self.database_id = connection.database.split("/")
        self._seconds = seconds
        if transport is None:
            transport = FirestoreAdminGrpcTransport(credentials=connection.credentials)
        self._transport: Any = transport
        self._admin = admin.FirestoreAdminClient(transport=transport)
        self._session: Any = session
        if session is None:
            self._session = AuthorizedSession(connection.credentials)  # type: ignore[no-untyped-call]  # has no types
        self._rules_api = rules_api

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()
        self._session.close()

    @property
    def flag(self) -> str:
        """The option of gcloud that names the database."""
        return f"--project={self.project} --database='{self.database_id}'"

    def fields(self, group: str) -> Iterator[FieldConfig]:
        """Iterate over the fields of a collection group of which something is said."""
        request = admin.ListFieldsRequest(parent=f"{self.database}/collectionGroups/{group}", filter=_EXPLICIT)
        # One answer of the server's is one answer of ours: whoever asks again is the operator.
        for field in self._admin.list_fields(request, timeout=self._seconds, retry=None):
            *_, named, _, name = field.name.split("/")
            config = field.index_config
            has_own = "index_config" in field and not config.uses_ancestor_config
            indexed = frozenset(scope for index in config.indexes for scope in _scopes(index)) if has_own else None
            yield FieldConfig(named, name, indexed, field.ttl_config.state.name if "ttl_config" in field else "")

    def composite_indexes(self) -> Iterator[CompositeIndex]:
        """Iterate over the composite indexes."""
        parent = f"{self.database}/collectionGroups/-"
        for index in self._admin.list_indexes(parent=parent, timeout=self._seconds, retry=None):
            fields = _said([(field.field_path, _mode(field)) for field in index.fields])
            is_group = index.query_scope == index.QueryScope.COLLECTION_GROUP
            group = index.name.split("/")[5]
            yield CompositeIndex(group, fields, is_group, index.state == index.State.READY)

    def ruleset(self) -> str | None:
        """Return the name of the security rules in force; None: there are none, and servers alone get in."""
        name = "cloud.firestore" if self.database_id == DEFAULT_DATABASE else f"cloud.firestore/{self.database_id}"
        url = f"{self._rules_api}/projects/{self.project}/releases/{name}"
        response = self._session.get(url, timeout=self._seconds)
        if response.status_code == _NOT_FOUND:
            return None
        response.raise_for_status()
        return str(response.json()["rulesetName"])

    def denied(self, ruleset: str, requests: Sequence[dict[str, Any]]) -> list[bool]:
        """Return whether the rules deny each of *requests*, as Google's own evaluation of them says."""
        cases: list[Any] = [
            {"expectation": "DENY", "request": request, "resource": {"data": {}}} for request in requests
        ]
        url = f"{self._rules_api}/{ruleset}:test"
        response = self._session.post(url, json={"testSuite": {"testCases": cases}}, timeout=self._seconds)
        response.raise_for_status()
        results = response.json()["testResults"]
        return [result["state"] == "SUCCESS" for result in results]


def _said(fields: Sequence[tuple[str, Mode]]) -> tuple[tuple[str, Mode], ...]:
    """Return the fields without the path, where that stands as it does when nobody says so: as the one before it."""
    *named, (last, mode) = fields
    ordinary = named[-1][1] if named and named[-1][1] is not Mode.CONTAINS else Mode.ASCENDING
    return tuple(named) if (last, mode) == ("__name__", ordinary) else tuple(fields)


def _mode(field: Any) -> Mode:
    if field.array_config:
        return Mode.CONTAINS
    return Mode.DESCENDING if field.order == field.Order.DESCENDING else Mode.ASCENDING


def _scopes(index: Any) -> Iterator[str]:
    if any(field.order or field.array_config for field in index.fields):
        yield index.query_scope.name


def answered(check: str, role: str, asking: Asking, look: Callable[[Asking], Checkup]) -> Checkup:
    """Return what *look* says; where the API refuses or does not answer, that, with the *role* that it takes."""
    try:
        return look(asking)
    except (GoogleAPIError, GoogleAuthError, RequestException, KeyError, ValueError) as error:
        said = str(error).splitlines()
        message = f"the API did not answer: {said[0] if said else type(error).__name__}"
        mend = f"gcloud projects add-iam-policy-binding {asking.project} --member=MEMBER --role={role}"
        return Checkup(check=check, status="not checkable", message=message, mend=mend)
