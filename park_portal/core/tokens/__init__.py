"""Personal tokens: what a program needs to act in a person's name through the API."""
