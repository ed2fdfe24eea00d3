-- Reads everything at one revision.
--   KEYS  revision, epoch, meta, then one hash of items per kind
--   ARGV  1 the epoch of a new life   2 the longest text that is an item, in bytes; a longer one is answered as nil
-- Answers {revision, epoch, {member, seq, ...}, {id, text, ...}, ...}, the last once per kind.
local epoch = redis.call('GET', KEYS[2])
if not epoch then
  epoch = ARGV[1]
  redis.call('SET', KEYS[2], epoch)
end
local answer = { redis.call('GET', KEYS[1]) or '0', epoch, redis.call('HGETALL', KEYS[3]) }
local longest = tonumber(ARGV[2])
for index = 4, #KEYS do
  local pairs_of_kind = redis.call('HGETALL', KEYS[index])
  for at = 2, #pairs_of_kind, 2 do
    if #pairs_of_kind[at] > longest then pairs_of_kind[at] = false end
  end
  answer[#answer + 1] = pairs_of_kind
end
return answer
