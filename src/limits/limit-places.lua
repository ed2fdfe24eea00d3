-- Renews and frees places of limits of concurrency. After limit-clock.lua.
--   KEYS  one per place
--   ARGV  1 see limit-clock.lua   2 for how long a place is held, in milliseconds   then per place: 'renew' or 'free', its name
-- Answers {time in microseconds}.
for index, key in ipairs(KEYS) do
  local verb, name = ARGV[2 * index + 1], ARGV[2 * index + 2]
  if verb == 'free' then
    redis.call('ZREM', key, name)
  else
    -- One that has run out is taken again: its request is in flight, whatever the limit says.
    redis.call('ZADD', key, string.format('%.0f', now_us + 1000 * tonumber(ARGV[2])), name)
    redis.call('PEXPIRE', key, ARGV[2] + 1)
  end
end
return { now_us }
