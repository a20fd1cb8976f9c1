//! The configuration's file: TOML with the keys of the options.
//!
//! Invariant: what no option has, and what has the wrong type or a value that the command line would refuse, is a
//! mistake with the line that it stands in.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::settings::{Kind, SERVE, Setting};

/// An option's values in a file.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Of the list of settings.
    pub(crate) setting: usize,
    pub(crate) values: Vec<String>,
    /// Counted from 1.
    pub(crate) line: usize,
}

/// Something in a file that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// Counted from 1.
    pub(crate) line: usize,
    /// With its table; `None` where no key can be told.
    pub(crate) key: Option<String>,
    pub(crate) detail: String,
}

/// Reads a file whose folder is `folder`: what can be used of it, and its mistakes by line.
pub(crate) fn read(text: &str, folder: &Path, settings: &[Setting]) -> (Vec<Entry>, Vec<Mistake>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let mistakes = errors.iter().map(|error| Mistake {
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            key: None,
            detail: error.message().to_owned(),
        });
        return (Vec::new(), mistakes.collect());
    }
    let mut reading = Reading {
        text,
        folder,
        settings,
        entries: Vec::new(),
        mistakes: Vec::new(),
    };
    reading.table(None, table.get_ref());
    reading.mistakes.sort_by_key(|one| one.line);
    (reading.entries, reading.mistakes)
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().iter().take(at);
    1 + before.filter(|byte| **byte == b'\n').count()
}

struct Reading<'a> {
    text: &'a str,
    folder: &'a Path,
    settings: &'a [Setting],
    entries: Vec<Entry>,
    mistakes: Vec<Mistake>,
}

impl Reading<'_> {
    fn table(&mut self, table: Option<&str>, entries: &DeTable<'_>) {
        for (key, value) in entries {
            let (at, name) = (key.span().start, key.get_ref().as_ref());
            let full = match table {
                Some(table) => format!("{table}.{name}"),
                None => name.to_owned(),
            };
            let found = self
                .settings
                .iter()
                .position(|one| one.table == table && one.key == name);
            match (found, value.get_ref()) {
                (Some(setting), _) => self.entry(setting, &full, at, value),
                (None, DeValue::Table(inner)) if table.is_none() && name == SERVE => {
                    self.table(Some(SERVE), inner);
                }
                (None, _) => self.wrong(at, full, self.unknown(table, name)),
            }
        }
    }

    fn entry(&mut self, setting: usize, name: &str, at: usize, value: &Spanned<DeValue<'_>>) {
        let known = &self.settings[setting];
        let (kind, line) = (known.kind, line_of(self.text, at));
        let items: Vec<&Spanned<DeValue<'_>>> = match value.get_ref() {
            DeValue::Array(items) if kind.is_list() => items.iter().collect(),
            _ if kind.is_list() => return self.wrong_type(setting, name, value),
            _ => vec![value],
        };
        let mut values = Vec::new();
        for item in items {
            let Some(text) = text_of(kind, item.get_ref()) else {
                return self.wrong_type(setting, name, value);
            };
            if let Some(complaint) = known.complaint(&text) {
                return self.wrong(item.span().start, name.to_owned(), complaint);
            }
            values.push(match known.is_path(&text) {
                true => self.folder.join(text).to_string_lossy().into_owned(),
                false => text,
            });
        }
        self.entries.push(Entry {
            setting,
            values,
            line,
        });
    }

    fn wrong_type(&mut self, setting: usize, name: &str, value: &Spanned<DeValue<'_>>) {
        let detail = format!(
            "must be {}; it is of the type {}",
            self.settings[setting].kind.as_str(),
            value.get_ref().type_str()
        );
        self.wrong(value.span().start, name.to_owned(), detail);
    }

    fn wrong(&mut self, at: usize, key: String, detail: String) {
        self.mistakes.push(Mistake {
            line: line_of(self.text, at),
            key: Some(key),
            detail,
        });
    }

    /// What to write in place of an unknown key, where that can be told.
    fn unknown(&self, table: Option<&str>, name: &str) -> String {
        let alike = name.replace('_', "-").to_lowercase();
        let elsewhere = self.settings.iter().find(|one| one.key == alike);
        match elsewhere {
            Some(one) if one.table == table => {
                format!("there is no such option; it is written {}", one.key)
            }
            Some(one) => match one.table {
                Some(table) => {
                    format!("there is no such option here; it belongs into the table [{table}]")
                }
                None => "there is no such option here; it belongs above all tables".to_owned(),
            },
            None => "there is no such option".to_owned(),
        }
    }
}

/// A value as it would be typed; `None` where it has another type.
fn text_of(kind: Kind, value: &DeValue<'_>) -> Option<String> {
    match kind {
        Kind::Switch => value.as_bool().map(|is| is.to_string()),
        Kind::Text | Kind::Texts => value.as_str().map(str::to_owned),
        Kind::Number | Kind::Numbers => {
            let number = value.as_integer()?;
            let number = i128::from_str_radix(number.as_str(), number.radix()).ok()?;
            Some(number.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use resight_test_support::{fuzz, fuzz_corpus};

    use super::super::settings;
    use super::*;

    #[test]
    fn a_changed_file_is_read_or_its_mistakes_are_told_by_their_lines() {
        let settings = settings::all(&crate::Cli::command());
        let made = "data = \"pictures\"\nmemory = 0x400\n\n[serve]\nlisten = '[::1]:1'\nopen = true\ncors-origin = [\"https://a\", 'http://b:1']\n";
        assert_eq!(read(made, Path::new("/"), &settings).1, []);
        let corpus = fuzz_corpus("config", vec![made.as_bytes().to_vec()]);
        let (mut good, mut told) = (0, 0);
        fuzz("config", 5000, &corpus, |bytes| {
            let Ok(text) = std::str::from_utf8(bytes) else {
                return;
            };
            let (entries, mistakes) = read(text, Path::new("/"), &settings);
            good += u64::from(mistakes.is_empty());
            told += u64::from(!mistakes.is_empty());
            let lines = 1 + text.matches('\n').count();
            for entry in entries {
                assert!(entry.setting < settings.len());
                assert!((1..=lines).contains(&entry.line), "{entry:?}");
            }
            for mistake in mistakes {
                assert!((1..=lines).contains(&mistake.line), "{mistake:?}");
                assert!(!mistake.detail.is_empty());
            }
        });
        assert!(good > 50 && told > 50, "{good} {told}");
    }
}
