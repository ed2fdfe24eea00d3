-- Commits changes as one revision, or changes nothing. After redis-functions.lua.
--   KEYS  revision, epoch, seq, meta, log, then one hash of items per kind
--   ARGV  1 the revision it must be at, or ''      2 the epoch it must be of, or ''   3 the epoch of a new life
--         4 how many commits the log keeps         5 who, as JSON                     6 the channel
--         7 the largest commit that is published whole, in bytes   8 the largest that is logged whole, with what was before
--         9 how large the log may become by such   10 the longest text that is an item
--         then per change: 'put' or 'delete', the kind, its index in KEYS, the id, the id as JSON, the item as JSON
-- Answers {'ok', <commit as JSON>} or {'precondition', <revision>}.
local revision_key, epoch_key, seq_key, meta_key, log_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local wrong = wrong_type()
if wrong then return wrong end

local revision, seq, epoch = integer(revision_key), integer(seq_key), redis.call('GET', epoch_key)
if not revision then return redis.error_reply('ERR the key ' .. revision_key .. ' holds no revision') end
if not seq then return redis.error_reply('ERR the key ' .. seq_key .. ' holds no number') end
if ARGV[1] ~= '' and (tonumber(ARGV[1]) ~= revision or (ARGV[2] ~= '' and ARGV[2] ~= epoch)) then
  return { 'precondition', revision }
end

if not epoch then
  epoch = ARGV[3]
  redis.call('SET', epoch_key, epoch)
end

-- What is there before a change: its text and seq. An item put in by hand has no seq in meta: it counts as older than all.
local function find(item_key, kind, id)
  local text = redis.call('HGET', item_key, id)
  return text, text and (tonumber(redis.call('HGET', meta_key, kind .. '/' .. id)) or 0)
end

local function next_seq(kind, id)
  local given = redis.call('INCR', seq_key)
  redis.call('HSET', meta_key, kind .. '/' .. id, given)
  return given
end

local function previous_of(text, item_seq)
  if not text then return 'null' end
  local kept = #text <= tonumber(ARGV[10]) and '"text":' .. cjson.encode(text) .. ',' or ''
  return '{' .. kept .. '"seq":' .. string.format('%.0f', item_seq) .. '}'
end

local changes, previous = {}, {}
for at = 11, #ARGV, 6 do
  local op, kind, item_key, id = ARGV[at], ARGV[at + 1], KEYS[tonumber(ARGV[at + 2])], ARGV[at + 3]
  local head = '{"op":"' .. op .. '","kind":"' .. kind .. '","id":' .. ARGV[at + 4]
  local text, item_seq = find(item_key, kind, id)
  previous[#previous + 1] = previous_of(text, item_seq)
  if op == 'put' then
    item_seq = item_seq or next_seq(kind, id)
    redis.call('HSET', item_key, id, ARGV[at + 5])
    changes[#changes + 1] = head .. ',"item":' .. ARGV[at + 5] .. ',"seq":' .. string.format('%.0f', item_seq) .. '}'
  else
    redis.call('HDEL', item_key, id)
    redis.call('HDEL', meta_key, kind .. '/' .. id)
    changes[#changes + 1] = head .. '}'
  end
end

revision = redis.call('INCR', revision_key)
local at = timestamp()
local envelope = envelope_of(epoch, revision, at, ARGV[5])
local commit = envelope .. ',"changes":[' .. table.concat(changes, ',') .. ']}'
local before = '[' .. table.concat(previous, ',') .. ']'
local largest_notice, largest_entry = tonumber(ARGV[7]), tonumber(ARGV[8])
-- A subscriber whose output buffer fills up is cut off.
local notice = #commit <= largest_notice and commit or envelope .. '}'

if #commit + #before <= largest_entry then
  append(log_key, ARGV[4], revision, commit, at, before)
else
  append(log_key, ARGV[4], revision, envelope .. '}', at, '')
end
-- Large commits must not fill the memory: the older ones make room.
if #commit + #before > largest_notice then
  while redis.call('MEMORY', 'USAGE', log_key, 'SAMPLES', 0) > tonumber(ARGV[9]) and redis.call('XLEN', log_key) > 1 do
    redis.call('XTRIM', log_key, 'MAXLEN', math.floor(redis.call('XLEN', log_key) / 2))
  end
end
redis.call('PUBLISH', ARGV[6], notice)
return { 'ok', commit }
