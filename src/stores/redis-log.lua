-- Reads the commits after a revision.
--   KEYS  revision, epoch, log
--   ARGV  1 the id of the first log entry that is wanted
-- Answers {revision, epoch, {<commit as JSON>, ...}}.
local texts = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[3], ARGV[1], '+')) do
  texts[#texts + 1] = entry[2][2]
end
return { redis.call('GET', KEYS[1]) or '0', redis.call('GET', KEYS[2]) or '', texts }
