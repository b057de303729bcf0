-- For wrk: 1 MiB ranges at random places of a file of GATEWAY_FILE_BYTES bytes.
local size = tonumber(os.getenv('GATEWAY_FILE_BYTES'))
local part = 1024 * 1024

function init ()
  math.randomseed(7)
end

function request ()
  local from = math.random(0, size - part)
  return wrk.format('GET', wrk.path, { ['Range'] = string.format('bytes=%d-%d', from, from + part - 1) })
end
