"""What the guard costs, beside the OpenAI SDK and standardwebhooks, and what the stores do.

    python -m benchmarks           about half a minute, and no server
    python -m benchmarks stores    about three minutes, with the Redis and the PostgreSQL that the tests use

Run it where the package, with its extras `redis` and `postgres`, and the dependency groups `benchmark` and `test` are
installed. A server that is not there is a line that says so.
"""
