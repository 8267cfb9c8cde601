"""What the guard costs, beside the OpenAI SDK and standardwebhooks: ``python -m benchmarks``.

Run it where the package and the dependency groups `benchmark` and `test` are installed. It takes about half a minute.
"""
