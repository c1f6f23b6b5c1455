"""Working days of mainland China and the deadlines counted in them."""
