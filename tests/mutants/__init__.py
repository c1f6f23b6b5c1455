"""Takes away one guard after the other and asks whether a test notices: `make mutants`.

A mutant is the portal without one permission rule, one of Django's model rights, one `visible_to` filter, one door that asks
for signing in, or one constraint or trigger of the database (`mutations.py`). For each, the cells of the policy table that
that guard has a part in are asked again until one answers otherwise; a constraint's attempt (`tests/laws/violations.py`) must
then succeed. What no cell notices is tried on the rest of the suite, in processes of their own with PARK_MUTANT set, of which
only the tests that it has a part in are run (`watching.py`). A mutant that survives all of that is a guard that nothing
tests: the run ends red and names it.
"""
