-- The pace of all workers, kept in the queue server: one script, run whole, by the server's own clock.
--
-- ARGV[1] is what to do, ARGV[2] what about, as JSON; the answer is JSON too. Times are seconds since 1970.
--
-- A bucket is a hash. `tat` is when its next mail is due (the theoretical arrival time of GCRA); `line` is how far ahead
-- those who wait were told to come back. A bucket that a receiver slowed has a `rate` (mails a second) below its `top`;
-- it may be `shut` until a moment, or `held` since one, until a person or a trial frees it. What was slowed is in the
-- set `slowed`. `pulse` says since when this memory lasts and how many are slowed: one look at it tells that nothing is.
--
-- Nothing here is worth keeping: who lost it starts anew, without credit, and is taught what the workers remember.

local ROOT = 'listkeeper:pace:'
local WINDOW = 10        -- seconds that are counted together, and between two cuts
local CREDIT = 1         -- seconds of a rate that may be made up for, and be taken ahead
local FAR = 900          -- nobody is told to come back later than this without a reason
local SLOWEST = 0.2      -- mails a second, however often a receiver complains
local STEPS = 30         -- windows without complaint until a rate is what it was
local SHUT_FIRST, SHUT_LAST, SHUT_FORGOTTEN = 30, 900, 3600
local TRIAL_AFTER, TRIAL_MAILS, TRIAL_AGAIN = 3600, 5, 600
local REFUSED_SHARE, REFUSED_LEAST, REFUSED_MINUTES = 0.03, 3, 15
local SLOW_KEPT, IDLE_KEPT = 86400, 1800
local FIELDS = {'tat', 'line', 'rate', 'top', 'cut', 'grown', 'shut', 'shuts', 'held', 'tries', 'tried', 'good', 'w', 'c', 'p', 't'}

local ask = cjson.decode(ARGV[2])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000 + (ask.later or 0)

local function text(number) return string.format('%.6f', number) end

-- The pulse: since when this memory lasts, and how many buckets are slowed.
local pulse = redis.call('GET', ROOT .. 'pulse')
local born = pulse and string.match(pulse, '^%S+') or (clock[1] .. '.' .. clock[2])
local beats = pulse

local function beat()
  beats = born .. ' ' .. redis.call('SCARD', ROOT .. 'slowed')
  if beats ~= pulse then redis.call('SET', ROOT .. 'pulse', beats) end
end

local function load(name)
  local bucket = {name = name, changed = {}}
  local values = redis.call('HMGET', ROOT .. name, unpack(FIELDS))
  for index, field in ipairs(FIELDS) do bucket[field] = tonumber(values[index] or nil) end
  return bucket
end

local function set(bucket, field, value)
  bucket[field] = value
  bucket.changed[field] = true
end

local function is_slowed(bucket)
  return bucket.rate ~= nil or bucket.held ~= nil or (bucket.shut or 0) > now
end

local function store(bucket)
  local write, drop = {}, {}
  for field in pairs(bucket.changed) do
    if bucket[field] == nil then
      drop[#drop + 1] = field
    else
      write[#write + 1] = field
      write[#write + 1] = text(bucket[field])
    end
  end
  local key = ROOT .. bucket.name
  if #write > 0 then redis.call('HSET', key, unpack(write)) end
  if #drop > 0 then redis.call('HDEL', key, unpack(drop)) end
  if #write > 0 or #drop > 0 then
    local slowed = is_slowed(bucket)
    redis.call('EXPIRE', key, slowed and SLOW_KEPT or IDLE_KEPT)
    redis.call(slowed and 'SADD' or 'SREM', ROOT .. 'slowed', bucket.name)
  end
end

-- What a worker remembers of a bucket, to teach it to a server that forgot.
local function memory(bucket)
  if not is_slowed(bucket) then return false end
  return {rate = bucket.rate, top = bucket.top, cut = bucket.cut, shut = bucket.shut, shuts = bucket.shuts, held = bucket.held}
end

local function lowest(base, rate)
  if base > 0 and rate then return math.min(base, rate) end
  return rate or base
end

local function of_provider(provider) return 'p:' .. ask.domain .. ':' .. provider end

-- A number from 0 to 1 that differs from row to row; this Lua's own chance begins anew with every script.
local function dice(salt) return ((now * 1000) % 9973 * 7919 + salt * 104729) % 10007 / 10007 end

-- When the next mail of a bucket may go, with no credit for one that is new.
local function slot(bucket) return math.max(bucket.tat or now, now - CREDIT) end

local function take(bucket)
  if bucket.pace > 0 then set(bucket, 'tat', slot(bucket) + 1 / bucket.pace) end
end

-- Say when one that must wait shall come back: twice as many as may go by then, so that a rate that grew is used.
local function come_back(bucket, ready, rate, salt)
  local step = rate > 0 and 0.5 / rate or 0.02
  local at = math.max(bucket.line or 0, ready) + step
  if at > ready + FAR then
    return ready + FAR / 2 + dice(salt) * FAR / 2
  end
  set(bucket, 'line', at)
  return at
end

local function may_try(bucket)
  if now - bucket.held < TRIAL_AFTER then return false end
  if bucket.tried == nil or now - bucket.tried >= TRIAL_AGAIN then
    set(bucket, 'tries', TRIAL_MAILS)
    set(bucket, 'tried', now)
    set(bucket, 'good', 0)
  end
  if bucket.tries < 1 then return false end
  set(bucket, 'tries', bucket.tries - 1)
  return true
end

local verbs = {}

-- Give each row a slot: 0 goes now, a number of seconds comes back then.
function verbs.reserve()
  if ask.born ~= '' and ask.born ~= born then return {forgot = true} end
  -- The way out, the domain we send as, and what is left of the domain's day: each mail needs all three.
  local way, domain, today = load('t'), load('d:' .. ask.domain), load('w:' .. ask.domain)
  way.pace, domain.pace, today.pace = ask.transport, ask.of_domain, 0
  local providers = {}
  for index, known in ipairs(ask.providers) do
    local bucket = load(of_provider(known[1]))
    bucket.pace = lowest(known[2], bucket.rate)
    providers[index] = bucket
  end
  local left, day = nil, ROOT .. 'day:' .. ask.domain .. ':' .. (ask.day and ask.day.name or '')
  local used = 0
  if ask.day then
    used = tonumber(redis.call('GET', day) or ask.day.used)
    left = math.max(0, ask.day.limit - used)
  end
  local waits, anybody, soon = {}, false, now + CREDIT
  for row, index in ipairs(ask.rows) do
    local bucket = providers[index]
    local governs, ready = nil, now
    if (bucket.shut or 0) > now then governs, ready = bucket, bucket.shut end
    if not ask.urgent then
      for index = 1, 3 do
        local one = index == 1 and bucket or index == 2 and way or domain
        if one.pace > 0 and one.tat and one.tat > soon and one.tat > ready then governs, ready = one, one.tat end
      end
      if left and left < 1 then governs, ready = today, now + ask.day.rest end
    end
    if bucket.held and governs == nil and not may_try(bucket) then
      governs, ready = bucket, math.max(now + 60, bucket.held + TRIAL_AFTER)
    end
    if governs then
      waits[row] = come_back(governs, ready, governs.pace, row) - now
      anybody = true
    else
      waits[row] = 0
      take(way)
      take(domain)
      take(bucket)
      if left then left, used = left - 1, used + 1 end
    end
  end
  local known = {}
  for _, bucket in ipairs(providers) do
    store(bucket)
    known[#known + 1] = memory(bucket)
  end
  store(way)
  store(domain)
  store(today)
  if ask.day then redis.call('SET', day, used, 'EX', 172800) end
  return {now = now, waits = anybody and waits or false, known = known}
end

-- Take back the slots of rows that did not go after all: somebody else may have them.
function verbs.give_back()
  if ask.born ~= born then return {} end
  local way, domain = load('t'), load('d:' .. ask.domain)
  way.pace, domain.pace = ask.transport, ask.of_domain
  local providers = {}
  for index, known in ipairs(ask.providers) do
    local bucket = load(of_provider(known[1]))
    bucket.pace = lowest(known[2], bucket.rate)
    providers[index] = bucket
  end
  for _, index in ipairs(ask.rows) do
    for _, one in ipairs({way, domain, providers[index]}) do
      if one.pace > 0 and one.tat then set(one, 'tat', one.tat - 1 / one.pace) end
    end
  end
  for _, bucket in ipairs(providers) do store(bucket) end
  store(way)
  store(domain)
  local day = ask.day and ROOT .. 'day:' .. ask.domain .. ':' .. ask.day.name
  local used = day and tonumber(redis.call('GET', day) or nil)
  if used then redis.call('SET', day, math.max(0, used - #ask.rows), 'EX', 172800) end
  return {}
end

local function cut(bucket, base)
  local measured = math.max((bucket.p or 0) / WINDOW, bucket.c / math.max(1, now - bucket.w * WINDOW))
  local before = bucket.rate or lowest(base, math.max(measured, SLOWEST))
  set(bucket, 'top', base > 0 and base or math.max(bucket.top or 0, before))
  set(bucket, 'rate', math.max(SLOWEST, before / 2))
  set(bucket, 'cut', now)
  set(bucket, 'tat', math.max(bucket.tat or now, now))
end

local function grow(bucket)
  set(bucket, 'rate', bucket.rate + math.max(bucket.top / STEPS, SLOWEST))
  set(bucket, 'grown', now)
  if bucket.rate >= bucket.top then
    for _, field in ipairs({'rate', 'top', 'cut', 'grown'}) do set(bucket, field, nil) end
  end
end

local function shut(bucket, salt)
  if (bucket.shut or 0) > now then return end
  local again = bucket.shuts and now - (bucket.shut or 0) < SHUT_FORGOTTEN
  set(bucket, 'shuts', again and bucket.shuts + 1 or 1)
  local wait = math.min(SHUT_LAST, SHUT_FIRST * 2 ^ (bucket.shuts - 1))
  set(bucket, 'shut', now + math.max(SHUT_FIRST, math.min(SHUT_LAST, wait * (0.8 + 0.4 * dice(salt)))))
end

local function count(bucket, total, soft)
  local window = math.floor(now / WINDOW)
  if bucket.w ~= window then
    set(bucket, 'p', bucket.w == window - 1 and bucket.c or 0)
    set(bucket, 'c', 0)
    set(bucket, 't', 0)
    set(bucket, 'w', window)
  end
  set(bucket, 'c', bucket.c + total)
  set(bucket, 't', bucket.t + soft)
end

-- Count what came of one provider's mail in this minute; return how many were refused, of how many, lately.
local function refused(provider, total, faults)
  local minute = math.floor(now / 60)
  local key = ROOT .. 'm:' .. ask.domain .. ':' .. provider .. ':'
  redis.call('HINCRBY', key .. minute, 'n', total)
  redis.call('EXPIRE', key .. minute, (REFUSED_MINUTES + 1) * 60)
  if faults < 1 then return 0, 0 end
  redis.call('HINCRBY', key .. minute, 'f', faults)
  local all, bad = 0, 0
  for past = minute - REFUSED_MINUTES + 1, minute do
    local found = redis.call('HMGET', key .. past, 'n', 'f')
    all, bad = all + tonumber(found[1] or 0), bad + tonumber(found[2] or 0)
  end
  return bad, all
end

local function judge_trial(bucket, sent, faults)
  if faults > 0 then
    set(bucket, 'held', now)
    for _, field in ipairs({'tries', 'tried', 'good'}) do set(bucket, field, nil) end
    return false
  end
  -- What was on its way before the trial says nothing.
  if bucket.tried == nil then return false end
  set(bucket, 'good', (bucket.good or 0) + sent)
  return bucket.good >= TRIAL_MAILS
end

local function free(bucket)
  for _, field in ipairs({'held', 'tries', 'tried', 'good', 'line'}) do set(bucket, field, nil) end
end

-- Take in what came of some mail: slow down, shut, hold, or grow.
function verbs.hear()
  local refusing, freed, known = {}, {}, {}
  for index, news in ipairs(ask.news) do
    local provider, base, n = news.provider, news.base, news.n
    local bucket = load(of_provider(provider))
    local total = n.sent + n.slow + n.soft + n.shut + n.fault + n.other
    count(bucket, total, n.soft)
    local bad = n.slow > 0 or n.shut > 0 or (n.soft > 0 and bucket.t * 20 >= bucket.c)
    if bad and now - (bucket.cut or 0) >= WINDOW then cut(bucket, base) end
    if n.shut > 0 then shut(bucket, index) end
    if n.sent > 0 and not bad and bucket.rate and now - bucket.cut >= WINDOW and now - (bucket.grown or 0) >= WINDOW then
      grow(bucket)
    end
    local faults, all = 0, 0
    if news.judged then faults, all = refused(provider, total, n.fault) end
    if bucket.held then
      if judge_trial(bucket, n.sent, n.fault) then
        free(bucket)
        freed[#freed + 1] = provider
      end
    elseif faults >= REFUSED_LEAST and faults >= REFUSED_SHARE * all then
      set(bucket, 'held', now)
      refusing[#refusing + 1] = {provider = provider, faults = faults, all = all}
    end
    store(bucket)
    known[index] = memory(bucket)
  end
  return {now = now, refusing = refusing, freed = freed, known = known}
end

-- Take over what a worker remembers, where this memory knows nothing.
function verbs.teach()
  for provider, fields in pairs(ask.states) do
    local bucket = load(of_provider(provider))
    if not is_slowed(bucket) then
      for field, value in pairs(fields) do set(bucket, field, value) end
      store(bucket)
    end
  end
  return {}
end

function verbs.hold()
  local bucket = load(of_provider(ask.provider))
  if not bucket.held then set(bucket, 'held', now) end
  store(bucket)
  return {}
end

function verbs.free()
  local bucket = load(of_provider(ask.provider))
  free(bucket)
  store(bucket)
  return {}
end

-- Say of every slowed bucket how it stands, and let those go that nobody complained of for long.
function verbs.look()
  local found = {}
  for _, name in ipairs(redis.call('SMEMBERS', ROOT .. 'slowed')) do
    local bucket = load(name)
    local quiet = now - math.max(bucket.cut or 0, bucket.shut or 0, bucket.grown or 0) > SHUT_FORGOTTEN
    if quiet and not bucket.held then
      for _, field in ipairs({'rate', 'top', 'cut', 'grown', 'shut', 'shuts'}) do set(bucket, field, nil) end
      set(bucket, 'line', nil)
      store(bucket)
    else
      found[#found + 1] = {name = name, state = memory(bucket)}
    end
  end
  return {now = now, found = found}
end

local answer = verbs[ARGV[1]]()
if not answer.forgot then beat() end
answer.born, answer.pulse = born, beats
return cjson.encode(answer)
