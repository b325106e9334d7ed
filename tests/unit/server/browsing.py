"""A browser without a window: somebody who is in a session, and what stands on the pages that he is shown."""

import contextlib
import re
from html.parser import HTMLParser

from tests.unit.server.world import TOKENS, client_of

_BLOCKS = frozenset({"p", "li", "td", "th", "dt", "dd", "h1", "h2", "div", "tr"})


class Page(HTMLParser):
    """A page, taken apart as a browser takes it apart.

    Attributes:
        inline: What runs or dresses it that came with the page itself, and not as a file.
        fields: What its forms hold, by name, the first of each.
        addresses: Where its links, forms and files lead.
        text: What is read.
    """

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.inline, self.fields, self.words = [], [], [], {}, []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.words += [" "] if tag in _BLOCKS else []
        self.addresses += [given[name] for name in ("href", "src", "action") if name in given]
        self.inline += [f"{tag}.{name}" for name in given if name.startswith("on") or name == "style"]
        self.inline += [tag] if tag == "style" or (tag == "script" and "src" not in given) else []
        if tag in {"input", "textarea", "select", "button"} and given.get("name"):
            self.fields.setdefault(given["name"], given.get("value", ""))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.words))

    @property
    def cost(self):
        """How many documents the page says that it read."""
        (told,) = re.findall(r"This page read (\d+) document", self.text)
        return int(told)


class Browser:
    """Somebody in a session."""

    def __init__(self, client, csrf):
        self.client = client
        self.csrf = csrf

    async def get(self, path, status=200):
        answer = await self.client.get(f"/console/{path}", follow_redirects=True)
        assert answer.status_code == status, answer.text
        return Page(answer.text)

    async def post(self, path, **fields):
        return await self.client.post(f"/console/{path}", data={"csrf_token": self.csrf, **fields})


@contextlib.asynccontextmanager
async def browsing(world, who="everything"):
    """Give a browser in which *who* has logged in by his token."""
    async with client_of(world.server) as client:
        assert (await client.post("/console/login", data={"token": TOKENS[who]})).status_code == 303
        session = world.server.auth.sessions.find(client.cookies["tai_state_session"])
        yield Browser(client, session.csrf)
