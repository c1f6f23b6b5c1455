"""Contents page: every table of the ground floor."""

from park_portal.core.accounts.models import Invitation, SavedView, User
from park_portal.core.api.models import IdempotentAnswer
from park_portal.core.audit.models import Entry, Seal
from park_portal.core.calendar.models import SpecialDay
from park_portal.core.documents.models import Document
from park_portal.core.imports.models import ImportBatch, ImportedRow
from park_portal.core.jobs.models import Job
from park_portal.core.ledger.models import Account, AccountCode, Book, ClosedMonth, Transfer, TransferSeal
from park_portal.core.outbox.models import ChatChannel, Delivery, Message, Preference
from park_portal.core.policies.models import PolicyValue
from park_portal.core.privacy.models import Consent, DataRequest
from park_portal.core.search.models import SearchEntry
from park_portal.core.tokens.models import ApiToken
from park_portal.core.webhooks.models import Webhook, WebhookAttempt, WebhookEvent

__all__ = [
    "Account",
    "AccountCode",
    "ApiToken",
    "Book",
    "ChatChannel",
    "ClosedMonth",
    "Consent",
    "DataRequest",
    "Delivery",
    "Document",
    "Entry",
    "IdempotentAnswer",
    "ImportBatch",
    "ImportedRow",
    "Invitation",
    "Job",
    "Message",
    "PolicyValue",
    "Preference",
    "SavedView",
    "Seal",
    "SearchEntry",
    "SpecialDay",
    "Transfer",
    "TransferSeal",
    "User",
    "Webhook",
    "WebhookAttempt",
    "WebhookEvent",
]
