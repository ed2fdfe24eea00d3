-- The algorithms that keep facts: when each request came, which are in flight. A changed limit does not scale them.
--   ARGV  2 for how long a place is held, in milliseconds
local place_ms = tonumber(ARGV[2])

-- The first place in the list whose time is after `cutoff`; all before it have left the window.
local function first_after(key, cutoff, size)
  if tonumber(redis.call('LINDEX', key, 0)) > cutoff then return 0 end
  local low, high = 1, size
  while low < high do
    local middle = floor((low + high) / 2)
    if tonumber(redis.call('LINDEX', key, middle)) > cutoff then high = middle else low = middle + 1 end
  end
  return low
end

-- A list of microseconds, oldest first: some ten bytes each.
algorithms.sliding_log = {
  load = function(l)
    l.at, l.count = now_us, redis.call('LLEN', l.key)
    if l.count == 0 then return end
    local newest = tonumber(redis.call('LINDEX', l.key, -1))
    -- The clock has gone back: by little, and time stands still until it is there again; by more than a window, and all is over.
    if newest > now_us + l.window * 1000 then
      redis.call('DEL', l.key)
      l.count = 0
      return
    end
    l.at = max(now_us, newest)
    local gone = first_after(l.key, l.at - l.window * 1000, l.count)
    if gone > 0 then
      redis.call('LTRIM', l.key, gone, -1)
      l.count = l.count - gone
    end
  end,
  check = function(l)
    l.allowed = l.count + 1 <= l.limit
    if not l.allowed then l.retry = tonumber(redis.call('LINDEX', l.key, l.count - l.limit)) / 1000 + l.window - now end
  end,
  add = function(l)
    l.count = l.count + 1
    redis.call('RPUSH', l.key, string.format('%.0f', l.at))
    redis.call('PEXPIRE', l.key, string.format('%.0f', l.window + ceil((l.at - now_us) / 1000) + 1))
  end,
  save = function() end,
  tell = function(l)
    local newest = l.count > 0 and tonumber(redis.call('LINDEX', l.key, -1))
    return l.limit, max(0, l.limit - l.count), newest and newest / 1000 + l.window - now or 0
  end
}

-- A sorted set of places, by when each is free again unless it is renewed.
algorithms.concurrency = {
  load = function(l)
    redis.call('ZREMRANGEBYSCORE', l.key, '-inf', now_us)
    l.count = redis.call('ZCARD', l.key)
    -- Only a clock that has gone back leaves places that are held for longer than a place can be.
    if l.count >= l.limit and redis.call('ZREMRANGEBYSCORE', l.key, string.format('(%.0f', now_us + 2000 * place_ms), '+inf') > 0 then
      l.count = redis.call('ZCARD', l.key)
    end
  end,
  check = function(l) l.allowed = l.count + 1 <= l.limit end,
  add = function(l)
    l.count = l.count + 1
    redis.call('ZADD', l.key, string.format('%.0f', now_us + 1000 * place_ms), l.place)
    redis.call('PEXPIRE', l.key, place_ms + 1)
  end,
  save = function() end,
  -- When one ends, nobody knows.
  tell = function(l) return l.limit, max(0, l.limit - l.count), 0 end
}
