"""The client itself."""

import types
from typing import Any, Dict, List, Mapping, Optional, Sequence, Type

import httpx

from resight_client._async.connection import Connection
from resight_client._async.jobs import Folders, Jobs
from resight_client._async.searching import Searching
from resight_client._request import Part, Request, Source, segment
from resight_client.filters import params
from resight_client.models import (
    Collection,
    CollectionList,
    Health,
    Key,
    KeyList,
    KeyMade,
    SessionState,
    Storage,
    Webhook,
    WebhookList,
    WebhookMade,
)
from resight_client.retries import Retries


class AsyncCollection(Searching):
    """The pictures of one collection."""

    def __init__(self, connection: Connection, name: str) -> None:
        super().__init__(connection, f"/v1/collections/{segment(name)}")
        self.name = name


class Collections:
    """The server's collections."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list(self) -> List[Collection]:
        """Those that the key is for: the default one, then the others by name."""
        return (await self._connection.ask(CollectionList, Request("GET", "/v1/collections"))).collections

    async def get(self, name: str) -> Collection:
        """One of them."""
        return await self._connection.ask(Collection, Request("GET", f"/v1/collections/{segment(name)}"))

    async def create(self, name: str) -> Collection:
        """Makes a collection, where there is none of that name."""
        return await self._connection.ask(Collection, Request("PUT", f"/v1/collections/{segment(name)}"))

    async def rename(self, name: str, new: str) -> Collection:
        """Gives a collection another name, for a key with the scope `admin` for all collections."""
        request = Request("PATCH", f"/v1/collections/{segment(name)}", json={"name": new}, harmless=False)
        return await self._connection.ask(Collection, request)

    async def delete(self, name: str) -> None:
        """Removes a collection with all its pictures."""
        await self._connection.remove(Request("DELETE", f"/v1/collections/{segment(name)}"))


class Keys:
    """The server's API keys, for a key with the scope `admin`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list(self) -> List[Key]:
        """All of them, without their secrets."""
        return (await self._connection.ask(KeyList, Request("GET", "/v1/keys"))).keys

    async def create(
        self,
        name: str,
        scopes: Sequence[str],
        *,
        collections: Optional[Sequence[str]] = None,
        lasts_days: Optional[int] = None,
        per_minute: Optional[int] = None,
        at_once: Optional[int] = None,
    ) -> KeyMade:
        """Makes a key. Its `secret` is told this once."""
        body = {
            "name": name, "scopes": list(scopes), "collections": collections, "lasts_days": lasts_days,
            "per_minute": per_minute, "at_once": at_once,
        }  # fmt: skip
        body = {key: value for key, value in body.items() if value is not None}
        return await self._connection.ask(KeyMade, Request("POST", "/v1/keys", json=body, harmless=False))

    async def revoke(self, id: str) -> None:
        """Ends a key at once."""
        await self._connection.remove(Request("DELETE", f"/v1/keys/{segment(id)}"))


class Webhooks:
    """Addresses that the server tells of jobs that have ended, for a key with the scope `admin`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list(self) -> List[Webhook]:
        """All of them, without their secrets."""
        return (await self._connection.ask(WebhookList, Request("GET", "/v1/webhooks"))).webhooks

    async def create(self, url: str) -> WebhookMade:
        """Has an address told from now on. The `secret` that messages are signed with is told this once."""
        request = Request("POST", "/v1/webhooks", json={"url": url}, harmless=False)
        return await self._connection.ask(WebhookMade, request)

    async def delete(self, id: str) -> None:
        """Tells that address nothing any more."""
        await self._connection.remove(Request("DELETE", f"/v1/webhooks/{segment(id)}"))


class AsyncClient(Searching):
    """An async client of a Resight server. Its own methods are about the collection `default`.

    `key` is an API key. `retries` says how often a request is sent again, `timeout` how many seconds nothing may come
    before the connection counts as broken. `http` is an httpx client of your own in place of all of these, with a
    `base_url`; it is closed with this one.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:7777",
        *,
        key: Optional[str] = None,
        retries: Optional[Retries] = None,
        timeout: float = 120.0,
        http: Optional[httpx.AsyncClient] = None,
    ) -> None:
        if http is None:
            headers = {"user-agent": "resight-client/0.1.0"}
            if key is not None:
                headers["authorization"] = f"Bearer {key}"
            limits = httpx.Timeout(timeout, connect=10.0)
            http = httpx.AsyncClient(base_url=url, headers=headers, timeout=limits)
        super().__init__(Connection(http, retries or Retries()), "/v1")
        #: Work that outlives a request.
        self.jobs = Jobs(self._connection)
        #: Folders that the server indexes by itself.
        self.folders = Folders(self._connection)
        self.collections = Collections(self._connection)
        self.keys = Keys(self._connection)
        self.webhooks = Webhooks(self._connection)

    def collection(self, name: str) -> AsyncCollection:
        """The pictures of another collection."""
        return AsyncCollection(self._connection, name)

    async def health(self) -> Health:
        """Whether the server answers."""
        return await self._connection.ask(Health, Request("GET", "/healthz"))

    async def ready(self) -> Dict[str, Any]:
        """What GET /readyz tells; Busy is raised where the server takes no pictures."""
        found: Dict[str, Any] = await self._connection.json(Request("GET", "/readyz"))
        return found

    async def storage(self) -> Storage:
        """The bytes that each collection takes, by kind, and what is free; at most a minute old."""
        return await self._connection.ask(Storage, Request("GET", "/v1/storage"))

    async def metrics(self) -> str:
        """What GET /metrics tells, in the text format of Prometheus."""
        return (await self._connection.send(Request("GET", "/metrics"))).text

    async def key(self) -> Optional[Key]:
        """The key that this client has; None where the server asks for none."""
        return (await self._connection.ask(SessionState, Request("GET", "/v1/session"))).key

    async def plugins(self) -> Any:
        """What GET /v1/plugins tells of plug-ins and their functions."""
        return await self._connection.json(Request("GET", "/v1/plugins"))

    async def plugin(self, name: str) -> Any:
        """What GET /v1/plugins/{name} tells of one of them."""
        return await self._connection.json(Request("GET", f"/v1/plugins/{segment(name)}"))

    async def call(
        self,
        plugin: str,
        function: str,
        arguments: Optional[Mapping[str, Any]] = None,
        *,
        file: Optional[Source] = None,
    ) -> Any:
        """Calls a plug-in's function with named arguments, with a picture in the field `file` as well; its result."""
        path = f"/v1/plugins/{segment(plugin)}/{segment(function)}"
        if file is None:
            return await self._connection.json(Request("POST", path, json=dict(arguments or {}), harmless=False))
        fields = {name: [text] for name, text in params(**(arguments or {}))}
        request = Request("POST", path, fields=fields, parts=[Part.of(file)], harmless=False)
        return await self._connection.json(request)

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._connection.http.aclose()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[types.TracebackType],
    ) -> None:
        await self.aclose()
