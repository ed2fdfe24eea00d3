-- Forgets an instance.
--   KEYS  the set of ids, the report
--   ARGV  1 the id
redis.call('DEL', KEYS[2])
redis.call('SREM', KEYS[1], ARGV[1])
return 'ok'
