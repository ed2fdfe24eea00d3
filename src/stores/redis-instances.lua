-- Reads the reports that have not run out, and forgets the ids of those that have.
--   KEYS  the set of ids
--   ARGV  1 what a report's key begins with, in the slot of KEYS; the id follows
local reports = {}
for _, id in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local report = redis.call('GET', ARGV[1] .. id)
  if report then
    reports[#reports + 1] = report
  else
    redis.call('SREM', KEYS[1], id)
  end
end
return reports
