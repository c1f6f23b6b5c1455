"""Paying what was awarded: asked for, checked, approved, released by three people, and settled by the bank's statement."""
