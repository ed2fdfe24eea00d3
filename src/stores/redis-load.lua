-- Reads everything at one revision.
--   KEYS  revision, epoch, meta, then one hash of items per kind
--   ARGV  1 the epoch of a new life
-- Answers {revision, epoch, {member, seq, ...}, {id, text, ...}, ...}, the last once per kind.
local epoch = redis.call('GET', KEYS[2])
if not epoch then
  epoch = ARGV[1]
  redis.call('SET', KEYS[2], epoch)
end
local answer = { redis.call('GET', KEYS[1]) or '0', epoch }
for index = 3, #KEYS do
  answer[#answer + 1] = redis.call('HGETALL', KEYS[index])
end
return answer
