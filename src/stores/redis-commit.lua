-- Commits changes as one revision, or changes nothing.
--   KEYS  revision, epoch, seq, meta, log, then one hash of items per kind
--   ARGV  1 the revision it must be at, or ''      2 the epoch it must be of, or ''   3 the epoch of a new life
--         4 how many commits the log keeps         5 who, as JSON                     6 the channel
--         7 the largest commit that is published and logged whole, in bytes
--         then per change: 'put' or 'delete', the kind, its index in KEYS, the id, the id as JSON, the item as JSON
-- Answers {'ok', <commit as JSON>} or {'precondition', <revision>}.
-- A script is not rolled back: whatever can fail is looked at before the first write.
local revision_key, epoch_key, seq_key, meta_key, log_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]

local expected_types = { 'string', 'string', 'string', 'hash', 'stream' }
for index, key in ipairs(KEYS) do
  local found = redis.call('TYPE', key).ok
  if found ~= 'none' and found ~= (expected_types[index] or 'hash') then
    return redis.error_reply('ERR the key ' .. key .. ' holds a ' .. found)
  end
end

local function integer(key)
  local text = redis.call('GET', key) or '0'
  if not string.match(text, '^%d+$') or #text > 15 then return nil end
  return tonumber(text)
end

local revision, seq, epoch = integer(revision_key), integer(seq_key), redis.call('GET', epoch_key)
if not revision then return redis.error_reply('ERR the key ' .. revision_key .. ' holds no revision') end
if not seq then return redis.error_reply('ERR the key ' .. seq_key .. ' holds no number') end
if ARGV[1] ~= '' and (tonumber(ARGV[1]) ~= revision or (ARGV[2] ~= '' and ARGV[2] ~= epoch)) then
  return { 'precondition', revision }
end

-- RFC 3339 in UTC; the date from the day number is Howard Hinnant's civil_from_days.
local function timestamp()
  local time = redis.call('TIME')
  local seconds = tonumber(time[1])
  local days = math.floor(seconds / 86400) + 719468
  local era = math.floor(days / 146097)
  local day_of_era = days - era * 146097
  local year_of_era = math.floor((day_of_era - math.floor(day_of_era / 1460) + math.floor(day_of_era / 36524) - math.floor(day_of_era / 146096)) / 365)
  local day_of_year = day_of_era - (365 * year_of_era + math.floor(year_of_era / 4) - math.floor(year_of_era / 100))
  local shifted = math.floor((5 * day_of_year + 2) / 153)
  local day = day_of_year - math.floor((153 * shifted + 2) / 5) + 1
  local month = shifted < 10 and shifted + 3 or shifted - 9
  local year = year_of_era + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, day, math.floor(seconds / 3600) % 24,
    math.floor(seconds / 60) % 60, seconds % 60, math.floor(tonumber(time[2]) / 1000))
end

if not epoch then
  epoch = ARGV[3]
  redis.call('SET', epoch_key, epoch)
end

-- An item put in by hand has no seq in meta: it counts as older than all and stays so when it is replaced.
local function seq_of(item_key, kind, id)
  local member = kind .. '/' .. id
  if redis.call('HEXISTS', item_key, id) == 1 then return tonumber(redis.call('HGET', meta_key, member)) or 0 end
  local next_seq = redis.call('INCR', seq_key)
  redis.call('HSET', meta_key, member, next_seq)
  return next_seq
end

local changes = {}
for at = 8, #ARGV, 6 do
  local op, kind, item_key, id = ARGV[at], ARGV[at + 1], KEYS[tonumber(ARGV[at + 2])], ARGV[at + 3]
  local head = '{"op":"' .. op .. '","kind":"' .. kind .. '","id":' .. ARGV[at + 4]
  if op == 'put' then
    local item_seq = seq_of(item_key, kind, id)
    redis.call('HSET', item_key, id, ARGV[at + 5])
    changes[#changes + 1] = head .. ',"item":' .. ARGV[at + 5] .. ',"seq":' .. string.format('%.0f', item_seq) .. '}'
  else
    redis.call('HDEL', item_key, id)
    redis.call('HDEL', meta_key, kind .. '/' .. id)
    changes[#changes + 1] = head .. '}'
  end
end

revision = redis.call('INCR', revision_key)
local revision_text = string.format('%.0f', revision)
local at = timestamp()
local envelope = '{"epoch":' .. cjson.encode(epoch) .. ',"revision":' .. revision_text .. ',"at":"' .. at .. '","by":' .. ARGV[5]
local commit = envelope .. ',"changes":[' .. table.concat(changes, ',') .. ']}'
-- A subscriber whose output buffer fills up is cut off, and a log of huge commits fills the memory: those are read from the items.
local notice = #commit <= tonumber(ARGV[7]) and commit or envelope .. '}'

local function log_it()
  return redis.pcall('XADD', log_key, 'MAXLEN', '~', ARGV[4], revision_text .. '-0', 'commit', notice, 'at', at)
end
local logged = log_it()
if type(logged) == 'table' and logged.err then
  -- The log is ahead of the revision, so it is of another life: it starts again.
  redis.call('DEL', log_key)
  log_it()
end
redis.call('PUBLISH', ARGV[6], notice)
return { 'ok', commit }
