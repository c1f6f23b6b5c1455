"""The API's mechanism: who asks, what a refusal looks like, pages, fields, versions and repeated requests."""
