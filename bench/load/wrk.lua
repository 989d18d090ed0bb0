-- Uploads, if the environment says how much.
local upload = tonumber(os.getenv("BENCH_UPLOAD_BYTES") or "")
if upload then
  wrk.method = "POST"
  wrk.body = string.rep("x", upload)
end

-- Prints wrk's figures as one line of JSON: exact where its own text is rounded. Times in microseconds.
function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    'result {"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,' ..
    '"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end
