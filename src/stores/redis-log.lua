-- Reads the commits after a revision. After redis-functions.lua.
--   KEYS  revision, epoch, log, head
--   ARGV  1 the revision after which they are wanted   2 the id of the first log entry that is wanted
-- Answers {revision, epoch or '', the head of the revision in ARGV or '', {<commit as JSON>, ...}}.
local texts = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[3], ARGV[2], '+')) do
  texts[#texts + 1] = field_of(entry, 'commit')
end
local revision = redis.call('GET', KEYS[1]) or '0'
local head = revision == ARGV[1] and newest_head(KEYS[4], revision) or head_of(KEYS[3], ARGV[1])
return { revision, redis.call('GET', KEYS[2]) or '', head, texts }
