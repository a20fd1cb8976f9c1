//! Pictures of a folder are described by global models as they are indexed.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use image::{GrayImage, Luma};
use resight_engine::{FolderEvent, FolderOptions};
use resight_store::Vectors;

use crate::afar::*;

/// Pictures in a folder, the last of which the model cannot describe.
fn folder_of_pictures() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..3 {
        let bytes = png(&picture(number, number));
        std::fs::write(folder.path().join(format!("{number}.png")), bytes).unwrap();
    }
    let plain = png(&GrayImage::from_pixel(64, 64, Luma([90])));
    std::fs::write(folder.path().join("plain.png"), plain).unwrap();
    folder
}

fn index(world: &World, folder: &Path) -> Vec<FolderEvent> {
    let mut events = Vec::new();
    let go_on = AtomicBool::new(false);
    let indexed = world.bench.indexer.index_folder(
        folder,
        &FolderOptions {
            embed: true,
            ..FolderOptions::default()
        },
        &go_on,
        &mut |event| events.push(event),
    );
    assert_eq!(indexed.unwrap().indexed, 4);
    events
}

#[test]
fn pictures_of_a_folder_are_described_from_the_pixels_that_were_decoded_for_their_features() {
    let folder = folder_of_pictures();
    let (at_once, later) = (World::new(), World::new());
    let afar = Afar::new("1");
    at_once.attach(&afar);
    let events = index(&at_once, folder.path());
    let mut embedded = events.iter().filter_map(|event| match event {
        FolderEvent::Embedded { model, done, total } => Some((model.as_str(), *done, *total)),
        _ => None,
    });
    assert_eq!(embedded.next_back(), Some(("afar", 4, 4)));
    let state = at_once.states().remove(0);
    assert_eq!((state.vectors, state.without, state.pending), (3, 1, 0));
    // Nothing is left to be read and described once more.
    let asked = afar.asked.load(Ordering::SeqCst);
    assert_eq!(at_once.embed().last().map(|step| step.total), Some(0));
    assert_eq!(afar.asked.load(Ordering::SeqCst), asked);
    let complete = at_once.bench.models.model_of_name("afar").unwrap();
    assert_eq!(complete.as_deref(), Some("afar/1"));

    index(&later, folder.path());
    later.attach(&Afar::new("1"));
    later.embed();
    let vectors = |world: &World| {
        let keys = world
            .catalogue
            .vector_keys_after("afar/1", None, 100)
            .unwrap();
        world.catalogue.vectors("afar/1", &keys).unwrap()
    };
    assert_eq!(vectors(&at_once), vectors(&later));
}

#[test]
fn what_is_refused_or_stored_already_is_not_waited_for() {
    let folder = folder_of_pictures();
    let at = |name: &str| folder.path().join(name);
    // In the order of the run: one of each before the pictures, and one after them.
    std::fs::write(at("0-broken.png"), b"no picture").unwrap();
    std::fs::copy(at("1.png"), at("1-again.png")).unwrap();
    std::fs::write(at("z-broken.png"), b"no picture").unwrap();
    let world = World::new();
    world.attach(&Afar::new("1"));
    let steps: Vec<(u64, u64)> = index(&world, folder.path())
        .iter()
        .filter_map(|event| match event {
            FolderEvent::Embedded { done, total, .. } => Some((*done, *total)),
            _ => None,
        })
        .collect();
    assert_eq!(steps.last(), Some(&(4, 4)));
    assert!(steps.is_sorted_by(|a, b| a.0 <= b.0 && a.1 >= b.1));
    assert!(steps.iter().all(|(done, total)| done <= total), "{steps:?}");
}

#[test]
fn a_model_that_fails_while_a_folder_is_indexed_does_not_stop_it() {
    let folder = folder_of_pictures();
    let world = World::new();
    let afar = Afar::new("1");
    world.attach(&afar);
    afar.fails.store(true, Ordering::SeqCst);
    let events = index(&world, folder.path());
    let is_embedded = |event: &FolderEvent| matches!(event, FolderEvent::Embedded { .. });
    assert!(!events.iter().any(is_embedded));
    assert_eq!(world.states()[0].pending, 4);
    afar.fails.store(false, Ordering::SeqCst);
    let steps = world.embed();
    assert_eq!(
        steps.last().map(|step| (step.done, step.total)),
        Some((4, 4))
    );
}
