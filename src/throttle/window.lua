-- What window.rs does, for several windows at once and in one round trip.
-- KEYS: one hash a window, moment -> how many were taken of it.
-- ARGV: 1 to take (0 only looks); the moment in milliseconds ("" is this server's clock, so that instances
-- whose clocks differ agree); then count, span and grain of each window.
-- Takes of all windows or of none. Answers the wait in milliseconds until all have room.
local take, now = ARGV[1] == '1', tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function text(moment) return string.format('%.0f', moment) end

local wait, slots = 0, {}
for i, key in ipairs(KEYS) do
  local count, span, grain = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
  local slot, life = now - now % grain, span + grain - 1
  slots[i] = { key = key, slot = text(slot), ttl = span + grain }
  local taken, ahead, oldest = 0, 0, nil
  local marks = redis.call('HGETALL', key)
  for m = 1, #marks, 2 do
    local at, many = tonumber(marks[m]), tonumber(marks[m + 1])
    if at + life <= now then
      redis.call('HDEL', key, marks[m])
    else
      taken = taken + many
      if at > slot then -- the clock went back: it counts as taken now
        redis.call('HDEL', key, marks[m])
        ahead, at = ahead + many, slot
      end
      if not oldest or at < oldest then oldest = at end
    end
  end
  if ahead > 0 then
    redis.call('HINCRBY', key, text(slot), ahead)
    redis.call('PEXPIRE', key, text(span + grain))
  end
  if taken >= count then wait = math.max(wait, oldest + life - now) end
end

if take and wait == 0 then
  for _, window in ipairs(slots) do
    redis.call('HINCRBY', window.key, window.slot, 1)
    redis.call('PEXPIRE', window.key, text(window.ttl))
  end
end
return wait
