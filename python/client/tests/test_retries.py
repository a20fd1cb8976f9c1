"""When a request is sent again, without a server and without waiting."""

import json
import time
from typing import Callable, Dict, List, Mapping, Optional, Tuple

import httpx
import pytest

from resight_client import Busy, Client, ConnectionFailed, Item, NotFound, Retries, ServerFailed, UnexpectedAnswer
from resight_client.bulk import is_archive
from resight_client.retries import seconds_of

Answer = Callable[[httpx.Request], httpx.Response]


def problem(status: int, code: str, retry_after: Optional[str] = None) -> httpx.Response:
    headers = {} if retry_after is None else {"retry-after": retry_after}
    body = {"code": code, "detail": "So it is.", "next_step": "Wait.", "title": "T", "status": status}
    return httpx.Response(status, json=body, headers=headers)


def client_of(answers: List[Answer], chance: float = 0.0, attempts: int = 5) -> Tuple[Client, List[httpx.Request]]:
    """A client that gets these answers one after the other, and the requests that it sends."""
    sent: List[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        sent.append(request)
        return answers[len(sent) - 1](request)

    http = httpx.Client(base_url="http://resight.test", transport=httpx.MockTransport(answer))
    return Client(http=http, retries=Retries(attempts=attempts, chance=lambda: chance)), sent


@pytest.fixture(autouse=True)
def waited(monkeypatch: pytest.MonkeyPatch) -> List[float]:
    """How long was waited each time."""
    found: List[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


def count(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"count": 3})


def fails(error: Exception) -> Answer:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return answer


def test_the_time_that_the_server_names_is_waited_for(waited: List[float]) -> None:
    client, sent = client_of([lambda _: problem(503, "busy", "7"), lambda _: problem(429, "rate_limited", "2"), count])
    assert client.count() == 3
    assert (len(sent), waited) == (3, [7.0, 2.0])


def test_clients_that_were_refused_together_come_back_apart_and_never_early(waited: List[float]) -> None:
    client, _ = client_of([lambda _: problem(503, "busy", "7"), count], chance=0.5)
    client.count()
    assert waited == [7.25]


def test_waits_double_where_no_time_is_named(waited: List[float]) -> None:
    client, sent = client_of([fails(httpx.ReadError("cut"))] * 4 + [count], chance=1.0)
    assert client.count() == 3
    assert waited == [0.5, 1.0, 2.0, 4.0]
    client, sent = client_of([fails(httpx.ReadError("cut"))] * 2, attempts=2)
    with pytest.raises(ConnectionFailed, match="cut"):
        client.count()
    assert len(sent) == 2


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: problem(503, "busy", "3600"),
        lambda _: problem(503, "data_folder_gone", "1"),
        lambda _: problem(500, "store_io"),
        lambda _: problem(404, "unknown_picture"),
        lambda _: httpx.Response(502, text="<html>"),
    ],
)
def test_what_waiting_does_not_mend_is_raised_at_once(answer: Answer, waited: List[float]) -> None:
    client, sent = client_of([answer])
    with pytest.raises((Busy, ServerFailed, NotFound)):
        client.count()
    assert (len(sent), waited) == (1, [])


def test_what_must_not_be_done_twice_is_sent_again_only_where_nothing_was_sent(waited: List[float]) -> None:
    for error in (httpx.ReadError("cut"), httpx.ReadTimeout("late")):
        client, sent = client_of([fails(error)])
        with pytest.raises(ConnectionFailed):
            client.keys.create("k", ["read"])
        assert len(sent) == 1
    client, sent = client_of([fails(httpx.ConnectError("closed")), lambda _: problem(422, "bad_key")])
    with pytest.raises(Exception, match="bad_key"):
        client.keys.create("k", ["read"])
    assert len(sent) == 2


def test_an_addition_keeps_its_key_and_its_bytes(waited: List[float]) -> None:
    client, sent = client_of(
        [
            fails(httpx.ReadError("cut")),
            lambda _: problem(409, "idempotency_key_in_use"),
            lambda _: problem(422, "empty"),
        ]
    )
    with pytest.raises(Exception, match="empty"):
        client.add(b"picture", tags=["t"])
    keys = {request.headers["idempotency-key"] for request in sent}
    assert (len(sent), len(keys)) == (3, 1)
    assert all(b"picture" in request.content for request in sent)


def test_a_removal_whose_answer_was_lost_is_done(waited: List[float]) -> None:
    client, sent = client_of([fails(httpx.ReadError("cut")), lambda _: problem(404, "unknown_picture")])
    client.delete("a")
    assert len(sent) == 2
    client, sent = client_of([lambda _: problem(404, "unknown_picture")])
    with pytest.raises(NotFound):
        client.delete("a")


def lines(*outcomes: Mapping[str, object], end: bool = True, problem: Optional[Dict[str, str]] = None) -> Answer:
    summary = {"added": 0, "already_present": 0, "refused": 0, "skipped": 0, "complete": not problem}
    last = [{"summary": {**summary, "problem": problem}}] if end else []
    text = "".join(json.dumps(line) + "\n" for line in [*outcomes, *last])
    return lambda _: httpx.Response(200, text=text, headers={"content-type": "application/x-ndjson"})


def stored(file: str, outcome: str = "added") -> Dict[str, object]:
    return {"file": file, "outcome": outcome, "id": "0" * 32, "name": file}


def test_files_whose_lines_came_are_counted_once_where_the_answer_breaks(waited: List[float]) -> None:
    client, sent = client_of(
        [lines(stored("a"), end=False), lines(stored("a", "already_present"), stored("b"), stored("c"))]
    )
    report = client.add_many([b"1", b"2", b"3"])
    assert (report.added, report.already_present, report.refused) == (3, 0, [])
    assert len({request.headers["idempotency-key"] for request in sent}) == 1


def test_files_that_were_not_taken_for_want_of_room_are_sent_again_alone(waited: List[float]) -> None:
    busy = {"file": "b", "outcome": "refused", "code": "busy", "reason": "Much to do.", "next_step": "Wait."}
    client, sent = client_of([lines(stored("a"), busy, stored("c")), lines(stored("b"))])
    assert client.add_many([b"one", b"two", b"three"]).added == 3
    assert b"two" in sent[1].content and b"one" not in sent[1].content
    assert sent[0].headers["idempotency-key"] != sent[1].headers["idempotency-key"]

    client, sent = client_of([lines(busy)] * 3, attempts=3)
    report = client.add_many([Item(b"two", name="two")])
    assert [(one.file, one.code, one.next_step) for one in report.refused] == [("two", "busy", "Wait.")]
    assert len(sent) == 3


def test_files_behind_the_place_where_a_body_broke_are_sent_again(waited: List[float]) -> None:
    slow = {"code": "upload_too_slow", "reason": "It came late.", "next_step": "Send it again."}
    client, sent = client_of([lines(stored("a"), problem=slow), lines(stored("b"), stored("c"))])
    assert client.add_many([b"one", b"two", b"three"]).added == 3
    assert b"three" in sent[1].content and b"one" not in sent[1].content


def test_a_full_disk_ends_an_addition_and_says_how_far_it_came(waited: List[float]) -> None:
    from resight_client import BulkStopped

    full = {"file": "b", "outcome": "refused", "code": "store_full", "reason": "Full.", "next_step": "Free space."}
    client, sent = client_of([lines(stored("a"), full)])
    with pytest.raises(BulkStopped, match="Free space") as stopped:
        client.add_many([b"one", b"two"])
    assert (stopped.value.report.added, len(sent), waited) == (1, 1, [])


def test_answers_of_something_else_are_told() -> None:
    for response in (httpx.Response(200, text="<html>"), httpx.Response(200, json={"number": 3})):
        client, _ = client_of([lambda _, response=response: response])  # type: ignore[misc]
        with pytest.raises(UnexpectedAnswer):
            client.count()
    client, _ = client_of([lambda _: httpx.Response(200, json={"count": 3, "new": 1})])
    assert client.count() == 3


def test_retry_after_is_read_in_both_forms() -> None:
    assert seconds_of("12") == 12.0
    assert seconds_of("Thu, 01 Jan 1970 00:01:40 GMT", now=lambda: 40.0) == 60.0
    assert seconds_of("Thu, 01 Jan 1970 00:00:00 GMT", now=lambda: 40.0) == 0.0
    assert seconds_of("soon") is None and seconds_of(None) is None


def test_archives_are_told_by_their_first_bytes() -> None:
    assert is_archive(b"PK\x03\x04rest") and is_archive(b"\x1f\x8brest")
    assert is_archive(bytes(257) + b"ustar\x0000")
    assert not is_archive(b"\x89PNG\r\n") and not is_archive(b"")
