-- Takes one request each from all limits of a group, or from none of them; for many groups, one after the other. After limit-clock.lua.
--   KEYS  one per limit, in the order of the groups
--   ARGV  1 see limit-clock.lua   2 for how long a place is held, in milliseconds
--         then per group: how many limits, 1 to take or 0 to look
--           and per limit: its algorithm, limit, window, burst, longest delay, name of the place
-- Answers {time in microseconds, then per limit: allowed, limit, remaining, reset, retry, delay}, the last three in microseconds.
local answer = { now_us }

local function read_limit(key, at)
  return {
    key = key,
    algorithm = algorithms[ARGV[at]],
    limit = tonumber(ARGV[at + 1]),
    window = tonumber(ARGV[at + 2]),
    burst = tonumber(ARGV[at + 3]),
    max_delay = tonumber(ARGV[at + 4]),
    place = ARGV[at + 5],
    retry = 0,
    delay = 0
  }
end

local function write_decision(l)
  local limit, remaining, reset = l.algorithm.tell(l)
  local n = #answer
  answer[n + 1] = l.allowed and 1 or 0
  answer[n + 2] = limit
  answer[n + 3] = remaining
  answer[n + 4] = ceil(reset * 1000)
  -- Whoever comes back then is let in.
  answer[n + 5] = ceil(l.retry * 1000)
  answer[n + 6] = floor(l.delay * 1000)
end

local at, key = 3, 1
while at <= #ARGV do
  local group, all = {}, true
  local count, takes = tonumber(ARGV[at]), ARGV[at + 1] == '1'
  at = at + 2
  for index = 1, count do
    local l = read_limit(KEYS[key], at)
    l.algorithm.load(l)
    l.algorithm.check(l)
    all = all and l.allowed
    group[index] = l
    at, key = at + 6, key + 1
  end
  for index = 1, count do
    local l = group[index]
    if all and takes then
      l.algorithm.add(l, 1)
      l.algorithm.save(l)
    end
    write_decision(l)
  end
end
return answer
