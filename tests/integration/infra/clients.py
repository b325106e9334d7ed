"""What a phone or a browser can ask of Firestore, over its REST API, with whatever token it brings."""

import base64
import http.client
import json
from contextlib import closing
from urllib.parse import quote

SECONDS = 60


def unsigned(user="somebody"):
    """Return a token that says who its bearer is, and that nobody signed: the emulator believes it."""
    said = (
        {"alg": "none", "typ": "JWT"},
        {"sub": user, "user_id": user, "iat": 1, "exp": 2**31, "iss": "x", "aud": "x"},
    )
    head, body = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in said)
    return f"{head}.{body}."


class Client:
    """Somebody with a connection to Firestore, and a token or none."""

    def __init__(self, host, token=None):
        self._connection = http.client.HTTPConnection(host, timeout=SECONDS)
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})

    def asks(self, method, path, body=None):
        """Return the status of one request."""
        # A stored id may hold a percent sign, which is one to the store, and no escape of the address.
        address = quote(path, safe="/:?=()")
        self._connection.request(method, address, None if body is None else json.dumps(body), self._headers)
        response = self._connection.getresponse()
        response.read()
        return response.status

    def close(self):
        self._connection.close()


def put_rules(host, project, text):
    """Put the rules of a project in force."""
    rules = {"rules": {"files": [{"name": "firestore.rules", "content": text}]}}
    with closing(Client(host)) as client:
        assert client.asks("PUT", f"/emulator/v1/projects/{project}:securityRules", rules) == http.client.OK


def requests(project, collection, document):
    """Yield every way to read or write a document, or to list its collection."""
    name = f"projects/{project}/databases/(default)/documents"
    parent, _, last = collection.rpartition("/")
    below = f"/v1/{name}/{parent}".rstrip("/")
    there, value = f"{name}/{collection}/{document}", {"fields": {"mine": {"booleanValue": True}}}
    yield "get", "GET", f"/v1/{there}", None
    yield "list", "GET", f"/v1/{name}/{collection}", None
    yield "query", "POST", f"{below}:runQuery", {"structuredQuery": {"from": [{"collectionId": last}]}}
    yield "create", "POST", f"/v1/{name}/{collection}?documentId=theirs", value
    yield "update", "PATCH", f"/v1/{there}", value
    yield "delete", "DELETE", f"/v1/{there}", None
    yield "commit", "POST", f"/v1/{name}:commit", {"writes": [{"update": {"name": there, **value}}]}
