//! Labels as they are typed: filters over pictures, and tags.

use resight_app::Code;
use resight_engine::{Filter, LabelPatch, Tag, WEAK_BELOW};
use resight_server::wire;

use crate::error::CliError;

/// Options that choose pictures by their labels.
#[derive(Debug, clap::Args)]
pub(crate) struct FilterArgs {
    /// Only pictures with this tag; given several times, with all of them
    #[arg(long, value_name = "TAG", help_heading = "Which pictures")]
    tag: Vec<String>,
    /// Only pictures without this tag; may be given several times
    #[arg(long, value_name = "TAG", help_heading = "Which pictures")]
    not_tag: Vec<String>,
    /// Only pictures of this object
    #[arg(long, value_name = "ID", help_heading = "Which pictures")]
    object: Option<String>,
    /// Only pictures whose metadata has this value at KEY; may be given several times
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Which pictures")]
    meta: Vec<String>,
    /// Only pictures with few features, fewer than 50: next to nothing of them can be found
    #[arg(long, help_heading = "Which pictures")]
    weak: bool,
}

impl FilterArgs {
    /// The filter that these options stand for.
    pub(crate) fn filter(&self) -> Result<Filter, CliError> {
        let object = self.object.as_deref().map(wire::object_id);
        let entries = self.meta.iter().map(|text| match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
            _ => Err(bad_label(format!(
                "--meta must be as in year=1890; it is {text:?}"
            ))),
        });
        let filter = Filter {
            tags: tags(&self.tag)?,
            not_tags: tags(&self.not_tag)?,
            object: object.transpose().map_err(bad_label)?,
            entries: entries.collect::<Result<_, _>>()?,
            features_below: self.weak.then_some(WEAK_BELOW),
            ..Filter::default()
        };
        if filter.conditions() > Filter::MOST {
            return Err(bad_label(format!(
                "--tag, --not-tag and --meta may be given {} times in all",
                Filter::MOST
            )));
        }
        Ok(filter)
    }
}

/// A change that adds these tags.
pub(crate) fn with_tags(texts: &[String]) -> Result<LabelPatch, CliError> {
    Ok(LabelPatch {
        add_tags: tags(texts)?,
        ..LabelPatch::default()
    })
}

/// Tags as they are typed.
pub(crate) fn tags(texts: &[String]) -> Result<Vec<Tag>, CliError> {
    let all = texts.iter().map(|text| wire::tag(text).map_err(bad_label));
    all.collect()
}

/// A tag, an object or metadata that cannot be used.
pub(crate) fn bad_label(detail: String) -> CliError {
    CliError::Usage {
        code: Code::BadLabel,
        detail,
        next_step: "Correct it as the sentence before says.".into(),
    }
}
