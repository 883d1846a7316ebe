-- For wrk: asks for the cases whose ids stand in the file that CASES names, one after the other.
local ids = {}
for id in io.lines(os.getenv("CASES")) do
  ids[#ids + 1] = id
end

local asked = 0
request = function()
  asked = asked + 1
  return wrk.format("GET", "/api/v1/cases/" .. ids[(asked % #ids) + 1])
end
