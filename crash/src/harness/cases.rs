//! What is killed and made to fail: each change, with what was done before it.

use crate::harness::operations::{Change, UPLOADED};
use crate::harness::oracle::{DEFAULT, Labels, Oracle};
use crate::harness::program::Setup;

/// What is killed.
pub(crate) enum Act {
    /// A server that starts.
    Start,
    /// A server that is asked to stop.
    Stop,
    /// Changes of a running server.
    Changes(Vec<Change>),
    /// A command, and what it means once it has succeeded.
    Command(Vec<String>, fn(&mut Oracle, bool)),
}

pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Changes made before.
    pub(crate) before: Vec<Change>,
    /// Whether the server that made them was stopped, or killed.
    pub(crate) was_stopped: bool,
    pub(crate) act: Act,
}

pub(crate) fn add(collection: &str, number: u64) -> Change {
    Change::Add {
        collection: collection.into(),
        number,
        tag: Some("a".into()),
    }
}

pub(crate) fn remove(collection: &str, number: u64) -> Change {
    Change::Remove {
        collection: collection.into(),
        number,
    }
}

fn create(collection: &str) -> Change {
    Change::Create {
        collection: collection.into(),
    }
}

fn drop_collection(collection: &str) -> Change {
    Change::Drop {
        collection: collection.into(),
    }
}

fn label(number: u64) -> Change {
    Change::Label {
        collection: DEFAULT.into(),
        number,
        labels: Labels {
            tags: ["x".into(), "y".into()].into(),
            object: Some("o".into()),
            metadata: Some("{\"k\":\"v\"}".into()),
        },
    }
}

fn command(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The pictures of the folder are those from here on.
pub(crate) const FOLDER: std::ops::Range<u64> = UPLOADED..UPLOADED + 5;

fn indexed(oracle: &mut Oracle, is_done: bool) {
    for number in FOLDER {
        let possible = oracle.of(DEFAULT).of(number);
        possible.note(Some(Labels::default()), is_done);
    }
}

fn one_added(oracle: &mut Oracle, is_done: bool) {
    let made = oracle.of("made");
    made.may_be_gone = !is_done;
}

fn nothing(_: &mut Oracle, _: bool) {}

// Long because it is one list.
pub(crate) fn cases(setup: &Setup) -> Vec<Case> {
    let some = || {
        (0..4)
            .map(|number| add(DEFAULT, number))
            .collect::<Vec<_>>()
    };
    let many = || {
        (0..20)
            .map(|number| add(DEFAULT, number))
            .collect::<Vec<_>>()
    };
    let with_collection = || vec![add(DEFAULT, 1), create("c"), add("c", 2), add("c", 3)];
    let pictures = setup.root.join("pictures");
    let pictures = pictures.to_string_lossy();
    let case = |name, before, was_stopped, act| Case {
        name,
        before,
        was_stopped,
        act,
    };
    vec![
        case("first start", vec![], true, Act::Start),
        case(
            "first add",
            vec![],
            true,
            Act::Changes(vec![add(DEFAULT, 1)]),
        ),
        case("add", some(), false, Act::Changes(vec![add(DEFAULT, 9)])),
        case(
            "remove",
            some(),
            false,
            Act::Changes(vec![remove(DEFAULT, 2)]),
        ),
        case(
            "remove and add again",
            some(),
            true,
            Act::Changes(vec![remove(DEFAULT, 2), add(DEFAULT, 2)]),
        ),
        case("label", some(), false, Act::Changes(vec![label(2)])),
        case(
            "create a collection",
            some(),
            false,
            Act::Changes(vec![create("c")]),
        ),
        case(
            "first add to a collection",
            vec![add(DEFAULT, 1), create("c")],
            false,
            Act::Changes(vec![add("c", 1)]),
        ),
        case(
            "drop a collection",
            with_collection(),
            false,
            Act::Changes(vec![drop_collection("c")]),
        ),
        case(
            "drop and create a collection",
            with_collection(),
            true,
            Act::Changes(vec![drop_collection("c"), create("c"), add("c", 3)]),
        ),
        case("start after a kill", with_collection(), false, Act::Start),
        case("stop", with_collection(), false, Act::Stop),
        case(
            "index",
            some(),
            true,
            Act::Command(command(&["index", &pictures]), indexed),
        ),
        case(
            "first index",
            vec![],
            true,
            Act::Command(command(&["index", &pictures]), indexed),
        ),
        case(
            "create by a command",
            some(),
            false,
            Act::Command(command(&["collections", "create", "made"]), one_added),
        ),
        case(
            "train and convert",
            many(),
            true,
            Act::Command(command(&["train", "--words", "64"]), nothing),
        ),
        case(
            "duplicates",
            many(),
            true,
            Act::Command(command(&["duplicates"]), nothing),
        ),
    ]
}
