-- Put in front of other scripts.

-- `at` of the commit that made the revision, or '' when the log does not have it.
local function head_of(log_key, revision)
  local id = revision .. '-0'
  if not string.match(revision, '^%d+$') then return '' end
  -- A log that cannot be read is one that does not tell: the items are still there to be loaded.
  local entry = redis.pcall('XRANGE', log_key, id, id)[1]
  if type(entry) ~= 'table' then return '' end
  local fields = entry[2]
  for index = 1, #fields, 2 do
    if fields[index] == 'at' then return fields[index + 1] end
  end
  return ''
end
