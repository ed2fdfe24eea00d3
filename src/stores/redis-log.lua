-- Reads the commits after a revision. After redis-functions.lua.
--   KEYS  revision, epoch, log
--   ARGV  1 the revision after which they are wanted   2 the id of the first log entry that is wanted
-- Answers {revision, epoch or '', the head of the revision in ARGV or '', {<commit as JSON>, ...}}.
local texts = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[3], ARGV[2], '+')) do
  texts[#texts + 1] = field_of(entry, 'commit')
end
return { redis.call('GET', KEYS[1]) or '0', redis.call('GET', KEYS[2]) or '', head_of(KEYS[3], ARGV[1]), texts }
