-- Commits changes as one revision, or changes nothing. After redis-functions.lua.
--   KEYS  revision, epoch, seq, meta, log, head, then one hash of items per kind
--   ARGV  1 the revision it must be at, or ''      2 the epoch it must be of, or ''   3 the epoch of a new life
--         4 how many commits the log keeps         5 who, as JSON                     6 the channel
--         7 the largest commit that is published whole, in bytes   8 the largest that is logged whole, with what was before
--         9 how large the log may become by such   10 the longest text that is an item
--         then per change: 'put' or 'delete', the kind, its index in KEYS, the id, the id as JSON, the item as JSON
-- Answers {'ok', <commit as JSON>} or {'precondition', <revision>}.
local revision_key, epoch_key, seq_key, meta_key, log_key, head_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
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

-- Whoever else asks Redis waits meanwhile: a commit of thousands of changes is a few calls.
local first, step = 11, 6
local ids, members = {}, {}
for at = first, #ARGV, step do
  local item_key = KEYS[tonumber(ARGV[at + 2])]
  ids[item_key] = ids[item_key] or {}
  table.insert(ids[item_key], ARGV[at + 3])
  table.insert(members, ARGV[at + 1] .. '/' .. ARGV[at + 3])
end
local seqs = read_many(meta_key, members)
local texts, next_text = {}, {}
for item_key, some in pairs(ids) do
  texts[item_key], next_text[item_key] = read_many(item_key, some), 1
end

local function text_before(item_key)
  local at = next_text[item_key]
  next_text[item_key] = at + 1
  return texts[item_key][at]
end

local function previous_of(text, item_seq)
  if not text then return 'null' end
  local kept = #text <= tonumber(ARGV[10]) and '"text":' .. cjson.encode(text) .. ',' or ''
  return '{' .. kept .. '"seq":' .. whole(item_seq) .. '}'
end

local changes, previous = {}, {}
local puts, new_seqs, deletes, forgotten = {}, {}, {}, {}
for at = first, #ARGV, step do
  local op, item_key, id, member = ARGV[at], KEYS[tonumber(ARGV[at + 2])], ARGV[at + 3], members[#changes + 1]
  local start = '{"op":"' .. op .. '","kind":"' .. ARGV[at + 1] .. '","id":' .. ARGV[at + 4]
  local text = text_before(item_key)
  -- An item put in by hand has no seq in meta: it counts as older than all and stays so when it is replaced.
  local item_seq = text and (tonumber(seqs[#changes + 1]) or 0)
  previous[#previous + 1] = previous_of(text, item_seq)
  if op == 'put' then
    if not item_seq then
      seq = seq + 1
      item_seq = seq
      add(new_seqs, meta_key, member, whole(seq))
    end
    add(puts, item_key, id, ARGV[at + 5])
    changes[#changes + 1] = start .. ',"item":' .. ARGV[at + 5] .. ',"seq":' .. whole(item_seq) .. '}'
  else
    add(deletes, item_key, id)
    add(forgotten, meta_key, member)
    changes[#changes + 1] = start .. '}'
  end
end
write_many('HSET', puts)
write_many('HDEL', deletes)
write_many('HSET', new_seqs)
write_many('HDEL', forgotten)
if new_seqs[meta_key] then redis.call('SET', seq_key, whole(seq)) end

revision = redis.call('INCR', revision_key)
local at = timestamp()
local envelope = envelope_of(epoch, revision, at, ARGV[5])
local commit = envelope .. ',"changes":[' .. table.concat(changes, ',') .. ']}'
local before = '[' .. table.concat(previous, ',') .. ']'
local largest_notice, largest_entry = tonumber(ARGV[7]), tonumber(ARGV[8])
-- A subscriber whose output buffer fills up is cut off.
local notice = #commit <= largest_notice and commit or envelope .. '}'

set_head(head_key, revision, at)
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
