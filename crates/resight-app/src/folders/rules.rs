//! How a registered folder is indexed.

use resight_engine::{FolderOptions, LabelPatch, Patterns, Tag};
use serde::{Deserialize, Serialize};

use crate::AppError;
use crate::config::Config;

/// What of a folder is left out, the tags of its pictures, and what becomes of pictures whose files are gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Patterns of what is left out, as in `.gitignore`.
    pub exclude: Vec<String>,
    /// Patterns of what is taken in whatever leaves it out.
    pub include: Vec<String>,
    /// Tags of each picture of the folder.
    pub tags: Vec<String>,
    /// Whether pictures are removed whose files are gone. Otherwise they stay.
    pub prune: bool,
}

impl Rules {
    /// Fails with `bad_rules` where a pattern or a tag cannot be used.
    pub fn check(&self) -> Result<(), AppError> {
        self.patterns()?;
        self.labels().map(drop)
    }

    pub(crate) fn options(&self, config: &Config) -> Result<FolderOptions, AppError> {
        Ok(FolderOptions {
            prune: self.prune,
            patterns: self.patterns()?,
            labels: self.labels()?,
            skip: Some(config.root.clone()),
            embed: true,
            ..FolderOptions::default()
        })
    }

    fn patterns(&self) -> Result<Patterns, AppError> {
        let patterns = Patterns::new(self.exclude.clone(), self.include.clone());
        patterns.map_err(|bad| AppError::BadRules(bad.to_string()))
    }

    fn labels(&self) -> Result<LabelPatch, AppError> {
        let tag = |text: &String| {
            Tag::parse(text).ok_or_else(|| {
                let most = Tag::MAX_CHARS;
                AppError::BadRules(format!(
                    "{text:?} cannot be a tag: a tag has 1 to {most} characters, none of which is a control character"
                ))
            })
        };
        if self.tags.len() > Tag::MOST {
            let most = Tag::MOST;
            let why = format!("a picture has at most {most} tags");
            return Err(AppError::BadRules(why));
        }
        Ok(LabelPatch {
            add_tags: self.tags.iter().map(tag).collect::<Result<_, _>>()?,
            ..LabelPatch::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn what_cannot_be_used_is_refused_before_it_is_stored() {
        let good = Rules {
            exclude: vec!["raw/".into()],
            tags: vec!["rome".into()],
            ..Rules::default()
        };
        good.check().unwrap();
        let bad = [
            Rules {
                exclude: vec!["!raw".into()],
                ..Rules::default()
            },
            Rules {
                exclude: vec!["raw[0-9".into()],
                ..Rules::default()
            },
            Rules {
                include: vec!["{a,b".into()],
                ..Rules::default()
            },
            Rules {
                tags: vec!["a\nb".into()],
                ..Rules::default()
            },
            Rules {
                tags: (0..65).map(|number| number.to_string()).collect(),
                ..Rules::default()
            },
        ];
        for rules in bad {
            let error = rules.check().unwrap_err();
            assert_eq!(error.code(), Code::BadRules, "{error}");
        }
    }
}
