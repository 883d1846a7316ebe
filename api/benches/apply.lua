-- For wrk: opens cases, one command each, for PERSONS made-up people per thread (10,000 if unset).
-- Needs a clerk's token of 361023100 in TOKEN.
local headers = {
  ["Authorization"] = "Bearer " .. os.getenv("TOKEN"),
  ["Content-Type"] = "application/json",
}
local weights = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
local checks = "10X98765432"

local function id_number(n)
  local year, month = 1930 + n % 70, 1 + math.floor(n / 70) % 12
  local day, serial = 1 + math.floor(n / 840) % 28, math.floor(n / 23520) % 1000
  local digits = string.format("362522%04d%02d%02d%03d", year, month, day, serial)
  local sum = 0
  for place, weight in ipairs(weights) do
    sum = sum + tonumber(digits:sub(place, place)) * weight
  end
  return digits .. checks:sub(sum % 11 + 1, sum % 11 + 1)
end

local threads = 0
setup = function(thread)
  thread:set("number", threads)
  threads = threads + 1
end

local requests = {}
init = function()
  local persons = tonumber(os.getenv("PERSONS") or "10000")
  for n = 1, persons do
    requests[n] = wrk.format("POST", "/api/v1/cases", headers, string.format(
      '{"item":"FZ-001","applicant":{"name":"测试%d","id_number":"%s"},"region":"361023100","materials":[{"code":"ID"}]}',
      n, id_number(n + number * persons)))
  end
end

local asked = 0
request = function()
  asked = asked + 1
  return requests[asked % #requests + 1]
end
