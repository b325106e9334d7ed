"""The scripts: each is one step to everybody else, as the server runs one at a time.

The first of a script's keys is the store's clock, so that a cluster finds the slot; its others are documents. The keys
of the indexes are made within it from the root, which is in that slot, too.

The clock. The server's TIME is a wall clock, which may be set back. What a script tells is later than all that was told
before: a commit strictly, a read at least. A read's time is kept where the server lives on, and in no log: that costs
no flush. Where the wall clock is set back by more than a second, the store's clock goes on from where it was, by an
offset that is kept; a smaller step it waits for.
"""

from hashlib import sha1
from typing import NamedTuple


class Script(NamedTuple):
    """A script, and the name that the server has for it."""

    text: str
    sha: str


def _script(*parts: str) -> Script:
    text = "\n".join(parts)
    # The name that the protocol prescribes, and no protection of anything.
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


HEAD_BYTES = 41
"""The head of a document: when it was created and when it last changed, each in 16 digits; "x" where it goes away by
itself, else "-"; how many bytes follow of its members, in 8 digits."""

_CLOCK = """
local function digits(us) return string.format('%016.0f', us) end
local function tell_time(strictly)
    local known = redis.call('HMGET', KEYS[1], 'last', 'offset', 'format')
    local wall = redis.call('TIME')
    local last, offset = tonumber(known[1] or 0), tonumber(known[2] or 0)
    local now = wall[1] * 1000000 + wall[2] + offset
    if now <= last then
        local next = strictly and last + 1 or last
        if last - now > 1000000 then offset = offset + next - now end
        now = next
    end
    return now, offset, known
end
local function keep_time(now, offset, known)
    if offset ~= tonumber(known[2] or 0) then
        return redis.pcall('HSET', KEYS[1], 'last', digits(now), 'offset', string.format('%.0f', offset))
    end
    return redis.pcall('HSET', KEYS[1], 'last', digits(now))
end
"""

# A reader's time outlives the reader only where the server does: after its death the wall clock counts again, above
# the last commit. What is full cannot keep it, and answers all the same; a replica does not, as it may be behind. It is
# kept even where it is the last one: the offset may be new, and it is by this write that a replica is known.
_READER = """
local function reading(format)
    local now, offset, known = tell_time(false)
    if known[3] and known[3] ~= format then return nil, {'format', known[3]} end
    redis.set_repl(redis.REPL_NONE)
    local kept = keep_time(now, offset, known)
    redis.set_repl(redis.REPL_ALL)
    if type(kept) == 'table' and kept.err and string.find(kept.err, 'READONLY') then return nil, kept end
    return now
end
"""

# KEYS: the clock, the documents. ARGV: the format.
READ = _script(
    _CLOCK,
    _READER,
    """
local now, refused = reading(ARGV[1])
if not now then return refused end
local told = {now}
for i = 2, #KEYS do told[i] = redis.call('GET', KEYS[i]) end
return told
""",
)

# KEYS: the clock. ARGV: the format, the root, the index, its two ends, 'a' or 'd' for the direction, how many at most,
# how many bytes at most, what stands before a member's document, how long the time before a place is, 'p' for places.
# Told: what came of the clock, whether members were left for their bytes, then each member and its document.
PAGE = _script(
    _CLOCK,
    _READER,
    """
local now, refused = reading(ARGV[1])
if not now then return refused end
local root, index, low, high = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local members
if ARGV[6] == 'a' then
    members = redis.call('ZRANGEBYLEX', root .. index, low, high, 'LIMIT', 0, ARGV[7])
else
    members = redis.call('ZREVRANGEBYLEX', root .. index, high, low, 'LIMIT', 0, ARGV[7])
end
local room, base, skip = tonumber(ARGV[8]), ARGV[9], tonumber(ARGV[10])
local told = {now, 0}
for i = 1, #members do
    local rest = string.sub(members[i], skip + 1)
    if ARGV[11] == 'p' then rest = string.gsub(rest, '\\1', '/') end
    local document = redis.call('GET', root .. 'd:' .. base .. rest)
    told[#told + 1] = members[i]
    told[#told + 1] = document
    room = room - (document and #document or 0)
    if room <= 0 and i < #members then
        told[2] = 1
        return told
    end
end
return told
""",
)

# KEYS: the clock. ARGV: the format, the root, the index, its two ends.
COUNT = _script(
    _CLOCK,
    _READER,
    """
local now, refused = reading(ARGV[1])
if not now then return refused end
return {now, redis.call('ZLEXCOUNT', ARGV[2] .. ARGV[3], ARGV[4], ARGV[5])}
""",
)

# KEYS: the clock. ARGV: the format, the root, the index, its two ends, how many at most.
MEMBERS = _script(
    _CLOCK,
    _READER,
    """
local now, refused = reading(ARGV[1])
if not now then return refused end
return {now, redis.call('ZRANGEBYLEX', ARGV[2] .. ARGV[3], ARGV[4], ARGV[5], 'LIMIT', 0, ARGV[6])}
""",
)

# KEYS: the clock. ARGV: the format, the root, a collection, its place, the first id's bound in the ids and in the
# collections, how many at most. Told: the ids that have documents, and those that have collections below them.
IDS = _script(
    _CLOCK,
    _READER,
    """
local now, refused = reading(ARGV[1])
if not now then return refused end
local root, place, most = ARGV[2], ARGV[4] .. '\\1', tonumber(ARGV[7])
local ids = redis.call('ZRANGEBYLEX', root .. 'i:' .. ARGV[3], ARGV[5], '+', 'LIMIT', 0, most)
local parents, from = {}, ARGV[6]
while #parents < most do
    local found = redis.call('ZRANGEBYLEX', root .. 'c', from, '(' .. ARGV[4] .. '\\2', 'LIMIT', 0, 1)[1]
    if not found then break end
    local id = string.match(string.sub(found, #place + 1), '^[^\\1]*')
    parents[#parents + 1] = id
    from = '[' .. place .. id .. '\\2'
end
return {now, ids, parents}
""",
)

_WRITER = """
local root = ARGV[2]
local function place_of(path) return (string.gsub(path, '/', '\\1')) end
local function each(members, call)
    if members == '' then return end
    local is_whole, found = pcall(cjson.decode, members)
    if not is_whole then return end
    for i = 1, #found, 2 do call(found[i], found[i + 1]) end
end
-- What nobody here wrote counts as it is read: of the first moment, and in no index. An error behind the first write
-- would leave half a commit.
local function head_of(key)
    local head = redis.call('GETRANGE', key, 0, 40)
    local is_whole = string.find(head, '^' .. string.rep('%d', 32) .. '[x-]' .. string.rep('%d', 8))
    return (head == '' or is_whole) and head or string.rep('0', 32) .. '-' .. string.rep('0', 8)
end
local function members_in(key, head)
    local size = tonumber(string.sub(head, 34, 41))
    return size == 0 and '' or redis.call('GETRANGE', key, 41, 40 + size)
end
local function enter(collection, id)
    local ids = root .. 'i:' .. collection
    redis.call('ZADD', ids, 0, id)
    if redis.call('ZCARD', ids) == 1 then
        local place = place_of(collection)
        redis.call('ZADD', root .. 'c', 0, place)
        redis.call('ZADD', root .. 'g:' .. string.match(collection, '[^/]*$'), 0, place)
    end
end
local function leave(collection, id)
    local ids = root .. 'i:' .. collection
    redis.call('ZREM', ids, id)
    if redis.call('ZCARD', ids) == 0 then
        local place = place_of(collection)
        redis.call('ZREM', root .. 'c', place)
        redis.call('ZREM', root .. 'g:' .. string.match(collection, '[^/]*$'), place)
    end
end
local function is_state(collection) return string.match(collection, '[^/]*$') == 'states' end
local function out(index, member) redis.call('ZREM', root .. index, member) end
local function into(index, member) redis.call('ZADD', root .. index, 0, member) end
local function remove(key, collection, id, head)
    local place = place_of(collection) .. '\\1' .. id
    each(members_in(key, head), out)
    if is_state(collection) then out('t', string.sub(head, 17, 32) .. '\\1' .. place) end
    if string.sub(head, 33, 33) == 'x' then out('x', place) end
    redis.call('DEL', key)
    leave(collection, id)
end
"""

# How a moment is written in the fields of documents (see ``codec.time_text``): the days of the civil calendar.
_STAMP = """
local function text_of(us)
    local seconds, rest = math.floor(us / 1000000), us % 1000000
    local days, left = math.floor(seconds / 86400) + 719468, seconds % 86400
    local era = math.floor(days / 146097)
    local doe = days - era * 146097
    local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
    local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
    local mp = math.floor((5 * doy + 2) / 153)
    local day = doy - math.floor((153 * mp + 2) / 5) + 1
    local month = mp < 10 and mp + 3 or mp - 9
    local year = yoe + era * 400 + (month <= 2 and 1 or 0)
    return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%06d+00:00', year, month, day,
        math.floor(left / 3600), math.floor(left / 60) % 60, left % 60, rest)
end
"""

# KEYS: the clock, the documents of the writes. ARGV: the format, the root, how many that are over may be removed; then
# of each write its collection, its id, 'p', 'd' or 'c', its precondition ('', '0', '1' or an update time), its fields,
# what comes of them behind a stamp, its members, and until when it counts: a moment, and a ttl behind its commit.
# Told: {1, the time, how many were removed}, or {0, the number of the first write whose precondition did not hold}.
COMMIT = _script(
    _CLOCK,
    _WRITER,
    _STAMP,
    """
local now, offset, known = tell_time(true)
if known[3] and known[3] ~= ARGV[1] then return {'format', known[3]} end
local heads = {}
for i = 2, #KEYS do
    local head, wanted = head_of(KEYS[i]), ARGV[i * 8 - 9]
    if wanted == '0' then
        if head ~= '' then return {0, i - 2} end
    elseif wanted ~= '' and (head == '' or (wanted ~= '1' and wanted ~= string.sub(head, 17, 32))) then
        return {0, i - 2}
    end
    heads[i] = head
end
-- The first write: what is full, or a replica, refuses it, and with it all of the commit.
local kept = keep_time(now, offset, known)
if type(kept) == 'table' and kept.err then return kept end
-- What the user of an ACL may not do fails here, by commands that change nothing.
redis.call('SET', root .. 'd:', '', 'XX')
redis.call('DEL', root .. 'd:')
redis.call('ZADD', root .. 'i:', 'XX', 0, '')
redis.call('ZREM', root .. 'i:', '')
redis.call('ZCARD', root .. 'i:')
if not known[3] then redis.call('HSET', KEYS[1], 'format', ARGV[1]) end
local stamp = digits(now)
for i = 2, #KEYS do
    local key, head, at = KEYS[i], heads[i], i * 8 - 13
    local collection, id, kind = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
    if kind == 'd' and head ~= '' then
        remove(key, collection, id, head)
    elseif kind == 'p' then
        local place = place_of(collection) .. '\\1' .. id
        local before = head == '' and '' or members_in(key, head)
        local fields, members, expires = ARGV[at + 5], ARGV[at + 7], ARGV[at + 8]
        if ARGV[at + 6] ~= '' then fields = fields .. text_of(now) .. ARGV[at + 6] end
        local created = head == '' and stamp or string.sub(head, 1, 16)
        local mark = expires == '' and '-' or 'x'
        redis.call('SET', key, created .. stamp .. mark .. string.format('%08d', #members) .. members .. fields)
        if head == '' then enter(collection, id) end
        if before ~= members then
            each(before, out)
            each(members, into)
        end
        if is_state(collection) then
            if head ~= '' then out('t', string.sub(head, 17, 32) .. '\\1' .. place) end
            into('t', stamp .. '\\1' .. place)
        end
        if expires ~= '' then
            local latest, ttl = string.match(expires, '^(-?%d+) (-?%d+)$')
            redis.call('ZADD', root .. 'x', digits(math.max(tonumber(latest), now + tonumber(ttl))), place)
        elseif string.sub(head, 33, 33) == 'x' then
            out('x', place)
        end
    end
end
local removed = 0
if ARGV[3] ~= '0' then
    local over = redis.call('ZRANGEBYSCORE', root .. 'x', '-inf', '(' .. stamp, 'LIMIT', 0, ARGV[3])
    for i = 1, #over do
        local path = string.gsub(over[i], '\\1', '/')
        local collection, id = string.match(path, '^(.*)/([^/]*)$')
        local key = root .. 'd:' .. path
        local head = head_of(key)
        if head == '' then out('x', over[i]) else remove(key, collection, id, head) end
    end
    removed = #over
end
return {1, now, removed}
""",
)
