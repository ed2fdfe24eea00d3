-- Reads the log backwards. After redis-functions.lua.
--   KEYS  epoch, log
--   ARGV  1 the id of the newest entry that is wanted, or '+'   2 how many
-- Answers {epoch or '', {<id>, <commit as JSON>, <what was before as JSON, or ''>}, ...}.
local answer = { redis.call('GET', KEYS[1]) or '' }
for _, entry in ipairs(redis.call('XREVRANGE', KEYS[2], ARGV[1], '-', 'COUNT', ARGV[2])) do
  answer[#answer + 1] = { entry[1], field_of(entry, 'commit'), field_of(entry, 'previous') }
end
return answer
