-- One decision of GCRA (the leaky bucket as a meter) by the clock of Redis alone, since those of the
-- replicas differ. The key holds the theoretical arrival time of the next message.
--
-- KEYS[1] the limit   ARGV[1] microseconds per message   ARGV[2] messages at once
-- gives {1 let in or 0 refused, messages left, microseconds until the next is let in}
local clock = redis.call('TIME')
-- from 2025 on, so that fractions of a microsecond fit into a double
local now = (tonumber(clock[1]) - 1735689600) * 1000000 + tonumber(clock[2])
local each = tonumber(ARGV[1])
local burst = tonumber(ARGV[2]) * each
local due = tonumber(redis.call('GET', KEYS[1]) or now) or now
-- a clock that was set back, or a quota that was made smaller, locks nobody out for longer than a burst
due = math.max(now, math.min(due, now + burst))
local after = due + each
if after - now > burst + 0.5 then
  return {0, 0, math.ceil(after - burst - now)}
end
redis.call('SET', KEYS[1], string.format('%.3f', after), 'PX', math.ceil((after - now) / 1000) + 1)
local left = math.floor((burst - (after - now)) / each + 0.000001)
return {1, left, 0}
