//! Vectors that a plug-in's `embed` makes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use resight_app::Code;
use resight_app::config::{Config, Settings};
use resight_app::data_folder::{open_for_searching, open_for_writing};
use resight_app::plugins::{PluginSettings, Plugins};
use resight_engine::{EngineError, GlobalModels, Library, Mode, ModelState, Query, SearchOptions};
use resight_vision::Fault;

use crate::support::{World, add, ask};

/// Describes pictures by their mean colour. A picture is met with what the file `way` says.
const EMBED: &str = r#"
import os
HERE = os.path.dirname(os.path.abspath(__file__))

def embed(images):
    vectors = []
    for image in images:
        data = bytes(image) if isinstance(image, memoryview) else image.tobytes()
        with open(os.path.join(HERE, "way")) as way:
            if sum(data) % 2 and way.read() == "crash":
                os._exit(9)
        vectors.append([sum(data[c::3]) + 1.0 for c in range(3)])
    return vectors
"#;

fn plugins(folder: &Path) -> Option<Plugins> {
    let ask = "import sys; sys.exit(sys.version_info < (3, 9))";
    let run = std::process::Command::new("python3")
        .args(["-c", ask])
        .status();
    if !run.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: no python3 from 3.9 on, so no plug-in can run");
        return None;
    }
    let file = folder.join("colours.py");
    std::fs::write(&file, EMBED).unwrap();
    let settings = PluginSettings {
        files: vec![file],
        ..PluginSettings::default()
    };
    Some(Plugins::for_describing(&settings, 1).unwrap())
}

fn config(world: &World) -> Config {
    let settings = Settings {
        with_models: vec!["plugin:colours".into()],
        ..world.settings()
    };
    Config::new(settings).unwrap()
}

fn state(library: &Arc<Library>) -> ModelState {
    let mut states = GlobalModels::new(library.clone()).states().unwrap();
    assert_eq!(states.len(), 1, "{states:?}");
    states.remove(0)
}

#[test]
fn a_plug_in_s_vectors_are_searched_and_wait_while_it_crashes() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let Some(plugins) = plugins(folder.path()) else {
        return;
    };
    let way = |text: &str| std::fs::write(folder.path().join("way"), text).unwrap();
    way("crash");
    let config = config(&world);
    let opened = open_for_writing(&config, &plugins).unwrap();
    let library = &opened.library;
    let ids: Vec<_> = (1..=8).map(|seed| add(library, seed)).collect();
    let embed =
        || GlobalModels::new(library.clone()).embed_missing(&AtomicBool::new(false), &mut |_| {});
    let error = embed().unwrap_err();
    assert!(
        matches!(&error, EngineError::Extract(e) if e.fault == Fault::Passing),
        "{error}"
    );
    let waiting = state(library);
    assert_eq!(waiting.without, 0, "{waiting:?}");
    assert!(waiting.pending > 0 && waiting.pending < 8, "{waiting:?}");

    way("");
    // Bytes that killed a worker are refused until the file is loaded again.
    plugins.get("colours").unwrap().reload().unwrap();
    embed().unwrap();
    let done = state(library);
    assert_eq!((done.pending, done.vectors, done.dimension), (0, 8, 3));
    let alike = SearchOptions {
        mode: Mode::Similar,
        ..SearchOptions::default()
    };
    let answer = ask(library, Query::Stored(&ids[0]), &alike).unwrap();
    assert!(answer.hits.iter().any(|hit| hit.cosine.is_some()));
    drop(opened);

    // The collection knows that it uses the plug-in, which need not be named again.
    let without = Config::new(world.settings()).unwrap();
    let reading = open_for_searching(&without, &plugins, true).unwrap();
    assert!(state(&reading).can_embed);
    drop(reading);

    // Without the plug-in its vectors are searched on, and nobody may ask for it by name.
    let opened = open_for_writing(&without, &Plugins::default()).unwrap();
    let kept = state(&opened.library);
    assert_eq!((kept.can_embed, kept.vectors), (false, 8));
    drop(opened);
    let refused = open_for_writing(&config, &Plugins::default());
    assert_eq!(refused.err().unwrap().code(), Code::ExtractorUnknown);
}
