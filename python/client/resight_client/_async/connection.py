"""Sends requests, and sends them again where that may help."""

import asyncio
import contextlib
import os
import pathlib
from typing import Any, AsyncIterator, Awaitable, Callable, List, Type, TypeVar, Union

import httpx

from resight_client._request import OffsetPage, Page, Pairs, Request, broken, failure_of, json_of, read_as
from resight_client.errors import NotFound, ResightError
from resight_client.filters import params
from resight_client.retries import Retries

T = TypeVar("T")
P = TypeVar("P", bound=Page)
C = TypeVar("C", bound=OffsetPage)


class Connection:
    """The httpx client with its rules for trying again."""

    def __init__(self, http: httpx.AsyncClient, retries: Retries) -> None:
        self.http = http
        self.retries = retries

    @contextlib.asynccontextmanager
    async def opened(self, request: Request) -> AsyncIterator[httpx.Response]:
        """Sends a request once; its answer is read as it comes."""
        try:
            with contextlib.ExitStack() as files:
                built = self.http.build_request(**request.arguments(files))
                response = await self.http.send(built, stream=True)
                try:
                    if response.status_code >= 300:
                        await response.aread()
                        raise failure_of(response)
                    yield response
                finally:
                    await response.aclose()
        except httpx.TransportError as error:
            raise broken(error) from error

    async def retried(self, work: Callable[[], Awaitable[T]], harmless: bool) -> T:
        """Does `work`, and again as long as that may help."""
        attempt = 1
        while True:
            try:
                return await work()
            except ResightError as failure:
                wait = self.retries.wait(attempt, failure, harmless)
                if wait is None:
                    raise
            await asyncio.sleep(wait)
            attempt += 1

    async def send(self, request: Request) -> httpx.Response:
        """The answer, read to its end."""

        async def once() -> httpx.Response:
            async with self.opened(request) as response:
                await response.aread()
                return response

        return await self.retried(once, request.harmless)

    async def ask(self, model: Type[T], request: Request) -> T:
        """The answer's model."""
        return read_as(model, await self.send(request))

    async def json(self, request: Request) -> Any:
        """The answer's JSON."""
        return json_of(await self.send(request))

    async def remove(self, request: Request) -> None:
        """Removes a thing. Where the answer to an earlier attempt was lost, the thing is gone already."""
        attempts = 0

        async def once() -> None:
            nonlocal attempts
            attempts += 1
            try:
                async with self.opened(request):
                    return
            except NotFound:
                if attempts == 1:
                    raise

        await self.retried(once, harmless=True)

    async def paged(
        self,
        model: Type[P],
        path: str,
        given: Pairs,
        by: str,
        entries: Callable[[P], List[T]],
    ) -> AsyncIterator[T]:
        """The entries of all pages, each of which is fetched when it is reached; `by` takes the page's `next`."""
        place: Union[str, int, None] = None
        while True:
            page = await self.ask(model, Request("GET", path, given + ([] if place is None else [(by, str(place))])))
            for entry in entries(page):
                yield entry
            place = page.next
            if place is None:
                return

    async def counted(
        self,
        model: Type[C],
        path: str,
        given: Pairs,
        entries: Callable[[C], List[T]],
    ) -> AsyncIterator[T]:
        """The same of a list that has `offset` alone."""
        offset = 0
        while True:
            page = await self.ask(model, Request("GET", path, given + params(offset=offset)))
            found = entries(page)
            for entry in found:
                yield entry
            offset += len(found)
            if not found or offset >= page.total:
                return

    async def save(self, request: Request, path: Union[str, "os.PathLike[str]"]) -> int:
        """Writes the answer to a file, which is there once it is whole; its length in bytes."""
        target = pathlib.Path(path)
        part = target.with_name(target.name + ".part")

        async def once() -> int:
            async with self.opened(request) as response:
                with part.open("wb") as file:
                    async for chunk in response.aiter_bytes():
                        file.write(chunk)
                    return file.tell()

        try:
            length = await self.retried(once, harmless=True)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return length
