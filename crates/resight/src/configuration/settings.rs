//! The options that a file and the environment can set, read from the definition of the command line.

use std::any::TypeId;
use std::path::PathBuf;

use clap::{Arg, ArgAction, Command};

/// The command whose options have a table of their own.
pub(crate) const SERVE: &str = "serve";
/// What all names of variables begin with.
const VARIABLES: &str = "RESIGHT_";
/// Options about one run alone, or about the file itself.
const OF_A_RUN: &[&str] = &[
    "help",
    "version",
    "config",
    "collection",
    "json",
    "verbose",
    "quiet",
    "in_process",
];
/// Paths that are looked up elsewhere when they are a single word.
const MAY_BE_WORDS: &[&str] = &["python", "onnxruntime", "ffmpeg"];

/// An option that a file and the environment can set.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// Its name in the definition of the command line.
    pub(crate) id: String,
    /// Its table in the file; `None` above all tables, for options that every command takes.
    pub(crate) table: Option<&'static str>,
    /// Its key in the file.
    pub(crate) key: String,
    /// Its variable of the environment.
    pub(crate) variable: String,
    pub(crate) kind: Kind,
    pub(crate) arg: Arg,
}

/// What an option's value looks like in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Switch,
    Text,
    Number,
    Texts,
    Numbers,
}

impl Kind {
    /// As it is written in a file.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Switch => "true or false",
            Self::Text => "a text in quotes",
            Self::Number => "a whole number",
            Self::Texts => "a list of texts, as in [\"a\", \"b\"]",
            Self::Numbers => "a list of whole numbers, as in [1, 2]",
        }
    }

    pub(crate) fn is_list(self) -> bool {
        matches!(self, Self::Texts | Self::Numbers)
    }
}

/// All of them, in the order of the definition.
pub(crate) fn all(program: &Command) -> Vec<Setting> {
    let shared = program.get_arguments().filter(|arg| arg.is_global_set());
    let shared = shared.map(|arg| Setting::of(None, arg));
    let serve = program.find_subcommand(SERVE);
    let serve = serve.into_iter().flat_map(Command::get_arguments);
    let serve = serve.map(|arg| Setting::of(Some(SERVE), arg));
    let all = shared.chain(serve);
    all.filter(|one| !OF_A_RUN.contains(&one.id.as_str()))
        .collect()
}

impl Setting {
    fn of(table: Option<&'static str>, arg: &Arg) -> Self {
        let id = arg.get_id().to_string();
        let key = arg
            .get_long()
            .map_or_else(|| id.replace('_', "-"), str::to_owned);
        let variable = format!("{VARIABLES}{}", key.to_uppercase().replace('-', "_"));
        let takes_number = [
            TypeId::of::<u8>(),
            TypeId::of::<u16>(),
            TypeId::of::<u32>(),
            TypeId::of::<u64>(),
            TypeId::of::<usize>(),
        ]
        .iter()
        .any(|one| arg.get_value_parser().type_id() == *one);
        let kind = match (arg.get_action(), takes_number) {
            (ArgAction::SetTrue, _) => Kind::Switch,
            (ArgAction::Append, false) => Kind::Texts,
            (ArgAction::Append, true) => Kind::Numbers,
            (_, true) => Kind::Number,
            (_, false) => Kind::Text,
        };
        Self {
            id,
            table,
            key,
            variable,
            kind,
            arg: arg.clone(),
        }
    }

    /// The key with its table, as in `serve.listen`.
    pub(crate) fn name(&self) -> String {
        match self.table {
            Some(table) => format!("{table}.{}", self.key),
            None => self.key.clone(),
        }
    }

    /// The option as it is typed.
    pub(crate) fn flag(&self) -> String {
        match self.arg.get_long() {
            Some(long) => format!("--{long}"),
            None => self.key.to_uppercase(),
        }
    }

    /// Whether a value names a file or a folder by its place.
    pub(crate) fn is_path(&self, value: &str) -> bool {
        let is_path = self.arg.get_value_parser().type_id() == TypeId::of::<PathBuf>()
            || ["data", "models"].contains(&self.id.as_str());
        let is_word = MAY_BE_WORDS.contains(&self.id.as_str()) && !value.contains(['/', '\\']);
        is_path && !is_word
    }

    /// What is wrong with one value, as the command line says it.
    pub(crate) fn complaint(&self, value: &str) -> Option<String> {
        if self.kind == Kind::Switch {
            return switch(value)
                .is_none()
                .then(|| format!("must be true or false; it is {value:?}"));
        }
        let option = Arg::new("value")
            .long("value")
            .num_args(1)
            .value_parser(self.arg.get_value_parser().clone());
        let asked = Command::new(SERVE).no_binary_name(true).arg(option);
        let refused = asked
            .try_get_matches_from([format!("--value={value}")])
            .err()?;
        let text = refused.to_string();
        let told = text.split("\n\n").next().unwrap_or_default();
        let told = told.trim_start_matches("error: ");
        let words: Vec<&str> = told.split_whitespace().collect();
        Some(words.join(" ").replace(" for '--value <value>'", ""))
    }
}

/// A switch of the environment.
pub(crate) fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}
