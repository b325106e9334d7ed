"""An application on Flask that fails; imported by the tests that need it alone."""

from flask import Flask, abort

from tai_state import MemoryStore, StoreError, StoreUnavailableError
from tai_state.adapters.flask import ProcessStore, handle_errors


def make_app():
    """Return an application whose requests fail, and whose store is in memory."""
    app = Flask("failing")
    ProcessStore(app, MemoryStore)
    handle_errors(app)

    @app.get("/raise/<name>")
    def fail(name):
        if name == "theirs":
            abort(418, "short and stout")
        raise {
            "ours": StoreUnavailableError("10.0.0.7 is away", retry_after=3.0),
            "damage": StoreError("/srv/a.db is torn"),
            "bug": ZeroDivisionError("nobody expected this"),
        }[name]

    return app
