"""What ``make service`` prints, as requests."""

import ast
import shlex
from pathlib import Path

LOCAL = Path(__file__).parents[3] / "infra" / "service" / "local.py"
JSON = {"Content-Type": "application/json"}


def shown(port="8080"):
    """Return the lines that it prints, without running it."""
    for node in ast.parse(LOCAL.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TRY":
            return str(ast.literal_eval(node.value)).replace("PORT", port)
    raise AssertionError("local.py has no TRY")


def typed():
    """Yield each line as curl takes it: method, URL, headers and body."""
    first, *lines = shown().splitlines()
    order = first.removeprefix("order=")
    for line in lines:
        program, *words = shlex.split(line.replace("$order", order))
        assert program == "curl"
        method, url, headers, body = "", "", {}, None
        while words:
            match words.pop(0):
                case "-i":
                    pass
                case "-X":
                    method = words.pop(0)
                case "-H":
                    name, _, value = words.pop(0).partition(": ")
                    headers[name] = value
                case "--json":
                    body, headers = words.pop(0), headers | JSON
                case word:
                    url = f"http://{word}"
        yield method or ("GET" if body is None else "POST"), url, headers, body
