//! API keys in backups.

use std::fs;

use resight_app::Code;
use resight_app::backup::backup;
use resight_app::keys::{Keys, NewKey, Scope};

use crate::backup::{OPTIONS, back_up, go, restored_to};
use crate::support::{World, add};

#[test]
fn keys_are_backed_up_and_damaged_ones_replace_no_backup() {
    let world = World::new();
    add(&world.open().library, 1);
    let root = world.config().root;
    let keys = Keys::open(&root).unwrap();
    let new = NewKey {
        name: "intake".into(),
        scopes: vec![Scope::Add],
        ..NewKey::default()
    };
    let (key, secret) = keys.create(new).unwrap();
    back_up(&world);
    restored_to(&world, "here").unwrap();
    let restored = Keys::open(&world.path("here")).unwrap();
    assert_eq!(restored.check(&secret).unwrap().unwrap().id, key.id);
    fs::write(root.join("keys.json"), "{").unwrap();
    let backup_again = backup(
        &world.config(),
        &world.path("backup"),
        OPTIONS,
        &go(),
        &mut |_, _| {},
    );
    let error = backup_again.unwrap_err();
    assert_eq!(error.code(), Code::KeysDamaged);
    restored_to(&world, "there").unwrap();
    let restored = Keys::open(&world.path("there")).unwrap();
    assert_eq!(restored.list().unwrap().len(), 1);
}
