//! An export as rows of one table, of which the first column says what a row is.

use std::io::{self, Write};

use resight_engine::{DuplicateGroup, Picture, Tag};
use resight_store::{CollectionName, NotAMatch};

use super::{Exported, Form, moment};

/// The columns. The row `end` has the counts as its `name`.
const COLUMNS: [&str; 17] = [
    "record",
    "id",
    "other",
    "group",
    "kind",
    "path",
    "name",
    "media_type",
    "bytes",
    "width",
    "height",
    "added",
    "taken",
    "tags",
    "object",
    "metadata",
    "uploaded",
];

pub(super) struct Rows<W: Write> {
    out: csv::Writer<W>,
}

/// The values of a row by the names of their columns.
type Cells<'a> = [(&'static str, &'a str)];

impl<W: Write> Rows<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out: csv::Writer::from_writer(out),
        }
    }

    fn row(&mut self, record: &str, cells: &Cells<'_>) -> io::Result<()> {
        let value = |column: &&str| match cells.iter().find(|(name, _)| name == column) {
            Some((_, value)) => value,
            None if *column == "record" => record,
            None => "",
        };
        let row = COLUMNS.iter().map(value);
        self.out.write_record(row).map_err(of_csv)
    }
}

/// As it is: that a reader went away is no failure.
fn of_csv(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

impl<W: Write> Form for Rows<W> {
    fn begin(&mut self, _: &CollectionName) -> io::Result<()> {
        self.out.write_record(COLUMNS).map_err(of_csv)
    }

    fn picture(&mut self, picture: &Picture, paths: bool) -> io::Result<()> {
        let labels = &picture.labels;
        let tags: Vec<&str> = labels.tags.iter().map(Tag::as_str).collect();
        let object = labels.object.as_ref();
        self.row(
            "picture",
            &[
                ("id", picture.id.as_str()),
                ("name", &picture.name),
                ("media_type", &picture.media_type),
                ("bytes", &picture.byte_len.to_string()),
                ("width", &picture.width.to_string()),
                ("height", &picture.height.to_string()),
                ("added", &moment(picture.added_ms)),
                ("taken", &picture.taken_ms.map(moment).unwrap_or_default()),
                ("tags", &tags.join(";")),
                ("object", object.map_or("", |object| object.as_str())),
                ("metadata", labels.metadata.as_deref().unwrap_or_default()),
                ("uploaded", &picture.uploaded.to_string()),
            ],
        )?;
        // A row each, so that no character of a path separates two.
        for path in picture.sources.iter().filter(|_| paths) {
            self.row("path", &[("id", picture.id.as_str()), ("path", path)])?;
        }
        Ok(())
    }

    fn group(&mut self, number: u64, group: &DuplicateGroup) -> io::Result<()> {
        for member in &group.members {
            self.row(
                "member",
                &[
                    ("id", member.picture.id.as_str()),
                    ("group", &number.to_string()),
                    ("kind", group.kind.as_str()),
                ],
            )?;
        }
        Ok(())
    }

    fn decision(&mut self, decision: &NotAMatch) -> io::Result<()> {
        self.row(
            "not_a_match",
            &[
                ("id", decision.a.as_str()),
                ("other", decision.b.as_str()),
                ("added", &moment(decision.decided_ms)),
            ],
        )
    }

    fn end(&mut self, exported: &Exported) -> io::Result<()> {
        let Exported {
            pictures,
            groups,
            decisions,
        } = exported;
        let counts = format!("pictures {pictures}, groups {groups}, decisions {decisions}");
        self.row("end", &[("name", &counts)])?;
        self.out.flush()
    }
}
