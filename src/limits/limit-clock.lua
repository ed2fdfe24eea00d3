-- What all scripts of limits begin with: the server's time, and requests that come too late.
--   ARGV  1 up to when the script may run, in microseconds on this clock, or 0
local clock = redis.call('TIME')
-- Whole microseconds, so that differences are exact.
local now_us = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local now = now_us / 1000
-- Whoever asked has given up: nothing is counted for it. Answers {time in microseconds, -1}.
local not_after = tonumber(ARGV[1])
if not_after > 0 and now_us > not_after then return { now_us, -1 } end

-- As in src/core/limit/algorithm.ts.
local tolerance = 0.000001
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min
