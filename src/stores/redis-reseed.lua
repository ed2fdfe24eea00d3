-- Makes a known configuration the content of a store that lost its data. After redis-functions.lua.
--   KEYS  as redis-commit.lua
--   ARGV  1 the epoch   2 the revision   3 the head of that revision, or ''   4 the largest seq   5 who, as JSON   6 the channel
--         7 how many commits the log keeps   then per item: the kind, its index in KEYS, the id, the seq, the item as JSON
-- Answers {'ok', <commit as JSON>}, or {'precondition', <revision>} when the data are of the epoch already.
local revision_key, epoch_key, seq_key, meta_key, log_key, head_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local wrong = wrong_type()
if wrong then return wrong end
local epoch, base, head, by = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[5]
if redis.call('GET', epoch_key) == epoch then return { 'precondition', integer(revision_key) or 0 } end

for _, key in ipairs(KEYS) do redis.call('DEL', key) end
local items, seqs = {}, {}
for at = 8, #ARGV, 5 do
  local kind, item_key, id = ARGV[at], KEYS[tonumber(ARGV[at + 1])], ARGV[at + 2]
  add(seqs, meta_key, kind .. '/' .. id, ARGV[at + 3])
  add(items, item_key, id, ARGV[at + 4])
end
write_many('HSET', seqs)
write_many('HSET', items)
redis.call('SET', epoch_key, epoch)
redis.call('SET', seq_key, ARGV[4])
redis.call('SET', revision_key, whole(base + 1))
-- The log knows the commit before, so that whoever is there can go on from it.
if head ~= '' and base > 0 then append(log_key, ARGV[7], base, envelope_of(epoch, base, head, by) .. '}', head, '') end
local at = timestamp()
set_head(head_key, base + 1, at)
local commit = envelope_of(epoch, base + 1, at, by) .. ',"changes":[]}'
append(log_key, ARGV[7], base + 1, commit, at, '[]')
redis.call('PUBLISH', ARGV[6], commit)
return { 'ok', commit }
