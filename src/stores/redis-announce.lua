-- Makes the report of an instance known for a while.
--   KEYS  the set of ids, the report
--   ARGV  1 the id   2 the report   3 for how long, in milliseconds
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
redis.call('SADD', KEYS[1], ARGV[1])
return 'ok'
