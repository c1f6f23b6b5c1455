"""The portal's pages of data rooms."""

from funding.datarooms.views import home
from funding.datarooms.views.founders import (
    AccessList,
    FactAdd,
    FileAdd,
    GrantPage,
    GrantRevoke,
    InvestorAgain,
    InvestorInvite,
    InvestorRemove,
    ItemEdit,
    ItemRemove,
    ItemReplace,
    RequestAccept,
    RequestDecline,
    RoomPage,
)
from funding.datarooms.views.investors import (
    AskPage,
    FileCopy,
    IndexPage,
    ItemPage,
    PagePicture,
    SharedPage,
)

__all__ = [
    "AccessList",
    "AskPage",
    "FactAdd",
    "FileAdd",
    "FileCopy",
    "GrantPage",
    "GrantRevoke",
    "IndexPage",
    "InvestorAgain",
    "InvestorInvite",
    "InvestorRemove",
    "ItemEdit",
    "ItemPage",
    "ItemRemove",
    "ItemReplace",
    "PagePicture",
    "RequestAccept",
    "RequestDecline",
    "RoomPage",
    "SharedPage",
    "home",
]
