"""Written by generate.py from `_async`; do not edit.

Work that outlives a request, and folders that the server indexes by itself."""

import time
import json
import os
import time as clock
from typing import Any, Iterator, Callable, List, Optional, Sequence, Union

from resight_client._sync.connection import Connection
from resight_client._decoding import decode
from resight_client._request import Request
from resight_client.errors import Busy, ConnectionFailed, JobFailed
from resight_client.filters import Texts, params, texts
from resight_client.models import Folder, FolderList, Job, JobList, JobRefused, JobRefusedList, Rules

ENDS = ("done", "failed", "cancelled")


class Jobs:
    """The server's jobs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(
        self,
        kind: str,
        *,
        collection: Optional[str] = None,
        folder: Optional[str] = None,
        folder_id: Optional[int] = None,
        rules: Optional[Rules] = None,
        retry: bool = False,
        reread: bool = False,
        check: bool = False,
        format: Optional[str] = None,
    ) -> Job:
        """Makes a job: `index`, `duplicates`, `embed`, `verify`, `backup` or `export`. `wait` waits for its end."""
        body = {
            "kind": kind, "collection": collection, "folder": folder, "folder_id": folder_id, "rules": sent(rules),
            "format": format,
        }  # fmt: skip
        flags = {"retry": retry, "reread": reread, "check": check}
        body = {key: value for key, value in body.items() if value is not None}
        body.update({key: True for key, value in flags.items() if value})
        return self._connection.ask(Job, Request("POST", "/v1/jobs", json=body, harmless=False))

    def get(self, id: int) -> Job:
        """A job as it is now."""
        return self._connection.ask(Job, Request("GET", f"/v1/jobs/{id}"))

    def list(
        self, *, state: Texts = (), kind: Optional[str] = None, of: Optional[str] = None, page_size: int = 100
    ) -> Iterator[Job]:
        """Jobs, the newest first; `of` names a collection."""
        given = params(state=texts(state), kind=kind, of=of, limit=page_size)
        return self._connection.paged(JobList, "/v1/jobs", given, "before", lambda page: page.jobs)

    def cancel(self, id: int) -> Job:
        """Asks for a job's end; what it has done stays."""
        return self._connection.ask(Job, Request("DELETE", f"/v1/jobs/{id}"))

    def refused(self, id: int, *, page_size: int = 100) -> Iterator[JobRefused]:
        """Files that a job refused; of a job of kind `verify`, what it found damaged."""
        path, given = f"/v1/jobs/{id}/refused", params(limit=page_size)
        return self._connection.paged(JobRefusedList, path, given, "after", lambda page: page.refused)

    def download(self, id: int, path: Union[str, "os.PathLike[str]"]) -> int:
        """Writes the file that a job of kind `export` has made to `path`; its length in bytes."""
        return self._connection.save(Request("GET", f"/v1/jobs/{id}/file"), path)

    def events(self, id: int, *, timeout: Optional[float] = None) -> Iterator[Job]:
        """A job whenever it has come further. The server ends this with the job, or after ten minutes.

        Where nothing at all comes for `timeout` seconds, ConnectionFailed is raised; the server sends a line without
        an event every ten seconds.
        """
        for job in self._lines(id, timeout):
            if job is not None:
                yield job

    def _lines(self, id: int, timeout: Optional[float]) -> Iterator[Optional[Job]]:
        """None for each line without a job, such as those that keep the connection alive."""
        headers = {"accept": "text/event-stream"}
        request = Request("GET", f"/v1/jobs/{id}/events", headers=headers, timeout=timeout)
        with self._connection.opened(request) as response:
            for line in response.iter_lines():
                yield decode(Job, json.loads(line[5:])) if line.startswith("data:") else None

    def wait(
        self,
        id: int,
        *,
        timeout: Optional[float] = None,
        progress: Optional[Callable[[Job], Any]] = None,
        poll: float = 1.0,
        check: bool = True,
    ) -> Job:
        """Waits for a job's end, and calls `progress` whenever it has come further.

        Follows its events; where the server has too many followers, or the connection breaks, it asks every `poll`
        seconds. Raises TimeoutError after `timeout` seconds, and with `check` JobFailed for a job that was not done.
        """
        until = None if timeout is None else clock.monotonic() + timeout
        job: Optional[Job] = None
        told: Optional[Job] = None
        while True:
            left = None if until is None else max(0.1, until - clock.monotonic())
            for now in self._followed(id, left):
                job = now or job
                if job is None:
                    continue
                if progress and job != told:
                    progress(job)
                told = job
                if job.state in ENDS:
                    if check and job.state != "done":
                        raise JobFailed(job)
                    return job
                if until is not None and clock.monotonic() >= until:
                    raise TimeoutError(f"The job {id} is {job.state} after {timeout} s: {job.done} of {job.total}")
            time.sleep(poll if left is None else min(poll, left))

    def _followed(self, id: int, left: Optional[float]) -> Iterator[Optional[Job]]:
        """The job as it is, and then its events; those end where `left` seconds bring none."""
        yield self.get(id)
        try:
            for job in self._lines(id, left):
                yield job
        except (Busy, ConnectionFailed):
            return


class Folders:
    """The server's registered folders."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> List[Folder]:
        """All of them."""
        return (self._connection.ask(FolderList, Request("GET", "/v1/folders"))).folders

    def register(self, path: str, *, collection: Optional[str] = None, rules: Optional[Rules] = None) -> Folder:
        """Registers a folder of the server, which has to allow it. One that is registered already is answered as is."""
        body = {"path": path, "collection": collection, "rules": sent(rules)}
        body = {key: value for key, value in body.items() if value is not None}
        return self._connection.ask(Folder, Request("POST", "/v1/folders", json=body, harmless=False))

    def change(
        self,
        id: int,
        *,
        exclude: Union[Sequence[str], None] = None,
        include: Union[Sequence[str], None] = None,
        tags: Union[Sequence[str], None] = None,
        prune: Optional[bool] = None,
    ) -> Folder:
        """Changes some of its rules."""
        body = {"exclude": exclude, "include": include, "tags": tags, "prune": prune}
        body = {key: value for key, value in body.items() if value is not None}
        return self._connection.ask(Folder, Request("PATCH", f"/v1/folders/{id}", json=body))

    def forget(self, id: int) -> None:
        """Forgets a registration; its pictures stay."""
        self._connection.remove(Request("DELETE", f"/v1/folders/{id}"))


def sent(rules: Optional[Rules]) -> Any:
    """Rules as JSON, without those that are not given."""
    return None if rules is None else {key: value for key, value in vars(rules).items() if value is not None}
