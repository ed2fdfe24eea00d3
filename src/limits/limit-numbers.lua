-- The algorithms that keep a few numbers per key: a string of six doubles, the limit, window and burst that they were counted with first.
-- Each has `load` (reads, moves on to now, scales to the limit as it is), `check` (may one go?), `add` (counts so many), `save`, and `tell`.
local function get(l)
  local text = redis.call('GET', l.key)
  if text and #text == 48 then return struct.unpack('<dddddd', text) end
end

-- Keys that are as good as new vanish by themselves.
local function put(l, burst, a, b, c, keep_ms)
  if keep_ms <= 0 then return redis.call('DEL', l.key) end
  redis.call('SET', l.key, struct.pack('<dddddd', l.limit, l.window, burst, a, b, c), 'PX', string.format('%.0f', ceil(keep_ms) + 1))
end

-- When the window of this moment began. The clock may have gone back a little: a window that has begun is not left again.
local function window_start(window, known)
  local start = floor(now / window) * window
  if known and known > start and known - start <= window then return known end
  return start
end

-- token_bucket: a = level, b = since when, in microseconds
local token_bucket = {
  load = function(l)
    local limit, window, burst, level, since = get(l)
    l.level = 0
    if not limit then return end
    level = max(0, level - max(0, now_us - since) / 1000 * limit / window)
    l.level = burst == l.burst and level or level * l.burst / burst
  end,
  check = function(l)
    l.allowed = l.level + 1 <= l.burst + tolerance
    l.retry = l.allowed and 0 or (l.level + 1 - l.burst) * l.window / l.limit
  end,
  add = function(l, n) l.level = max(0, l.level + n) end,
  save = function(l) put(l, l.burst, l.level, now_us, 0, l.level * l.window / l.limit) end,
  room = function(l) return l.burst - l.level end,
  tell = function(l) return l.burst, floor(l.burst - l.level + tolerance), l.level * l.window / l.limit end
}

-- leaky_bucket: a = how far the queue reaches ahead, in milliseconds, b = since when; max_delay stands in the place of the burst
local leaky_bucket = {
  load = function(l)
    local limit, window, max_delay, behind, since = get(l)
    l.gap = l.window / l.limit
    l.behind = 0
    if not limit then return end
    local gap = window / limit
    behind = max(0, min(behind, max_delay + gap) - max(0, now_us - since) / 1000)
    l.behind = gap == l.gap and behind or behind * l.gap / gap
  end,
  check = function(l)
    l.allowed = l.behind <= l.max_delay + tolerance
    l.retry = l.allowed and 0 or l.behind - l.max_delay
    l.delay = l.allowed and l.behind or 0
  end,
  add = function(l, n) l.behind = l.behind + n * l.gap end,
  save = function(l) put(l, l.max_delay, l.behind, now_us, 0, l.behind) end,
  tell = function(l)
    local left = l.max_delay - l.behind + tolerance
    return floor(l.max_delay / l.gap + tolerance) + 1, left < 0 and 0 or floor(left / l.gap + tolerance) + 1, l.behind
  end
}

-- fixed_window: a = when the window began, b = count. What is above the limit (a debt) counts in the windows that follow.
local fixed_window = {
  load = function(l)
    local limit, window, _, start, count = get(l)
    l.count = 0
    l.start = window_start(l.window, limit and window == l.window and start)
    if not limit then return end
    local passed = floor((window_start(window, start) - start) / window + 0.5)
    if passed > 0 then count = max(0, count - passed * limit) end
    if passed < 0 then count = 0 end
    l.count = limit == l.limit and count or count * l.limit / limit
  end,
  check = function(l)
    l.allowed = l.count + 1 <= l.limit + tolerance
    l.retry = l.allowed and 0 or l.start + l.window * max(1, ceil((l.count + 1 - l.limit) / l.limit - tolerance)) - now
  end,
  add = function(l, n) l.count = max(0, l.count + n) end,
  save = function(l) put(l, l.limit, l.start, l.count, 0, l.count == 0 and 0 or l.start + l.window * max(1, ceil(l.count / l.limit)) - now) end,
  room = function(l) return l.limit - l.count end,
  tell = function(l) return l.limit, max(0, floor(l.limit - l.count + tolerance)), l.count == 0 and 0 or l.start + l.window - now end
}

local function in_view(l) return l.count + l.before * min(1, 1 - (now - l.start) / l.window) end

-- How long until no more than `wanted` are in view.
local function until_below(l, wanted)
  local into = now - l.start
  if l.count <= wanted then return l.before == 0 and 0 or max(0, l.window * (1 - (wanted - l.count) / l.before) - into) end
  return l.window - into + l.window * (1 - wanted / l.count)
end

-- sliding_window: a = when the window began, b = count, c = count of the window before
local sliding_window = {
  load = function(l)
    local limit, window, _, start, count, before = get(l)
    l.count, l.before = 0, 0
    l.start = window_start(l.window, limit and window == l.window and start)
    if not limit then return end
    local begun = window_start(window, start)
    local passed = floor((begun - start) / window + 0.5)
    if passed == 1 then count, before = 0, count end
    if passed > 1 or passed < 0 then return end
    local scale = l.limit / limit
    if window == l.window then
      l.count, l.before = count * scale, before * scale
    else
      -- Of another length: what is in view now is taken as one count of the new window.
      l.count = min(l.limit, in_view({ count = count, before = before, start = begun, window = window }) * scale)
    end
  end,
  check = function(l)
    l.allowed = in_view(l) + 1 <= l.limit + tolerance
    l.retry = l.allowed and 0 or until_below(l, l.limit - 1)
  end,
  add = function(l, n) l.count = max(0, l.count + n) end,
  save = function(l) put(l, l.limit, l.start, l.count, l.before, until_below(l, 0)) end,
  room = function(l) return l.limit - in_view(l) end,
  tell = function(l) return l.limit, max(0, floor(l.limit - in_view(l) + tolerance)), until_below(l, 0) end
}

local algorithms =
  { token_bucket = token_bucket, leaky_bucket = leaky_bucket, fixed_window = fixed_window, sliding_window = sliding_window }
