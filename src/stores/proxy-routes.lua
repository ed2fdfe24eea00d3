-- Reads a hash, when it is not the one that is known already.
--   KEYS  the hash
--   ARGV  1 the digest of what is known, or ''   2 the longest text that is a path or a target, in bytes; a longer one is answered as nil
-- Answers {digest} or {digest, {path, target, ...}}.
local flat = redis.call('HGETALL', KEYS[1])
local parts = {}
for index, text in ipairs(flat) do
  parts[index] = #text .. ':' .. text
end
local digest = redis.sha1hex(table.concat(parts))
if digest == ARGV[1] then return { digest } end
for index = 1, #flat do
  if #flat[index] > tonumber(ARGV[2]) then flat[index] = false end
end
return { digest, flat }
