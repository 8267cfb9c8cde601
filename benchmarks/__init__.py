"""What the guard costs, beside the OpenAI SDK, standardwebhooks and svix, and what the stores do.

    python -m benchmarks                  all parts, about fifteen minutes
    python -m benchmarks core fronts      some of them
    python -m benchmarks --write          and write them into docs/benchmarks.md, but `stores` and `diagnose`

Run it where the package, with its extras `redis` and `postgres`, and the dependency groups `benchmark` and `test` are
installed. `servers` needs wrk; `stores` says which Redis and PostgreSQL were not there.
"""
