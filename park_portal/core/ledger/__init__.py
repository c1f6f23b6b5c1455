"""All money of the park: accounts, and transfers between two of them that are only ever added."""
