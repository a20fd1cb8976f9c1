//! Standard output: lines for people or for programs, and what goes to standard error beside them.

use std::fmt;
use std::io::{self, StdoutLock, Write};

pub(crate) use resight_app::printable;
use resight_engine::path_of_text;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::arguments::SharedArgs;
use crate::error::CliError;

/// Where a command writes its result. Each line is flushed when it ends, so that a program which
/// reads it knows of everything said before a crash.
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    stdout: StdoutLock<'static>,
}

impl Output {
    pub(crate) fn new(shared: &SharedArgs) -> Self {
        Self {
            json: shared.json,
            quiet: shared.quiet,
            stdout: io::stdout().lock(),
        }
    }

    /// Whether to write JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether progress may be shown.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.json && !self.quiet
    }

    /// One line of text.
    pub(crate) fn line(&mut self, text: impl fmt::Display) -> Result<(), CliError> {
        writeln!(self.stdout, "{text}")?;
        Ok(self.stdout.flush()?)
    }

    /// Standard output itself, for what is written as it comes.
    pub(crate) fn raw(&mut self) -> &mut dyn Write {
        &mut self.stdout
    }

    /// Text of several lines, each of which ends with a line break.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), CliError> {
        self.stdout.write_all(text.as_bytes())?;
        Ok(self.stdout.flush()?)
    }

    /// One line of JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        let text = serde_json::to_string(value).map_err(io::Error::other)?;
        self.line(text)
    }

    /// Rows of CSV, or its heading; columns are those of the heading.
    pub(crate) fn csv<R, C>(&mut self, rows: R) -> Result<(), CliError>
    where
        R: IntoIterator<Item = C>,
        C: IntoIterator<Item: AsRef<[u8]>>,
    {
        let mut writer = csv::Writer::from_writer(&mut self.stdout);
        for row in rows {
            writer
                .write_record(row)
                .map_err(|error| match error.into_kind() {
                    // As it is: that a reader went away is no failure.
                    csv::ErrorKind::Io(error) => error,
                    other => io::Error::other(format!("{other:?}")),
                })?;
        }
        Ok(writer.flush()?)
    }

    /// The bytes of a path whose text this is, and a NUL.
    pub(crate) fn path0(&mut self, text: &str) -> Result<(), CliError> {
        let path = path_of_text(text);
        self.stdout.write_all(path.as_os_str().as_encoded_bytes())?;
        self.stdout.write_all(b"\0")?;
        Ok(self.stdout.flush()?)
    }

    /// A remark on standard error, which `--quiet` leaves out. Goes there in JSON mode too, where
    /// standard output is for JSON alone.
    pub(crate) fn remark(&self, text: impl fmt::Display) {
        if !self.quiet {
            // A remark that cannot be told changes nothing.
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Rows under a heading, columns aligned; numbers (every column named in `right`) to the right.
    pub(crate) fn table(
        &mut self,
        heading: &[&str],
        right: &[usize],
        rows: &[Vec<String>],
    ) -> Result<(), CliError> {
        for line in table_lines(heading, right, rows) {
            self.line(line)?;
        }
        Ok(())
    }
}

fn table_lines(heading: &[&str], right: &[usize], rows: &[Vec<String>]) -> Vec<String> {
    let mut widths: Vec<usize> = heading.iter().map(|text| text.width()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (column, (cell, width)) in cells.zip(&widths).enumerate() {
            let gap = " ".repeat(width.saturating_sub(cell.width()));
            if column > 0 {
                text.push_str("  ");
            }
            if right.contains(&column) {
                text.push_str(&gap);
                text.push_str(cell);
            } else {
                text.push_str(cell);
                text.push_str(&gap);
            }
        }
        text.trim_end().to_owned()
    };
    let mut lines = vec![line(&mut heading.iter().copied())];
    lines.extend(
        rows.iter()
            .map(|row| line(&mut row.iter().map(String::as_str))),
    );
    lines
}

/// `1 picture`, `2 pictures`.
pub(crate) fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = vec![
            vec!["1".to_owned(), "é.jpg".to_owned(), "7".to_owned()],
            vec!["10".to_owned(), "longer.jpg".to_owned(), "123".to_owned()],
        ];
        assert_eq!(
            table_lines(&["#", "name", "n"], &[0, 2], &rows),
            [
                " #  name          n",
                " 1  é.jpg         7",
                "10  longer.jpg  123"
            ]
        );
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let rows = vec![
            vec!["故宫.jpg".to_owned(), "7".to_owned()],
            vec!["longer.jpg".to_owned(), "123".to_owned()],
        ];
        assert_eq!(
            table_lines(&["name", "n"], &[1], &rows),
            ["name          n", "故宫.jpg      7", "longer.jpg  123"]
        );
    }
}
