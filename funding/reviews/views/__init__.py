"""The portal's pages of review: the university's queue, reviewers, public notices, what waits on the first page."""

from funding.reviews.views import home
from funding.reviews.views.conflicts import InvitationsPage, TieList, TiePage, TieWithdrawPage
from funding.reviews.views.notice import NoticeList, NoticePage, ObjectionPage
from funding.reviews.views.pool import (
    MatchPage,
    ProfilePage,
    PublicationAdd,
    PublicationChange,
    PublicationPaste,
    PublicationRemove,
)
from funding.reviews.views.queue import QueueList, QueuePage
from funding.reviews.views.record import RecordPage
from funding.reviews.views.reviews import (
    AcceptPage,
    DeclinePage,
    FieldEndpoint,
    Ping,
    RecusePage,
    ReviewList,
    ReviewPage,
    SubmitPage,
)

__all__ = [
    "AcceptPage",
    "DeclinePage",
    "FieldEndpoint",
    "InvitationsPage",
    "MatchPage",
    "NoticeList",
    "NoticePage",
    "ObjectionPage",
    "Ping",
    "ProfilePage",
    "PublicationAdd",
    "PublicationChange",
    "PublicationPaste",
    "PublicationRemove",
    "QueueList",
    "QueuePage",
    "RecordPage",
    "RecusePage",
    "ReviewList",
    "ReviewPage",
    "SubmitPage",
    "TieList",
    "TiePage",
    "TieWithdrawPage",
    "home",
]
