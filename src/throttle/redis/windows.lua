-- What sliding.rs and even.rs do, for several windows at once and in one round trip.
-- KEYS: one hash a window. A sliding one: moment -> how many were taken of it. An even one: "at", and the "debt" then.
-- ARGV: 1 to take (0 only looks); the moment in milliseconds ("" is this server's clock, so that instances
-- whose clocks differ agree); then count, span and grain of each window, where 0 is the grain of an even one.
-- Takes of all windows or of none. Answers the wait in milliseconds until all have room.
local take, now = ARGV[1] == '1', tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function text(number) return string.format('%.0f', number) end

-- Both give the wait, and what takes one.
local function sliding(key, count, span, grain)
  local slot, life = now - now % grain, span + grain - 1
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
  local function mark(many)
    redis.call('HINCRBY', key, text(slot), many)
    redis.call('PEXPIRE', key, text(span + grain))
  end
  if ahead > 0 then mark(ahead) end
  return taken >= count and oldest + life - now or 0, function() mark(1) end
end

local function even(key, count, span)
  local stored = redis.call('HMGET', key, 'at', 'debt')
  local at, debt = tonumber(stored[1] or now), tonumber(stored[2] or 0)
  local paid = math.max(now - at, 0) * count
  debt = math.max(debt - paid, 0)
  local function keep(left)
    redis.call('HSET', key, 'at', text(now), 'debt', text(left))
    redis.call('PEXPIRE', key, text(span + 1))
  end
  if stored[1] then keep(debt) end -- where the clock goes back, it is paid off from then on
  local over = debt + span - span * count
  return math.max(math.ceil(over / count), 0), function() keep(debt + span) end
end

local wait, takers = 0, {}
for i, key in ipairs(KEYS) do
  local count, span, grain = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
  local of_this
  if grain == 0 then
    of_this, takers[i] = even(key, count, span)
  else
    of_this, takers[i] = sliding(key, count, span, grain)
  end
  wait = math.max(wait, of_this)
end

if take and wait == 0 then
  for _, taker in ipairs(takers) do taker() end
end
return wait
