-- Posts the same request again and again. Its arguments are the body, and each header's name and value.
function init(args)
    wrk.method, wrk.body = "POST", args[1]
    for index = 2, #args, 2 do
        wrk.headers[args[index]] = args[index + 1]
    end
end

-- The last line of the output is what was seen, as JSON; wrk counts microseconds.
function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.timeout + errors.status
    local found = '{"requests": %d, "seconds": %f, "failed": %d, "p99": %f}\n'
    io.write(found:format(summary.requests, summary.duration / 1e6, failed, latency:percentile(99) / 1e6))
end
