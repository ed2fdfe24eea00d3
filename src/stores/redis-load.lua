-- Reads everything at one revision. After redis-functions.lua.
--   KEYS  revision, epoch, head, meta, then one hash of items per kind
--   ARGV  1 the longest text that is an item, in bytes; a longer one is answered as nil
-- Answers {revision, epoch or '', head or '', {member, seq, ...}, {id, text, ...}, ...}, the last once per kind.
-- It writes nothing: an epoch made here would hide that the data were lost.
local revision = redis.call('GET', KEYS[1]) or '0'
local answer = { revision, redis.call('GET', KEYS[2]) or '', newest_head(KEYS[3], revision), redis.call('HGETALL', KEYS[4]) }
local longest = tonumber(ARGV[1])
for index = 5, #KEYS do
  local pairs_of_kind = redis.call('HGETALL', KEYS[index])
  for at = 2, #pairs_of_kind, 2 do
    if #pairs_of_kind[at] > longest then pairs_of_kind[at] = false end
  end
  answer[#answer + 1] = pairs_of_kind
end
return answer
