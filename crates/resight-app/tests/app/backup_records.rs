//! Registered folders and jobs in backups.

use std::fs;

use resight_app::backup::backup;
use resight_app::collections::Collections;
use resight_app::folders::{FolderState, Folders, FollowSettings, Rules};
use resight_app::jobs::{JobSettings, Jobs, Task};
use resight_app::plugins::Plugins;
use resight_app::webhooks::{Told, Webhooks};
use resight_app::{Code, data_folder};
use resight_store::{CollectionName, ServiceRecords};

use crate::backup::{OPTIONS, back_up, elsewhere, files, go, restored_to};
use crate::jobs::{Service, fill, until};
use crate::support::{World, add, error};

#[test]
fn registered_folders_and_jobs_that_ended_are_in_a_backup() {
    let world = World::new();
    let mut service = Service::of(&world);
    let pictures = fill(&world, 3);
    let rules = Rules {
        tags: vec!["rome".into()],
        prune: true,
        ..Rules::default()
    };
    let folders = Folders::beside(&service.jobs);
    let default = CollectionName::default();
    let (folder, _) = folders
        .add(&world.config(), &pictures, &default, &rules, None)
        .unwrap();
    service.run(&world);
    let indexed = folders.index(&service.jobs, &folder, None).unwrap();
    let indexed = service.ended(indexed.record.id);
    service.stop();
    let waiting = service.add(&Task::Verify);
    back_up(&world);
    drop((service, folders));
    // On the other machine there is no such folder.
    fs::rename(&pictures, world.path("elsewhere")).unwrap();

    restored_to(&world, "other").unwrap();
    let config = elsewhere(&world, "other");
    let jobs = Jobs::open(&config).unwrap();
    let kept = jobs.get(indexed.record.id).unwrap();
    assert_eq!(kept.record, indexed.record);
    // What waited is not done on another machine.
    assert_eq!(error(jobs.get(waiting)).code(), Code::UnknownJob);
    let listed = Folders::beside(&jobs).list().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].path(), &listed[0].rules), (pictures, &rules));
    drop(jobs);

    // Its rules prune, and yet nothing is removed where the folder is not there.
    let opened = data_folder::open_for_writing(&config, &Plugins::default()).unwrap();
    let collections = Collections::beside(&opened, &config);
    let jobs = Jobs::of_folder(&config, &opened).unwrap();
    let runner = jobs
        .run_in_background(&config, &collections, &JobSettings::default())
        .unwrap();
    let folders = Folders::beside(&jobs);
    let follower = folders.follow(&jobs, &config, &collections, FollowSettings::default());
    let follower = follower.unwrap();
    until(|| folders.state(listed[0].record.id) == FolderState::Gone);
    let asked = folders.index(&jobs, &listed[0], None).unwrap().record.id;
    until(|| jobs.get(asked).unwrap().record.state.is_end());
    assert_eq!(
        jobs.get(asked).unwrap().record.code.as_deref(),
        Some("folder_unreadable")
    );
    assert_eq!(opened.library.count().unwrap(), 3);
    drop((follower, runner));
}

#[test]
fn webhooks_are_in_a_backup_with_their_secrets_and_what_they_were_told() {
    let world = World::new();
    let folder = world.open();
    add(&folder.library, 1);
    let hooks = Webhooks::open(&world.path("data")).unwrap();
    let told = hooks.add("https://a.example/x", Some("key")).unwrap();
    hooks.add("https://b.example/", None).unwrap();
    let place = Told {
        ended_ms: told.told.ended_ms + 5,
        job: 7,
    };
    hooks.note(&told.id, place).unwrap();
    let expected = hooks.list();
    back_up(&world);
    drop(folder);

    restored_to(&world, "other").unwrap();
    let config = elsewhere(&world, "other");
    let restored = Webhooks::open(&config.root).unwrap().list();
    assert_eq!(restored, expected);
    assert_eq!(restored[0].secret(), told.secret());
    assert_eq!(restored[0].told, place);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let file = fs::metadata(config.root.join("webhooks.json")).unwrap();
        assert_eq!(file.permissions().mode() & 0o077, 0, "it has secrets");
    }
}

#[test]
fn damaged_records_of_jobs_take_no_backup_s_place() {
    let world = World::new();
    let service = Service::of(&world);
    add(&service.folder.library, 1);
    service.add(&Task::Verify);
    back_up(&world);
    drop(service);
    let before = files(&world.path("backup"));
    let path = world.path("data").join(ServiceRecords::FILE_NAME);
    fs::write(
        &path,
        b"no database, and long enough to be read as one".repeat(30),
    )
    .unwrap();
    let refused = backup(
        &world.config(),
        &world.path("backup"),
        OPTIONS,
        &go(),
        &mut |_, _| {},
    );
    assert_eq!(error(refused).code(), Code::BackupSource);
    assert_eq!(
        files(&world.path("backup")).get(&world.path("backup/manifest.jsonl")),
        before.get(&world.path("backup/manifest.jsonl"))
    );
    restored_to(&world, "other").unwrap();
}
