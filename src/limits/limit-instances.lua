-- Says that an instance is there, or is gone, and how many there are. After limit-clock.lua.
--   KEYS  1 the sorted set of instances, by when each was last heard
--   ARGV  1 see limit-clock.lua   2 the name   3 for how long it counts, in milliseconds; 0: it is gone
-- Answers {time in microseconds, how many}.
local keep = tonumber(ARGV[3])
if keep == 0 then
  redis.call('ZREM', KEYS[1], ARGV[2])
else
  redis.call('ZADD', KEYS[1], string.format('%.0f', now_us + 1000 * keep), ARGV[2])
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', keep))
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now_us))
return { now_us, redis.call('ZCARD', KEYS[1]) }
