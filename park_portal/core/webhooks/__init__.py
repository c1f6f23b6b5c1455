"""Webhooks: what a person's inbox gets, or the park's notices, told to a program by a signed request."""
