"""What can fail. Each failure that the server tells has its stable code and its next step."""

from typing import TYPE_CHECKING, Any, Dict, Optional

if TYPE_CHECKING:
    from resight_client.models import Job


class ResightError(Exception):
    """Whatever this package raises."""


class ConnectionFailed(ResightError):
    """The server could not be reached, or the connection broke. The cause is httpx's exception."""

    #: Whether the connection could not even be opened, so that nothing was done.
    unsent: bool = False


class UnexpectedAnswer(ResightError):
    """What answered is no Resight server, or one whose answers this version cannot read."""


class ApiError(ResightError):
    """The server refused or failed. `code` is stable; docs/errors.md lists all codes."""

    def __init__(
        self, status: int, code: str, detail: str, next_step: str = "", title: str = "",
        retry_after: Optional[float] = None, traceback: Optional[str] = None,
    ) -> None:  # fmt: skip
        super().__init__(status, code, detail, next_step, title, retry_after, traceback)
        self.status = status
        self.code = code
        #: What went wrong this time.
        self.detail = detail
        #: What to do now.
        self.next_step = next_step
        #: What the code means.
        self.title = title
        #: Seconds after which the request may be sent again; None where the server named none.
        self.retry_after = retry_after
        #: The traceback of a plug-in, for keys that may see it.
        self.traceback = traceback

    def __str__(self) -> str:
        return f"{self.detail} {self.next_step} [{self.code}, {self.status}]".replace("  ", " ")


class NotAuthenticated(ApiError):
    """401: the key is missing, unknown or ended."""


class NotAllowed(ApiError):
    """403: the key, or the server's options, do not allow this."""


class NotFound(ApiError):
    """404 and 410: there is no such thing, or its file is gone."""


class Refused(ApiError):
    """Any other 4xx: the request has to be changed."""


class Busy(ApiError):
    """429 and 503: the same request may succeed later."""


class ServerFailed(ApiError):
    """Any other 5xx."""


class JobFailed(ResightError):
    """A job that was waited for failed or was cancelled."""

    def __init__(self, job: "Job") -> None:
        super().__init__(job)
        self.job = job

    def __str__(self) -> str:
        why = ": ".join(text for text in (self.job.code, self.job.detail) if text)
        return f"The job {self.job.id} ({self.job.kind}) is {self.job.state}" + (f", {why}" if why else "")


def of_answer(status: int, body: Any, retry_after: Optional[float]) -> ApiError:
    """The exception for an answer that tells a failure; `body` is its JSON, or None."""
    problem: Dict[str, Any] = body if isinstance(body, dict) else {}
    kinds = {401: NotAuthenticated, 403: NotAllowed, 404: NotFound, 410: NotFound, 429: Busy, 503: Busy}
    kind = kinds.get(status, Refused if status < 500 else ServerFailed)
    return kind(
        status,
        code=str(problem.get("code", f"http_{status}")),
        detail=str(problem.get("detail", f"The answer's status is {status}, without a reason.")),
        next_step=str(problem.get("next_step", "")),
        title=str(problem.get("title", "")),
        retry_after=retry_after,
        traceback=problem.get("traceback"),
    )
