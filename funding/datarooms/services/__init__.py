"""Data rooms: every write, and what an investor is shown."""

from funding.datarooms.services.grants import (
    end_of,
    grant_items,
    revoke_grant,
    warn_of_ends,
)
from funding.datarooms.services.investors import (
    accept_request,
    ask_for_room,
    decline_request,
    invitation_of,
    invite_again,
    invite_investor,
    open_requests,
    remove_investor,
)
from funding.datarooms.services.items import (
    add_document,
    add_fact,
    name_of,
    remove_item,
    replace_document,
    update_item,
)
from funding.datarooms.services.showing import (
    companies_for,
    download_item,
    granted_to,
    is_looked_over,
    mark_for,
    open_item,
    order_of,
    read_facts,
    shared_items,
    show_page,
)

__all__ = [
    "accept_request",
    "add_document",
    "add_fact",
    "ask_for_room",
    "companies_for",
    "decline_request",
    "download_item",
    "end_of",
    "grant_items",
    "granted_to",
    "invitation_of",
    "invite_again",
    "invite_investor",
    "is_looked_over",
    "mark_for",
    "name_of",
    "open_item",
    "open_requests",
    "order_of",
    "read_facts",
    "remove_investor",
    "remove_item",
    "replace_document",
    "revoke_grant",
    "shared_items",
    "show_page",
    "update_item",
    "warn_of_ends",
]
