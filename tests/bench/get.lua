-- GET one path. Argument: the path.
function init(args)
  path = args[1]
  token = os.getenv("TOKEN")
end

function request()
  return wrk.format("GET", path, {["Authorization"] = "Bearer " .. token})
end

function done(summary, latency)
  io.write(string.format("RESULT rps=%.0f p99=%.2fms errors=%d\n",
    summary.requests / (summary.duration / 1e6), latency:percentile(99) / 1000, summary.errors.status))
end
