"""Keys of a Redis store that somebody else has written: each use gives an answer, or an error of ours."""

from functools import partial

import pytest
from redis import Redis

from tai_state import RedisStore
from tests.uses import fill, strange_errors

pytestmark = pytest.mark.more

KEYS = (
    "c",
    "clock",
    "d:governors/g/states/s",
    "d:governors/g/events/s@0000000000000000002",
    "d:tai/meta",
    "d:locks/lock",
    "e:governors/g/states:status=open",
    "g:states",
    "i:governors/g/states",
    "i:governors/g/events",
    "i:governors/g/receipts",
    "i:locks",
    "l:colour=red",
    "s:governors/g/events",
    "t",
    "x",
)
ODD = {
    "text": ("SET", "zz"),
    "nothing": ("SET", ""),
    "digits": ("SET", "9" * 400),
    "bytes": ("SET", b"\xff\x00\xfe" * 30),
    "a list": ("RPUSH", "a"),
    "a map": ("HSET", "a", "b"),
    "texts": ("ZADD", 1, "zz", 0, ""),
    "no texts": ("ZADD", "inf", b"\xff", 0, b"\xfe\x01"),
}


def plant_in(server, made, words):
    """Have a server hold what it was *made* to, but for the key that a command makes."""
    server.flushall()
    for name, dump in made.items():
        server.restore(name, 0, dump)
    server.delete(words[1])
    server.execute_command(*words)


@pytest.mark.parametrize("key", KEYS)
def test_what_somebody_else_wrote_is_told(own_redis, key):
    """Whatever it is: a text, a list, members of an index that are no text."""
    with RedisStore(own_redis.url("r"), actor="maker") as store:
        fill(store)
    place = b"{r}:" + key.encode()
    with Redis(port=own_redis.port) as server:
        made = {name: server.dump(name) for name in server.scan_iter()}
        assert place in made
        for odd, (command, *words) in ODD.items():
            plant = partial(plant_in, server, made, [command, place, *words])
            strange = strange_errors(lambda: RedisStore(own_redis.url("r"), actor="judge"), plant)
            assert (odd, strange) == (odd, [])
