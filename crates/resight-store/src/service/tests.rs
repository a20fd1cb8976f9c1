use super::*;
use crate::collections::CollectionName;
use crate::error::StoreError;

fn job(kind: &str) -> NewJob {
    NewJob {
        collection: CollectionName::default(),
        kind: kind.into(),
        parameters: "{}".into(),
        made_by: None,
        folder: None,
    }
}

fn made(records: &ServiceRecords, new: &NewJob) -> u64 {
    match records.add_job(new, &JobBounds::default()).unwrap() {
        JobAdded::Made(id) => id,
        other => panic!("{other:?}"),
    }
}

fn folder(path: &str) -> NewFolder {
    NewFolder {
        path: path.into(),
        collection: CollectionName::default(),
        rules: "{}".into(),
        made_by: Some("0a".into()),
    }
}

fn refusal(path: &str, code: &str) -> JobRefusal {
    JobRefusal {
        path: path.into(),
        code: code.into(),
        reason: "why".into(),
    }
}

const CANCELLED: JobEnd = JobEnd {
    state: JobState::Cancelled,
    error: None,
};

#[test]
fn jobs_are_begun_in_their_order_and_go_on_in_the_next_process() {
    let dir = tempfile::tempdir().unwrap();
    let records = ServiceRecords::open(dir.path()).unwrap();
    let (first, second) = (
        made(&records, &job("index")),
        made(&records, &job("verify")),
    );
    let begun = records.begin_job_but("", &[]).unwrap().unwrap();
    assert_eq!((begun.id, begun.state), (first, JobState::Running));
    let progress = JobProgress {
        done: 3,
        total: 9,
        report: "r".into(),
        refused: vec![refusal("/b", "broken"), refusal("/a", "empty")],
    };
    records.record_progress(first, &progress).unwrap();
    drop(records);

    let records = ServiceRecords::open(dir.path()).unwrap();
    assert_eq!(records.requeue_running().unwrap(), 1);
    let again = records.begin_job_but("", &[]).unwrap().unwrap();
    assert_eq!((again.id, again.done, again.total), (first, 3, 9));
    assert_eq!(again.started_ms, begun.started_ms);
    // The same file once more is no second one.
    records.record_progress(first, &progress).unwrap();
    assert_eq!(records.count_refusals(first).unwrap(), 2);
    let page = records.job_refusals(first, None, 1).unwrap();
    assert_eq!(page, [refusal("/a", "empty")]);
    let rest = records.job_refusals(first, Some("/a"), 9).unwrap();
    assert_eq!(rest, [refusal("/b", "broken")]);
    let end = JobEnd {
        state: JobState::Failed,
        error: Some(("store_full".into(), "no space".into())),
    };
    records.end_job(first, &progress, &end).unwrap();
    let ended = records.job(first).unwrap().unwrap();
    assert_eq!(ended.state, JobState::Failed);
    assert_eq!(ended.code.as_deref(), Some("store_full"));
    assert!(ended.ended_ms.is_some());
    assert_eq!(records.begin_job_but("", &[]).unwrap().unwrap().id, second);
    assert_eq!(records.begin_job_but("", &[]).unwrap(), None);
}

#[test]
fn jobs_that_cannot_begin_yet_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let records = ServiceRecords::open(dir.path()).unwrap();
    let (first, second) = (
        made(&records, &job("index")),
        made(&records, &job("verify")),
    );
    let held = [job("index").collection];
    let begun = records.begin_job_but("index", &held).unwrap().unwrap();
    assert_eq!(begun.id, second);
    assert_eq!(records.begin_job_but("index", &held).unwrap(), None);
    let begun = records.begin_job_but("index", &[]).unwrap().unwrap();
    assert_eq!(begun.id, first);
    records.requeue_job(first).unwrap();
    assert_eq!(records.begin_job_but("", &[]).unwrap().unwrap().id, first);
    // One that somebody asked to end meanwhile is not begun again.
    records.ask_to_end(first).unwrap();
    records.requeue_job(first).unwrap();
    assert_eq!(records.begin_job_but("", &[]).unwrap(), None);
    let end = records.job(first).unwrap().unwrap();
    assert_eq!(end.state, JobState::Cancelled);
    records.requeue_job(first).unwrap();
    assert_eq!(records.begin_job_but("", &[]).unwrap(), None);
}

#[test]
fn a_job_is_asked_to_end_whether_it_waits_or_runs() {
    let dir = tempfile::tempdir().unwrap();
    let records = ServiceRecords::open(dir.path()).unwrap();
    let (running, waiting) = (made(&records, &job("index")), made(&records, &job("index")));
    records.begin_job_but("", &[]).unwrap();
    assert_eq!(records.ask_to_end(waiting).unwrap(), Some(true));
    assert_eq!(
        records.job(waiting).unwrap().unwrap().state,
        JobState::Cancelled
    );
    assert_eq!(records.ask_to_end(running).unwrap(), Some(true));
    assert_eq!(records.jobs_to_end().unwrap(), [running]);
    records
        .end_job(running, &JobProgress::default(), &CANCELLED)
        .unwrap();
    assert_eq!(records.ask_to_end(running).unwrap(), Some(false));
    assert_eq!(records.ask_to_end(99).unwrap(), None);
    assert_eq!(records.begin_job_but("", &[]).unwrap(), None);
}

#[test]
fn jobs_are_filtered_and_the_oldest_of_too_many_are_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let records = ServiceRecords::open(dir.path()).unwrap();
    let museum = CollectionName::parse("museum").unwrap();
    for kind in ["index", "verify", "index", "index"] {
        made(&records, &job(kind));
    }
    let other = NewJob {
        collection: museum.clone(),
        ..job("index")
    };
    let other = made(&records, &other);
    let ids = |filter: &JobFilter| {
        let jobs = records.jobs(filter, 100).unwrap();
        assert_eq!(records.count_jobs(filter).unwrap(), jobs.len() as u64);
        jobs.iter().map(|job| job.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&JobFilter::default()), [5, 4, 3, 2, 1]);
    let verify = JobFilter {
        kind: Some("verify".into()),
        ..JobFilter::default()
    };
    assert_eq!(ids(&verify), [2]);
    let of_museum = JobFilter {
        collections: Some(vec![museum.clone()]),
        ..JobFilter::default()
    };
    assert_eq!(ids(&of_museum), [other]);
    let none = JobFilter {
        collections: Some(Vec::new()),
        ..JobFilter::default()
    };
    assert_eq!(ids(&none), [0; 0]);
    for _ in 0..3 {
        let begun = records.begin_job_but("", &[]).unwrap().unwrap();
        records
            .end_job(begun.id, &JobProgress::default(), &CANCELLED)
            .unwrap();
    }
    let ended = JobFilter {
        states: vec![JobState::Cancelled],
        before: Some(3),
        ..JobFilter::default()
    };
    assert_eq!(ids(&ended), [2, 1]);
    assert_eq!(records.forget_ended(0, 1).unwrap(), 2);
    assert_eq!(ids(&JobFilter::default()), [5, 4, 3]);
    assert_eq!(records.forget_ended(i64::MAX, 100).unwrap(), 1);
    records.forget_collection(&museum).unwrap();
    assert_eq!(ids(&JobFilter::default()), [4]);
}

#[test]
fn folders_are_registered_once_and_their_numbers_are_not_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let records = ServiceRecords::open(dir.path()).unwrap();
    let (first, is_new) = records.add_folder(&folder("/a")).unwrap();
    assert!(is_new);
    assert!(records.set_rules(first.id, "{\"prune\":true}").unwrap());
    let (same, is_new) = records.add_folder(&folder("/a")).unwrap();
    assert!(!is_new);
    assert_eq!((same.id, &*same.new.rules), (first.id, "{\"prune\":true}"));
    records.note_run(first.id, Some(7)).unwrap();
    records.note_run(first.id, None).unwrap();
    // A command beside the server sees it, and the other way round.
    let beside = ServiceRecords::open(dir.path()).unwrap();
    let seen = beside.folders().unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].last_job, Some(7));
    assert!(seen[0].last_run_ms.is_some());
    assert!(beside.remove_folder(first.id).unwrap());
    assert!(!records.remove_folder(first.id).unwrap());
    assert!(records.folder(first.id).unwrap().is_none());
    let (next, _) = records.add_folder(&folder("/a")).unwrap();
    assert!(next.id > first.id);
}

#[test]
fn another_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(ServiceRecords::FILE_NAME);
    std::fs::write(
        &path,
        b"no database, and long enough to be read as one".repeat(30),
    )
    .unwrap();
    let refused = ServiceRecords::open(dir.path()).unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
    std::fs::remove_file(&path).unwrap();
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer
        .execute_batch("PRAGMA application_id = 0x52736A62; PRAGMA user_version = 99;")
        .unwrap();
    drop(newer);
    let refused = ServiceRecords::open(dir.path()).unwrap_err();
    assert!(matches!(refused, StoreError::Newer { .. }), "{refused}");
}

#[test]
fn jobs_beyond_a_bound_are_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let records = ServiceRecords::open(dir.path()).unwrap();
    let by = |key: Option<&str>| NewJob {
        made_by: key.map(str::to_owned),
        ..job("export")
    };
    let two_of_a_key = JobBounds {
        waiting: None,
        of_key: Some(2),
    };
    let add = |key, bounds: &JobBounds| records.add_job(&by(key), bounds).unwrap();
    for _ in 0..2 {
        assert!(matches!(add(Some("a"), &two_of_a_key), JobAdded::Made(_)));
    }
    // One that runs counts as well.
    assert!(records.begin_job_but("", &[]).unwrap().is_some());
    assert_eq!(add(Some("a"), &two_of_a_key), JobAdded::TooManyOfKey);
    for other in [Some("b"), None, None, None] {
        assert!(matches!(add(other, &two_of_a_key), JobAdded::Made(_)));
    }
    // One that has ended does not.
    records
        .end_job(1, &JobProgress::default(), &CANCELLED)
        .unwrap();
    assert!(matches!(add(Some("a"), &two_of_a_key), JobAdded::Made(_)));
    let waiting = JobFilter {
        states: vec![JobState::Queued],
        ..JobFilter::default()
    };
    let all = records.count_jobs(&waiting).unwrap();
    let bounds = |most| JobBounds {
        waiting: Some(most),
        of_key: None,
    };
    assert_eq!(add(None, &bounds(all)), JobAdded::TooManyWait);
    assert!(matches!(add(None, &bounds(all + 1)), JobAdded::Made(_)));
}
