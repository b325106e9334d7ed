"""``serve``: a store over HTTP, and its console."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import click

from tai_state.cli.program.command import Command
from tai_state.cli.program.logs import writing_logs
from tai_state.cli.program.operating import known_machine, machine_option
from tai_state.cli.program.output import note, put
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.texts import json_line

if TYPE_CHECKING:
    import socket

    from tai_state import Machine
    from tai_state.server import Auth

GRACE_SECONDS = 1
"""How long the server waits, behind the drain, for connections that do not end."""

KEEP_SECONDS = 75
"""How long a connection is kept that nothing comes over: longer than balancers and pools of clients keep theirs."""


def is_loopback(host: str) -> bool:
    """Whether what is bound to *host* is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@click.command(
    cls=Command,
    examples=[
        "tai-state serve",
        "tai-state --store sqlite:///i.db serve --machine order.json --port 8080",
        "tai-state --store firestore://my-project serve --host 0.0.0.0 --machine shop:ORDER --auth /secrets/auth.json",
    ],
)
@click.option("--host", metavar="ADDRESS", help="Where to listen; 127.0.0.1.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    metavar="N",
    help="On which port; 8080. 0: any that is free.",
)
@machine_option("States are moved by it; more of them may be given.")
@click.option(
    "--auth",
    "auth_file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="Who may do what: tokens by their hashes, identities. Without it a token is made for this run.",
)
@click.option(
    "--cors", multiple=True, metavar="ORIGIN", help="Pages of this origin may call; more of them may be given."
)
@click.option("--new-token", is_flag=True, help="Print a token and its hash for the file of --auth, and end.")
@pass_session
def serve(
    session: Session,
    *,
    host: str | None,
    port: int | None,
    machines: tuple[str, ...],
    auth_file: str | None,
    cors: tuple[str, ...],
    new_token: bool,
) -> None:
    """Serve the store over HTTP, with a console for people, until it is told to end.

    It prints its address, a token for this run, and a link that logs in once. On another address than this machine's
    own it needs --auth. SIGTERM and Ctrl-C end it in order: requests under way are answered first.

    A machine with guards or applies is named as module:name; a file knows their names only. What is not said here is
    as the section [server] of the settings says.
    """
    try:
        from tai_state import server  # noqa: PLC0415 - `--help` waits for nothing of the library

        if new_token:
            token = server.new_token()
            write_token(token, server.hash_token(token), as_json=session.as_json)
            return
        said = session.settings.server
        host, port = said.host if host is None else host, said.port if port is None else port
        machines, cors = machines or said.machines, cors or said.cors
        auth_file = auth_file or said.auth
        if auth_file is None and not is_loopback(host):
            message = f"--host {host} is reached from other machines: say who may do what with --auth FILE"
            raise click.UsageError(message)
        served = [known_machine(text, "the server shows what machines are made of") for text in machines]
        auth = server.Auth() if auth_file is None else server.auth_from_file(auth_file)
        with writing_logs(session.settings.telemetry):
            run(session, host, port, machines=served, auth=auth, cors=cors)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("tai_state"):
            raise
        raise click.UsageError(f"the server needs {error.name}: pip install 'tai_state[server]'") from error


def write_token(token: str, sha256: str, *, as_json: bool) -> None:
    """Write a token, for whoever is to have it, and its hash, for the file."""
    if as_json:
        put(json_line({"token": token, "sha256": sha256}))
        return
    put(f"token: {token}")
    put(f"sha256: {sha256}")


def run(
    session: Session, host: str, port: int, *, machines: list[Machine[Any]], auth: Auth, cors: tuple[str, ...]
) -> None:
    """Serve until the process is told to end.

    Raises:
        UsageError: The address cannot be had.
    """
    import asyncio  # noqa: PLC0415 - as above, and below

    import uvicorn  # noqa: PLC0415
    import uvloop  # noqa: PLC0415

    from tai_state import async_connect  # noqa: PLC0415
    from tai_state.server import app  # noqa: PLC0415

    bound = bind(host, port)

    async def main() -> None:
        store = async_connect(session.place, **session.options)
        served = app(store, machines=machines, auth=auth, cors=cors)
        config = uvicorn.Config(
            served,
            http="httptools",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=KEEP_SECONDS,
        )
        write_address(bound, auth, as_json=session.as_json)
        await uvicorn.Server(config).serve([bound])

    with bound, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens; who comes before the server is up waits.

    Raises:
        UsageError: The address cannot be had.
    """
    import socket  # noqa: PLC0415

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise click.UsageError(f"{host}:{port} cannot be had: {error.strerror}") from error


def write_address(bound: socket.socket, auth: Auth, *, as_json: bool) -> None:
    """Write where the server is, and what is needed to be served there."""
    host, port = bound.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    told = {"address": address}
    if auth.token is not None:
        told |= {"token": auth.token, "login": f"{address}/console/login?code={auth.new_login_code()}"}
    if as_json:
        put(json_line(told))
        return
    for name, value in told.items():
        put(f"{name}: {value}")
    note("Ctrl-C ends it")
