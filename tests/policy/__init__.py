"""Who may do what: one table, keyed by route name, and the park in which each of its cells is asked.

`table.txt` says for every route, method, row and role what must happen; `cases.py` says how each route is asked, with
payloads that are valid; `world.py` makes the rows; `asking.py` asks and compares. `test_policy.py` walks the resolver: a
route that is not in the table fails, and so does every cell that answers otherwise. A refused request may change nothing.

A new route: write its case, run `python -m tests.policy`, which writes the lines that lack as they are answered now, and
read them: what stands in the table is what the park promises.
"""
