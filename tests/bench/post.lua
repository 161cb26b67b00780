-- POST uniquely named Secrets of about 1 KB. Arguments: name prefix, "secret".
function init(args)
  n = 0
  prefix = args[1]
  token = os.getenv("TOKEN")
  data = string.rep("cGFzc3dvcmQx", 64)
end

function request()
  n = n + 1
  local body = '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"' .. prefix .. '-0-' .. n ..
    '","labels":{"app":"bench"}},"type":"Opaque","data":{"password":"' .. data .. '"}}'
  local headers = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token}
  return wrk.format("POST", "/api/v1/namespaces/bench/secrets", headers, body)
end

function done(summary, latency)
  io.write(string.format("RESULT rps=%.0f p99=%.2fms errors=%d\n",
    summary.requests / (summary.duration / 1e6), latency:percentile(99) / 1000, summary.errors.status))
end
