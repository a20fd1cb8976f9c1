//! Labels of the files of one request: JSON lines, one for each file.

use std::collections::{HashMap, VecDeque};

use resight_engine::{LabelPatch, Update};
use serde::Deserialize;
use serde_json::Value;

use super::limits::MOST_FILES;
use crate::intake::bad_body;
use crate::problem::Problem;
use crate::wire;

/// The field of a form that has them.
pub(super) const FIELD: &str = "labels";

/// What a line says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// The name of the file in the form or in the archive; without it, lines are in the order of the files.
    file: Option<String>,
    name: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    object: Option<String>,
    metadata: Option<serde_json::Map<String, Value>>,
}

/// What one picture gets beside what all get.
#[derive(Clone, Debug, Default)]
pub(super) struct Own {
    /// The name to show.
    pub(super) name: Option<String>,
    patch: LabelPatch,
}

impl Own {
    /// The labels that all get, and in their place or beside them those of this picture.
    pub(super) fn over(self, common: &LabelPatch) -> LabelPatch {
        let mut patch = common.clone();
        patch.add_tags.extend(self.patch.add_tags);
        if self.patch.object != Update::Keep {
            patch.object = self.patch.object;
        }
        if self.patch.metadata != Update::Keep {
            patch.metadata = self.patch.metadata;
        }
        patch
    }
}

/// All lines that were sent.
#[derive(Debug, Default)]
pub(super) struct Lines {
    named: HashMap<String, Own>,
    in_order: VecDeque<Own>,
}

impl Lines {
    /// Reads texts with a JSON object a line; empty lines count as none.
    pub(super) fn read<'a>(texts: impl Iterator<Item = &'a str>) -> Result<Self, Problem> {
        let mut lines = Self::default();
        let given = texts
            .flat_map(str::lines)
            .filter(|line| !line.trim().is_empty());
        for (line, number) in given.zip(1..) {
            let unusable =
                |why: &str| bad_body(&format!("Line {number} of the field labels: {why}"));
            if number > MOST_FILES {
                return Err(unusable(&format!("there are more than {MOST_FILES}")));
            }
            let line: Line =
                serde_json::from_str(line).map_err(|error| unusable(&error.to_string()))?;
            let (file, own) = line.own().map_err(|why| unusable(&why))?;
            match file {
                None => lines.in_order.push_back(own),
                Some(file) => {
                    if lines.named.insert(file, own).is_some() {
                        return Err(unusable("the file has a line already"));
                    }
                }
            }
        }
        if !lines.named.is_empty() && !lines.in_order.is_empty() {
            let why = "Of the field labels either each line names a file or none does";
            return Err(bad_body(why));
        }
        Ok(lines)
    }

    /// The line of the next file, whose name is `file`.
    pub(super) fn next(&mut self, file: &str) -> Own {
        match self.named.get(file) {
            Some(own) => own.clone(),
            None => self.in_order.pop_front().unwrap_or_default(),
        }
    }
}

impl Line {
    fn own(self) -> Result<(Option<String>, Own), String> {
        let tags = self.tags.iter().map(|text| wire::tag(text));
        let object = match self.object {
            Some(text) => Update::Set(wire::object_id(&text)?),
            None => Update::Keep,
        };
        let metadata = match self.metadata {
            Some(object) => Update::Set(wire::metadata_of(&Value::Object(object).to_string())?),
            None => Update::Keep,
        };
        let patch = LabelPatch {
            add_tags: tags.collect::<Result<_, _>>()?,
            object,
            metadata,
            ..LabelPatch::default()
        };
        let name = self.name;
        Ok((self.file, Own { name, patch }))
    }
}

/// The lines of labels that go with files, as the fuzzers call their reader.
#[cfg(any(test, fuzzing))]
pub fn label_lines(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Ok(mut lines) = Lines::read([&*text].into_iter()) else {
        return false;
    };
    assert!(lines.named.is_empty() || lines.in_order.is_empty());
    lines.next("a");
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Lines, String> {
        Lines::read([text].into_iter()).map_err(|problem| problem.message())
    }

    #[test]
    fn lines_belong_to_named_files_or_to_files_in_order() {
        let common = LabelPatch {
            add_tags: vec![wire::tag("all").unwrap()],
            object: Update::Set(wire::object_id("o").unwrap()),
            ..LabelPatch::default()
        };
        let mut named = read("{\"file\":\"b\",\"tags\":[\"x\"],\"object\":\"p\"}\n\n").unwrap();
        assert_eq!(named.next("a").over(&common), common);
        for _ in 0..2 {
            let patch = named.next("b").over(&common);
            assert_eq!(patch.add_tags.len(), 2);
            assert_eq!(patch.object, Update::Set(wire::object_id("p").unwrap()));
        }
        let mut in_order = read("{\"name\":\"1\"}\n{\"name\":\"2\"}").unwrap();
        let names = ["a", "b", "c"].map(|file| in_order.next(file).name);
        assert_eq!(names, [Some("1".into()), Some("2".into()), None]);
    }

    #[test]
    fn what_cannot_be_taken_is_told_by_its_line() {
        for (text, part) in [
            ("{}\n{\"tag\":1}", "Line 2"),
            ("{\"tags\":[\" \"]}", "tag must have"),
            ("{\"file\":\"a\"}\n{\"file\":\"a\"}", "already"),
            ("{\"file\":\"a\"}\n{}", "either"),
            ("[]", "Line 1"),
        ] {
            let told = read(text).unwrap_err();
            assert!(told.contains(part), "{told}");
        }
    }
}
