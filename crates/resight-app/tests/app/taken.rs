//! When pictures were taken, of a data folder that an earlier version wrote.

use resight_engine::{Indexer, PictureId};
use resight_test_support::{jpeg_taken, textured};
use rusqlite::Connection;

use crate::support::{World, add, until};

#[test]
fn pictures_of_an_earlier_version_are_asked_when_they_were_taken() {
    let world = World::new();
    let folder = world.open();
    let bytes = jpeg_taken(&textured(160, 120, 1), "1970:01:01 00:00:09");
    let indexer = Indexer::new(folder.library.clone());
    let told = indexer.add(&bytes, "told.jpg").unwrap().picture;
    assert_eq!(told.taken_ms, Some(9000), "a new picture is asked at once");
    let silent = add(&folder.library, 2);
    drop((indexer, folder));
    let catalogue = world.path("data/catalogue.sqlite3");
    let rows = || -> u64 {
        let raw = Connection::open(&catalogue).unwrap();
        let rows = raw.query_row("SELECT COUNT(*) FROM taken", [], |row| row.get::<_, i64>(0));
        rows.unwrap().unsigned_abs()
    };
    Connection::open(&catalogue)
        .unwrap()
        .execute("DELETE FROM taken", [])
        .unwrap();

    let folder = world.open();
    let taken = |id: &PictureId| folder.library.picture(id).unwrap().taken_ms;
    assert_eq!(taken(&told.id), None);
    let asking = folder.recover_in_background();
    until("the pictures are asked", || taken(&told.id) == Some(9000));
    drop(asking);
    assert_eq!(taken(&silent), None);
    drop(folder);
    assert_eq!(rows(), 2, "one that does not tell is not asked again");
}
