"""A client of Resight's HTTP API.

>>> with Client("http://127.0.0.1:7777", key="resight_…") as resight:
...     for hit in resight.search("photo.jpg", limit=5).hits:
...         print(hit.image.name, hit.verified)
"""

from resight_client._async.client import AsyncClient, AsyncCollection
from resight_client._sync.client import Client, SyncCollection
from resight_client.bulk import BulkStopped, Item, Outcome, Report
from resight_client.errors import (
    ApiError,
    Busy,
    ConnectionFailed,
    JobFailed,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Refused,
    ResightError,
    ServerFailed,
    UnexpectedAnswer,
)
from resight_client.filters import Filter
from resight_client.labels import KEEP
from resight_client.models import Rules
from resight_client.retries import Retries

__all__ = [
    "KEEP",
    "ApiError",
    "AsyncClient",
    "AsyncCollection",
    "BulkStopped",
    "Busy",
    "Client",
    "ConnectionFailed",
    "Filter",
    "Item",
    "JobFailed",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "Outcome",
    "Refused",
    "Report",
    "ResightError",
    "Retries",
    "Rules",
    "ServerFailed",
    "SyncCollection",
    "UnexpectedAnswer",
]
