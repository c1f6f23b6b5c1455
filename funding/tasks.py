"""Contents page: the tasks of every room of calls and funds."""
