-- Leases tokens to an instance ahead of the requests, many keys in one call. After limit-clock.lua and limit-numbers.lua.
--   KEYS  one per ask
--   ARGV  1 see limit-clock.lua   2 for how long tokens are leased, in milliseconds
--         then per ask: algorithm, limit, window, burst, tokens that were used without a lease, leased ones that come back unused, in which window
--         those were leased, how many are wanted
-- Answers {time in microseconds, then per ask: granted, room, window, valid, edge, retry}: what is left in thousandths of a token (below 0 when
-- more was used than there was), the window they are of, how long they are good for, when the window ends, when there will be one if there is
-- none, the last three in microseconds.
local answer = { now_us }
local lease_ms = tonumber(ARGV[2])

local function take_back(l, unused, window)
  if not l.start or window == l.start then return l.algorithm.add(l, -unused) end
  if l.before and window == l.start - l.window then l.before = max(0, l.before - unused) end
end

for index, key in ipairs(KEYS) do
  local at = 8 * index - 5
  local l = {
    key = key,
    algorithm = algorithms[ARGV[at]],
    limit = tonumber(ARGV[at + 1]),
    window = tonumber(ARGV[at + 2]),
    burst = tonumber(ARGV[at + 3])
  }
  local algorithm, unused = l.algorithm, tonumber(ARGV[at + 5])
  algorithm.load(l)
  if unused > 0 then take_back(l, unused, tonumber(ARGV[at + 6])) end
  algorithm.add(l, tonumber(ARGV[at + 4]))
  local granted = min(tonumber(ARGV[at + 7]), max(0, floor(algorithm.room(l) + tolerance)))
  algorithm.add(l, granted)
  algorithm.save(l)
  algorithm.check(l)
  local edge = l.start and l.start + l.window - now or 0
  local n = #answer
  answer[n + 1] = granted
  answer[n + 2] = floor((algorithm.room(l) + tolerance) * 1000)
  answer[n + 3] = l.start or 0
  answer[n + 4] = floor((l.start and min(lease_ms, edge) or lease_ms) * 1000)
  answer[n + 5] = ceil(edge * 1000)
  answer[n + 6] = ceil(l.retry * 1000)
end
return answer
