"""Contents page: the admin pages of every room of calls and funds."""
