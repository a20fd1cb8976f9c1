//! A global model of a folder, while it is installed and afterwards.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use resight_app::Code;
use resight_app::config::{Config, Settings};
use resight_app::data_folder::open_for_writing;
use resight_app::plugins::Plugins;
use resight_engine::{GlobalModels, Library, Mode, ModelState, PictureId, Query, SearchOptions};
use resight_test_support::onnx;

use crate::support::{World, add, ask, picture};

fn install(world: &World) {
    let manifest = onnx::colour_manifest("colours", "name = \"vector\"");
    world.install("colours", &manifest, &onnx::colour_net());
}

fn state(library: &Arc<Library>) -> ModelState {
    let states = GlobalModels::new(library.clone()).states().unwrap();
    assert_eq!(states.len(), 1, "{states:?}");
    states.into_iter().next().unwrap()
}

fn alike() -> SearchOptions {
    SearchOptions {
        mode: Mode::Similar,
        ..SearchOptions::default()
    }
}

/// Pictures that look like a stored one, with their cosines.
fn like(library: &Arc<Library>, id: &PictureId) -> Vec<(PictureId, Option<f64>)> {
    let answer = ask(library, Query::Stored(id), &alike()).unwrap();
    let facts = |hit: resight_engine::Hit| (hit.picture.id, hit.cosine);
    answer.hits.into_iter().map(facts).collect()
}

#[test]
fn vectors_of_a_model_that_is_gone_are_searched_on_until_it_is_forgotten() {
    let world = World::new();
    install(&world);
    let settings = Settings {
        with_models: vec!["colours".into()],
        ..world.settings()
    };
    let config = Config::new(settings).unwrap();
    let folder = open_for_writing(&config, &Plugins::default()).unwrap();
    let ids: Vec<_> = (1..=4).map(|seed| add(&folder.library, seed)).collect();
    let models = GlobalModels::new(folder.library.clone());
    models
        .embed_missing(&AtomicBool::new(false), &mut |_| {})
        .unwrap();
    let before = state(&folder.library);
    assert_eq!(
        (before.can_embed, before.vectors, before.dimension),
        (true, 4, 4)
    );
    assert!(before.licence.is_some());
    let found = like(&folder.library, &ids[0]);
    assert_eq!(found.len(), 3, "{found:?}");
    drop((models, folder));

    // The collection remembers the model's name.
    world.models().remove("colours").unwrap();
    let folder = world.open();
    let without = state(&folder.library);
    assert_eq!(
        (without.can_embed, without.vectors, without.dimension),
        (false, 4, 4)
    );
    assert_eq!(without.licence, None, "its manifest is gone");
    assert_eq!(
        (&without.name, &without.model),
        (&before.name, &before.model)
    );
    assert!(folder.embed_in_background().is_none());
    assert_eq!(like(&folder.library, &ids[0]), found);
    let new = picture(9);
    let refused = ask(&folder.library, Query::Bytes(&new), &alike()).unwrap_err();
    assert_eq!(Code::from(&refused), Code::BadQuery, "{refused}");
    drop(folder);

    install(&world);
    let folder = world.open();
    assert!(state(&folder.library).can_embed);
    assert!(folder.forget_model("colours").unwrap());
    assert!(!folder.forget_model("colours").unwrap());
    drop(folder);
    let models = GlobalModels::new(world.open().library);
    assert!(models.is_empty(), "it is not remembered");
}
