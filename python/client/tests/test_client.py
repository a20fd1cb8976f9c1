"""Each method against a live server."""

import asyncio
import io
import pathlib
import subprocess
import zipfile
from typing import Callable, List, Tuple, Union

import pytest
from conftest import Server, png

from resight_client import (
    AsyncClient,
    BulkStopped,
    Client,
    Filter,
    Item,
    JobFailed,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Outcome,
    Refused,
    Report,
    Retries,
    Rules,
)


def test_a_picture_is_added_once_and_found_by_all_that_stands_for_it(resight: Client, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "boxes.png"
    path.write_bytes(png(1))
    added = resight.add(path, tags=["a", "b"], object="thing", metadata={"year": 1890})
    assert (added.name, added.tags, added.object, added.metadata) == ("boxes.png", ["a", "b"], "thing", {"year": 1890})
    assert not added.already_present
    assert resight.add(io.BytesIO(png(1))).already_present
    resight.add(png(2), name="other.png")

    for answer in (
        resight.search(path),
        resight.search(png(1)),
        resight.search(features=resight.features(path)),
        resight.search([path, png(1)], verified_only=True),
        resight.search(path, region=(20, 20, 240, 180), limit=1),
        resight.search(path, region="pct:10,10,80,80", matches=True),
    ):
        assert answer.hits[0].image.id == added.id
        assert answer.hits[0].verified
    found = resight.search(image_id=added.id)
    assert added.id not in [hit.image.id for hit in found.hits]
    assert resight.search(path, filter=Filter(tag="absent")).total == 0
    assert resight.search(path, filter=Filter(meta={"year": 1890}, any_tag=["a", "c"])).total == 1

    compared = resight.compare(path, png(1))
    assert compared.verified and compared.identical
    assert resight.compare(path, b_id=added.id).verified and resight.compare(a_id=added.id, b=path).verified
    with pytest.raises(TypeError):
        resight.compare(path, path, b_id=added.id)
    assert not resight.compare(a_id=added.id, b_id=resight.page(Filter(name_prefix="other")).images[0].id).verified
    assert resight.file(added.id) == png(1)
    assert resight.thumbnail(added.id).startswith(b"\xff\xd8")
    assert resight.exif(added.id) == []
    assert resight.media_types() == {"image/png": resight.count()}
    assert resight.count(Filter(media_type=["image/png", "image/gif"])) == resight.count()
    assert resight.count(Filter(media_type="image/gif")) == 0
    assert resight.count(Filter(paired=True)) == 0
    assert resight.download(added.id, tmp_path / "again.png") == len(png(1))
    assert (tmp_path / "again.png").read_bytes() == png(1)
    assert [one.id for one in resight.object_images("thing")] == [added.id]
    assert [one.id for one in resight.objects()] == ["thing"]
    assert resight.get(added.id).name == "boxes.png"


def test_labels_are_changed_kept_and_cleared(resight: Client) -> None:
    one, two = resight.add(png(1), tags=["x"], object="o"), resight.add(png(2))
    assert resight.label(one.id, add_tags="y").tags == ["x", "y"]
    changed = resight.label(one.id, object=None, metadata={"k": True})
    assert (changed.tags, changed.object, changed.metadata) == (["x", "y"], None, {"k": True})
    assert resight.label(one.id, tags=None).tags == []
    assert resight.label_many(Filter(meta={"k": True}), add_tags=["z"]).changed == 1
    assert [picture.id for picture in resight.images(Filter(tag="z"))] == [one.id]
    assert resight.delete_many(Filter(not_tag="z"), dry_run=True).matched == 1
    assert resight.delete_many(Filter(not_tag="z")).removed == 1
    with pytest.raises(NotFound) as failure:
        resight.get(two.id)
    assert failure.value.code == "unknown_picture"
    assert failure.value.next_step and failure.value.next_step in str(failure.value)
    with pytest.raises(Refused) as refused:
        resight.delete_many(Filter())
    assert refused.value.code == "filter_needed"
    resight.delete(one.id)
    assert resight.count() == 0


def test_pages_follow_each_other_without_the_reader_noticing(resight: Client) -> None:
    ids = [resight.add(png(seed), name=f"{seed}.png").id for seed in range(7)]
    assert [picture.id for picture in resight.images(sort="name", page_size=2)] == ids
    assert resight.count(Filter(name_prefix="3")) == 1
    page = resight.page(limit=3, sort="-name")
    assert [picture.name for picture in page.images] == ["6.png", "5.png", "4.png"]
    behind = resight.page(limit=3, sort="-name", cursor=page.next)
    assert behind.images[0].name == "3.png"


def test_many_are_added_past_what_is_refused(resight: Client, tmp_path: pathlib.Path) -> None:
    for seed in range(5):
        (tmp_path / f"{seed}.png").write_bytes(png(seed))
    (tmp_path / "notes.txt").write_text("no picture")
    archive = tmp_path / "more.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("in/7.png", png(7))
        file.writestr("in/readme.txt", "no picture")
    told: List[Tuple[int, str]] = []

    def progress(report: Report, outcome: Outcome) -> None:
        told.append((report.done, outcome.outcome))

    given: List[Union[Item, pathlib.Path, bytes]] = [
        tmp_path / "0.png",
        tmp_path / "notes.txt",
        tmp_path / "gone.png",
        archive,
        tmp_path / "1.png",
    ]
    given += [Item(tmp_path / "2.png", name="named", tags=["own"], object="thing"), png(3)]
    report = resight.add_many(given, tags="all", progress=progress, batch_files=2)
    assert (report.added, report.already_present, report.total) == (5, 0, 7)
    assert [(str(one.source), one.file, one.code) for one in report.refused] == [
        (str(tmp_path / "gone.png"), "gone.png", "unreadable"),
        (str(tmp_path / "notes.txt"), "notes.txt", "not_an_image"),
        (str(archive), "in/readme.txt", "not_an_image"),
    ]
    assert all(one.reason and one.next_step for one in report.refused)
    assert [done for done, _ in told] == list(range(1, 9))
    named = resight.page(Filter(tag=["own", "all"])).images
    assert [(picture.name, picture.object) for picture in named] == [("named", "thing")]
    assert sorted(picture.name for picture in resight.images()) == ["0.png", "1.png", "7.png", "named", "picture"]

    # The same call goes on where one ended.
    again = resight.add_many((path for path in sorted(tmp_path.glob("*.png"))))
    assert (again.added, again.already_present, again.total) == (1, 4, None)


def test_an_archive_is_not_added_as_a_picture(resight: Client) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("a.png", png(1))
    with pytest.raises(ValueError, match="add_many"):
        resight.add(packed.getvalue())
    assert resight.add_many([packed.getvalue()]).added == 1


def test_an_addition_that_is_sent_again_is_answered_as_before(resight: Client) -> None:
    first = resight.add(png(1), idempotency_key="one")
    resight.delete(first.id)
    assert resight.add(png(1), idempotency_key="one") == first
    assert resight.count() == 0
    with pytest.raises(Refused) as failure:
        resight.add(png(2), idempotency_key="one")
    assert failure.value.code == "idempotency_key_reused"


def test_pairs_are_grouped_and_told_apart(resight: Client) -> None:
    one, two = resight.add(png(1), name="a"), resight.add(png(1) + b"trailing", name="b")
    resight.jobs.wait(resight.jobs.create("duplicates").id)
    groups = list(resight.duplicates())
    assert [{member.image.id for member in group.members} for group in groups] == [{one.id, two.id}]
    assert resight.duplicates_page(limit=1).complete
    assert resight.not_a_match(one.id, two.id).changed
    assert [{pair.a, pair.b} for pair in resight.not_matches()] == [{one.id, two.id}]
    assert list(resight.duplicates()) == []
    assert not resight.drop_not_a_match(one.id, two.id).not_a_match


def test_duplicates_are_resolved_and_their_files_put_back(serve: Callable[..., Server], tmp_path: pathlib.Path) -> None:
    away = tmp_path / "away"
    away.mkdir()
    server = serve(options=["--quarantine", str(away)])
    folder = server.allowed / "twice"
    folder.mkdir()
    (folder / "large.png").write_bytes(png(1) + b"trailing")
    (folder / "copy.png").write_bytes(png(1))
    with Client(server.url) as resight:
        registered = resight.folders.register(str(folder))
        job = resight.jobs.create("index", folder_id=registered.id)
        resight.jobs.wait(job.id)
        by_name = {picture.name: picture.id for picture in resight.images()}
        keep, other = by_name["large.png"], by_name["copy.png"]
        resight.label(other, add_tags=["kept"])
        told = resight.resolve([(keep, [other])], carry_over=True, quarantine=True, dry_run=True)
        assert (told.dry_run, told.removed, told.moved, resight.count()) == (True, 1, 1, 2)
        done = resight.resolve([(keep, [other])], carry_over=True, quarantine=True)
        assert (done.removed, done.refused, done.moved, done.groups[0].remove[0].files[0].state) == (1, 0, 1, "moved")
        assert not (folder / "copy.png").exists()
        assert resight.get(keep).tags == ["kept"]
        listed = resight.resolutions()
        assert [(one.id, one.files, one.undone) for one in listed] == [(done.resolution, 1, False)]
        assert done.resolution
        undone = resight.undo(done.resolution)
        assert (undone.restored, undone.pictures, undone.refused) == (1, 1, [])
        assert (folder / "copy.png").read_bytes() == png(1)
        assert resight.get(other).tags == ["kept"]
        assert resight.resolutions()[0].undone
        with pytest.raises(NotFound):
            resight.undo("20200101T000000Z-000000")


def test_files_of_many_pictures_come_in_one_archive(resight: Client, tmp_path: pathlib.Path) -> None:
    ids = [resight.add(png(seed), name=f"{seed}.png", metadata={"n": seed}).id for seed in range(3)]
    target = tmp_path / "some.zip"

    def names() -> List[str]:
        with zipfile.ZipFile(target) as archive:
            return sorted(archive.namelist())

    assert resight.download_many(target, ids=ids[:2]) == target.stat().st_size
    assert names() == ["0.png", "1.png"]
    resight.download_many(target, filter=Filter(meta={"n": 2}))
    assert names() == ["2.png"]
    resight.download_many(target, all=True, name="all")
    assert names() == ["0.png", "1.png", "2.png"]
    with zipfile.ZipFile(target) as archive:
        assert archive.read("2.png") == png(2)
    with pytest.raises(TypeError):
        resight.download_many(target, ids=ids, all=True)


def test_an_export_is_made_and_fetched(resight: Client, tmp_path: pathlib.Path) -> None:
    added = resight.add(png(1), tags=["x"])
    job = resight.jobs.wait(resight.jobs.create("export", format="csv").id)
    target = tmp_path / "labels.csv"
    assert resight.jobs.download(job.id, target) == target.stat().st_size
    assert added.id in target.read_text(encoding="utf-8")
    with pytest.raises(NotFound) as failure:
        resight.jobs.download(resight.jobs.wait(resight.jobs.create("verify").id).id, target)
    assert failure.value.code == "no_export"


def test_a_server_tells_what_it_takes_and_does(resight: Client) -> None:
    resight.add(png(1))
    storage = resight.storage()
    assert storage.collections[0].name == "default" and storage.total >= storage.collections[0].total
    assert "resight_" in resight.metrics()


def test_pairs_that_are_no_match_are_read_page_after_page(resight: Client) -> None:
    ids = [resight.add(png(seed)).id for seed in range(4)]
    for other in ids[1:]:
        resight.not_a_match(ids[0], other)
    assert {pair.a for pair in resight.not_matches(page_size=1)} | {
        pair.b for pair in resight.not_matches(page_size=2)
    } <= set(ids)
    assert len(list(resight.not_matches(page_size=1))) == 3
    for other in ids[1:]:
        resight.drop_not_a_match(ids[0], other)


def test_collections_are_apart(resight: Client) -> None:
    made = resight.collections.create("apart")
    assert (made.name, made.pictures) == ("apart", 0)
    apart = resight.collection("apart")
    added = apart.add(png(1))
    assert apart.search(png(1)).hits[0].image.id == added.id
    assert resight.count() == 0
    assert resight.collections.get("apart").pictures == 1
    assert [one.name for one in resight.collections.list()] == ["default", "apart"]
    assert resight.collections.rename("apart", "further").name == "further"
    assert resight.collection("further").count() == 1
    resight.collections.delete("further")
    with pytest.raises(NotFound) as failure:
        apart.count()
    assert failure.value.code == "unknown_collection"


def test_jobs_are_followed_to_their_end(resight: Client, server: Server) -> None:
    folder = server.allowed / "pictures"
    folder.mkdir()
    for seed in range(3):
        (folder / f"{seed}.png").write_bytes(png(seed))
    (folder / "broken.png").write_bytes(png(9)[:-200])
    job = resight.jobs.create("index", folder=str(folder), rules=Rules(tags=["indexed"]))
    states: List[str] = []
    ended = resight.jobs.wait(job.id, progress=lambda now: states.append(now.state))
    assert (ended.state, ended.counts["indexed"], ended.counts["refused"]) == ("done", 3, 1)
    assert states[-1] == "done"
    assert [pathlib.Path(one.path).name for one in resight.jobs.refused(job.id)] == ["broken.png"]
    assert [pathlib.Path(one.path).name for one in resight.refused()] == ["broken.png"]
    assert resight.count(Filter(tag="indexed")) == 3
    assert next(iter(resight.jobs.list(kind="index", state=["done"], page_size=1))).id == job.id
    with pytest.raises(Refused) as refused:
        resight.jobs.cancel(job.id)
    assert refused.value.code == "job_ended"
    with pytest.raises(NotAllowed) as failure:
        resight.jobs.create("index", folder="/")
    assert failure.value.code == "folder_not_allowed"


def test_a_job_that_fails_is_raised(resight: Client, server: Server) -> None:
    folder = server.allowed / "soon gone"
    folder.mkdir()
    registered = resight.folders.register(str(folder), rules=Rules(tags=["t"]))
    assert registered.rules and registered.rules.tags == ["t"]
    assert [one.id for one in resight.folders.list()] == [registered.id]
    changed = resight.folders.change(registered.id, exclude=["*.tmp"])
    assert changed.rules and (changed.rules.exclude, changed.rules.tags) == (["*.tmp"], ["t"])
    resight.folders.forget(registered.id)
    assert resight.folders.list() == []
    made = resight.jobs.create("index", folder=str(folder))
    resight.jobs.wait(made.id)
    queued = resight.jobs.create("backup", folder=str(server.work / "data" / "inside"))
    with pytest.raises(JobFailed) as failure:
        resight.jobs.wait(queued.id)
    assert failure.value.job.state == "failed" and str(failure.value.job.code) in str(failure.value)
    assert resight.jobs.wait(queued.id, check=False).state == "failed"


def test_waiting_for_a_job_has_an_end(resight: Client, server: Server) -> None:
    made = resight.jobs.create("verify")
    with pytest.raises(TimeoutError):
        # A client that sees no end of it.
        client = Client(server.url)
        client.jobs.get = lambda id: made  # type: ignore[method-assign]
        client.jobs._lines = lambda id, timeout: iter([])  # type: ignore[method-assign]
        client.jobs.wait(made.id, timeout=0.2, poll=0.01)
    client.close()
    assert resight.jobs.wait(made.id).state == "done"


def test_keys_open_what_they_are_for(program: str, serve: Callable[..., Server]) -> None:
    secrets: List[str] = []

    def prepare(work: pathlib.Path) -> None:
        command = [program, "--data", str(work / "data"), "keys", "create", "me", "--scope", "admin"]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        secrets.append(next(word for word in out.split() if word.startswith("resight_")))

    url = serve(prepare, ["--require-keys", "--webhook-network", "127.0.0.0/8"]).url
    with Client(url) as nobody, pytest.raises(NotAuthenticated) as missing:
        nobody.count()
    assert missing.value.code == "key_missing"
    with Client(url, key=secrets[0]) as admin:
        made = admin.keys.create("reader", ["search", "read"], per_minute=1000)
        with Client(url, key=made.secret) as reader:
            assert reader.count() == 0
            own = reader.key()
            assert own and own.id == made.id
            with pytest.raises(NotAllowed) as failure:
                reader.add(png(1))
            assert failure.value.code == "key_not_allowed"
            with pytest.raises(BulkStopped) as stopped:
                reader.add_many([png(1)])
            assert isinstance(stopped.value.__cause__, NotAllowed) and stopped.value.report.done == 0
        hook = admin.webhooks.create("http://127.0.0.1:9/told")
        assert hook.secret.startswith("whsec_")
        assert [one.url for one in admin.webhooks.list()] == ["http://127.0.0.1:9/told"]
        admin.webhooks.delete(hook.webhook.id)
        assert admin.webhooks.list() == []
        assert sorted(key.name for key in admin.keys.list()) == ["me", "reader"]
        admin.keys.revoke(made.id)
        with Client(url, key=made.secret, retries=Retries(attempts=1)) as late, pytest.raises(NotAuthenticated):
            late.count()


def test_a_server_tells_how_it_is(resight: Client) -> None:
    assert resight.health().status == "ok"
    assert resight.ready()["status"] == "ok"
    assert resight.key() is None
    assert resight.models() == []
    assert isinstance(resight.plugins(), (dict, list))


def test_the_async_client_does_the_same(resight: Client, server: Server, tmp_path: pathlib.Path) -> None:
    paths = [tmp_path / f"{seed}.png" for seed in range(4)]
    for seed, path in enumerate(paths):
        path.write_bytes(png(seed))

    async def scenario() -> None:
        async with AsyncClient(server.url) as client:
            added = await client.add(paths[0], tags=["first"])
            report = await client.add_many([*paths, tmp_path / "gone.png"], batch_files=3)
            assert (report.added, report.already_present, len(report.refused)) == (3, 1, 1)
            answers = await asyncio.gather(*(client.search(path) for path in paths))
            assert [answer.hits[0].image.name for answer in answers] == [path.name for path in paths]
            assert len([picture async for picture in client.images(page_size=3)]) == 4
            job = await client.jobs.wait((await client.jobs.create("verify")).id)
            assert job.state == "done"
            assert await client.download(added.id, tmp_path / "copy") == len(png(0))
            with pytest.raises(NotFound):
                await client.get("0" * 32)
            await client.delete(added.id)
            assert await client.count() == 3

    asyncio.run(scenario())
