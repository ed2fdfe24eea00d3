-- Where the store stands. After redis-functions.lua.
--   KEYS  revision, epoch, head
-- Answers {revision, epoch or '', head or ''}.
local revision = redis.call('GET', KEYS[1]) or '0'
return { revision, redis.call('GET', KEYS[2]) or '', newest_head(KEYS[3], revision) }
