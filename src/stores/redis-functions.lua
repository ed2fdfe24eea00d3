-- Functions that the scripts share: put in front of them.

-- An error reply when a key holds another type than it should, before anything is written: a script is not rolled back.
local function wrong_type()
  local expected_types = { 'string', 'string', 'string', 'hash', 'stream', 'string' }
  for index, key in ipairs(KEYS) do
    local found = redis.call('TYPE', key).ok
    if found ~= 'none' and found ~= (expected_types[index] or 'hash') then
      return redis.error_reply('ERR the key ' .. key .. ' holds a ' .. found)
    end
  end
end

-- The whole number that a key holds, 0 when it is not there, nil when it is something else.
local function integer(key)
  local text = redis.call('GET', key) or '0'
  if not string.match(text, '^%d+$') or #text > 15 then return nil end
  return tonumber(text)
end

-- A whole number as text; tostring() would write a large one with an exponent.
local function whole(number)
  return string.format('%.0f', number)
end

-- How many arguments one call takes: Lua can unpack some thousands.
local many = 4000

-- The values of many fields of a hash, false where there is none.
local function read_many(key, fields)
  local values = {}
  for from = 1, #fields, many do
    local to = math.min(from + many - 1, #fields)
    for index, value in ipairs(redis.call('HMGET', key, unpack(fields, from, to))) do
      values[from + index - 1] = value
    end
  end
  return values
end

-- Collects arguments for `write_many`.
local function add(lists, key, ...)
  local list = lists[key] or {}
  lists[key] = list
  for index = 1, select('#', ...) do
    list[#list + 1] = (select(index, ...))
  end
end

-- Calls a command with the collected arguments of each key.
local function write_many(command, lists)
  for key, list in pairs(lists) do
    for from = 1, #list, many do
      redis.call(command, key, unpack(list, from, math.min(from + many - 1, #list)))
    end
  end
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

-- The beginning of a commit as JSON; its changes and a brace follow. `by` is JSON already.
local function envelope_of(epoch, revision, at, by)
  return '{"epoch":' .. cjson.encode(epoch) .. ',"revision":' .. whole(revision) .. ',"at":"' .. at .. '","by":' .. by
end

-- Appends a commit to the log, in which `at` names it and `previous` is what was there before, as JSON.
local function append(log_key, log_length, revision, commit, at, previous)
  local function log_it()
    return redis.pcall('XADD', log_key, 'MAXLEN', '~', log_length, whole(revision) .. '-0', 'commit', commit, 'at', at, 'previous', previous)
  end
  local logged = log_it()
  if type(logged) == 'table' and logged.err then
    -- The log is ahead of the revision, so it is of another life: it starts again.
    redis.call('DEL', log_key)
    log_it()
  end
end

local function field_of(entry, name)
  local fields = entry[2]
  for index = 1, #fields, 2 do
    if fields[index] == name then return fields[index + 1] end
  end
  return ''
end

-- Which revision is the newest, and `at` of its commit: for a look that is quick however large that commit is.
local function set_head(head_key, revision, at)
  redis.call('SET', head_key, whole(revision) .. ' ' .. at)
end

-- `at` of the commit that made the revision, which is the newest; '' when it was raised by hand.
local function newest_head(head_key, revision)
  local of, at = string.match(redis.call('GET', head_key) or '', '^(%d+) (.+)$')
  return of == revision and at or ''
end

-- The same for any revision, when the log has it.
local function head_of(log_key, revision)
  if not string.match(revision, '^%d+$') then return '' end
  local id = revision .. '-0'
  -- A log that cannot be read is one that does not tell: the items are still there to be loaded.
  local entry = redis.pcall('XRANGE', log_key, id, id)[1]
  return type(entry) == 'table' and field_of(entry, 'at') or ''
end
