//! Registered folders whose changes are followed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use resight_app::background::Background;
use resight_app::folders::{FolderState, Folders, FollowSettings, Following, Rules};
use resight_engine::{Query, SearchOptions};
use resight_store::{CollectionName, JobFilter};

use crate::jobs::{Service, fill, until};
use crate::support::{World, ask, picture};

struct Followed {
    // Dropped first.
    follower: Option<Background>,
    service: Service,
    folders: Folders,
    world: World,
    root: PathBuf,
    id: u64,
}

impl Followed {
    /// A folder of so many pictures, once they are indexed.
    fn new(count: u64, following: Following, rules: &Rules) -> Self {
        let world = World::new();
        let mut service = Service::of(&world);
        let root = fill(&world, count);
        let folders = Folders::beside(&service.jobs);
        let default = CollectionName::default();
        let added = folders.add(&world.config(), &root, &default, rules, None);
        service.run(&world);
        let mut followed = Self {
            follower: None,
            service,
            folders,
            id: added.unwrap().0.record.id,
            world,
            root,
        };
        followed.follow(following);
        until(|| followed.folder().record.last_run_ms.is_some());
        until(|| followed.unfinished() == 0);
        followed
    }

    fn follow(&mut self, following: Following) {
        let settings = FollowSettings {
            following,
            poll_each: Duration::from_millis(500),
            quiet: Duration::from_millis(300),
        };
        let follower = self.folders.follow(
            &self.service.jobs,
            &self.world.config(),
            &self.service.collections,
            settings,
        );
        self.follower = follower.unwrap();
        let id = self.id;
        until(|| self.folders.state(id) != FolderState::Idle);
    }

    fn folder(&self) -> resight_app::folders::Folder {
        self.folders.get(self.id).unwrap()
    }

    fn unfinished(&self) -> usize {
        let all = self.service.jobs.list(&JobFilter::default(), 100).unwrap();
        let unfinished = all.iter().filter(|job| !job.record.state.is_end());
        unfinished.count()
    }

    fn count(&self) -> u64 {
        self.service.folder.library.count().unwrap()
    }

    /// The paths of all stored pictures that are there, below the folder.
    fn paths(&self) -> Vec<String> {
        let stored = self.service.folder.library.pictures(0, 1000).unwrap();
        let sources = stored.into_iter().flat_map(|picture| picture.sources);
        let below = |path: &String| {
            let below = Path::new(path).strip_prefix(&self.root).ok()?;
            Some(below.to_str()?.to_owned())
        };
        let mut paths: Vec<_> = sources.filter_map(|path| below(&path)).collect();
        paths.sort();
        paths
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.root).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }
}

fn prune() -> Rules {
    Rules {
        prune: true,
        ..Rules::default()
    }
}

#[test]
fn two_hundred_files_are_followed_while_searches_run() {
    let followed = Followed::new(5, Following::Auto, &prune());
    assert_eq!(followed.folders.state(followed.id), FolderState::Watching);
    let name = |seed: u64| followed.root.join(format!("n{seed:03}.png"));
    for seed in 0..200 {
        fs::write(name(seed), picture(1000 + seed)).unwrap();
    }
    let query = picture(1);
    let library = &followed.service.folder.library;
    let mut searches = 0;
    until(|| {
        let answer = ask(library, Query::Bytes(&query), &SearchOptions::default()).unwrap();
        assert!(answer.hits[0].verified);
        searches += 1;
        followed.count() == 205
    });
    assert!(searches > 1, "searches did not run beside it");
    for seed in 0..20 {
        fs::rename(name(seed), followed.root.join(format!("m{seed:03}.png"))).unwrap();
    }
    for seed in 20..40 {
        fs::remove_file(name(seed)).unwrap();
    }
    until(|| followed.paths() == followed.files());
    assert_eq!(followed.count(), 185);
    // A file that is written over, and a folder that is moved in.
    fs::write(name(40), picture(5000)).unwrap();
    let outside = followed.world.path("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("in.png"), picture(5001)).unwrap();
    fs::rename(&outside, followed.root.join("new")).unwrap();
    until(|| followed.count() == 186);
    assert!(followed.paths().contains(&"new/in.png".to_owned()));
}

#[test]
fn a_folder_that_goes_away_keeps_its_pictures_and_is_followed_again() {
    for following in [Following::Auto, Following::Poll] {
        let mut followed = Followed::new(4, following, &prune());
        let state = followed.folders.state(followed.id);
        let away = followed.world.path("away");
        fs::rename(&followed.root, &away).unwrap();
        until(|| followed.folders.state(followed.id) == FolderState::Gone);
        // Meanwhile the server is started again.
        followed.follower = None;
        followed.follow(following);
        until(|| followed.folders.state(followed.id) == FolderState::Gone);
        assert_eq!(followed.count(), 4);
        fs::remove_file(away.join("000.png")).unwrap();
        fs::write(away.join("new.png"), picture(77)).unwrap();
        fs::write(away.join("more.png"), picture(78)).unwrap();
        fs::rename(&away, &followed.root).unwrap();
        until(|| followed.count() == 5 && followed.paths() == followed.files());
        until(|| followed.folders.state(followed.id) == state);
        fs::write(followed.root.join("last.png"), picture(79)).unwrap();
        until(|| followed.count() == 6);
    }
}

#[test]
fn a_folder_around_the_quarantine_is_not_followed() {
    let mut followed = Followed::new(1, Following::Auto, &prune());
    followed.follower = None;
    let around = followed.world.path("around");
    let quarantine = around.join("quarantine");
    fs::create_dir_all(&quarantine).unwrap();
    fs::write(around.join("a.png"), picture(77)).unwrap();
    // As by a process that knows of no quarantine.
    let (config, default) = (followed.world.config(), CollectionName::default());
    let added = followed
        .folders
        .add(&config, &around, &default, &prune(), None);
    let passed_over = added.unwrap().0.record.id;
    let config = config.with_quarantine(Some(&quarantine));
    let settings = FollowSettings {
        following: Following::Auto,
        quiet: Duration::from_millis(300),
        ..FollowSettings::default()
    };
    let (jobs, collections) = (&followed.service.jobs, &followed.service.collections);
    let follower = followed
        .folders
        .follow(jobs, &config, collections, settings);
    followed.follower = follower.unwrap();
    for (count, name) in [(2, "b.png"), (3, "c.png")] {
        fs::write(around.join(name), picture(80 + count)).unwrap();
        fs::write(followed.root.join(name), picture(90 + count)).unwrap();
        until(|| followed.paths().contains(&name.to_owned()));
        assert_eq!(followed.count(), count);
    }
    let all = jobs.list(&JobFilter::default(), 100).unwrap();
    let of_it = |job: &resight_app::jobs::Job| job.record.new.folder == Some(passed_over);
    assert!(!all.iter().any(of_it));
}

#[cfg(unix)]
#[test]
fn a_link_within_a_folder_takes_nothing_with_it_when_it_goes() {
    let mut followed = Followed::new(1, Following::Auto, &prune());
    followed.follower = None;
    let (years, albums) = (followed.root.join("2020"), followed.root.join("albums"));
    fs::create_dir(&years).unwrap();
    fs::create_dir(&albums).unwrap();
    std::os::unix::fs::symlink("../2020", albums.join("best")).unwrap();
    // With the link there.
    followed.follow(Following::Auto);
    fs::write(years.join("a.png"), picture(501)).unwrap();
    until(|| followed.count() == 2);
    fs::remove_dir_all(&albums).unwrap();
    fs::write(years.join("b.png"), picture(502)).unwrap();
    until(|| followed.count() == 3);
    until(|| followed.paths() == ["000.png", "2020/a.png", "2020/b.png"]);
}

#[test]
fn rules_hold_for_what_is_followed_and_may_change() {
    let rules = Rules {
        exclude: vec!["*.raw.png".into()],
        tags: vec!["rome".into()],
        ..Rules::default()
    };
    let followed = Followed::new(2, Following::Auto, &rules);
    fs::write(followed.root.join("a.raw.png"), picture(50)).unwrap();
    fs::write(followed.root.join("b.png"), picture(51)).unwrap();
    until(|| followed.count() == 3);
    let stored = followed.service.folder.library.pictures(0, 10).unwrap();
    assert!(stored.iter().all(|picture| picture.labels.tags.len() == 1));
    // Nothing is pruned.
    fs::remove_file(followed.root.join("b.png")).unwrap();
    fs::write(followed.root.join("c.png"), picture(52)).unwrap();
    until(|| followed.count() == 4);
    // A file of patterns changes what is taken in of the whole folder.
    fs::write(followed.root.join(".resightignore"), "!a.raw.png\nd.png\n").unwrap();
    followed
        .folders
        .set_rules(followed.id, &Rules::default())
        .unwrap();
    until(|| followed.count() == 5);
    fs::write(followed.root.join("d.png"), picture(53)).unwrap();
    fs::write(followed.root.join("e.png"), picture(54)).unwrap();
    until(|| followed.count() == 6);
    assert!(!followed.paths().contains(&"d.png".to_owned()));
    // Who is registered no more is not followed.
    followed.folders.remove(followed.id).unwrap();
    until(|| followed.folders.state(followed.id) == FolderState::Idle);
}
