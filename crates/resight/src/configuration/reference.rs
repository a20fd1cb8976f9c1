//! The reference of all options, `docs/configuration.md`, from the definition of the command line.

use clap::Command;

use super::settings::{self, Kind, Setting};

const BEGINNING: &str = "\
# Configuration

Options of the program come from the command line, else from variables of the environment, else from one file, else they
have their defaults. A list that one of them gives takes the place of the whole list of the next one. An empty variable
counts as unset. `resight config show` lists all values and where each comes from.

The file is `resight.toml` in the data folder, or the one that `--config FILE` or `RESIGHT_CONFIG` names. It is TOML:

```toml
memory = 2048
log = \"info\"

[serve]
folders = [\"/srv/pictures\"]
listen = \"0.0.0.0:7777\"
cors-origin = [\"https://pictures.example\"]
```

An unknown key, a wrong type and a value that the command line would refuse are errors that name the file, the line and the
key. `resight config check FILE` looks for them without a server, and for all else that `serve` would refuse: addresses,
certificates, folders, models, plug-ins and vocabularies that do not fit or are not there, and missing keys. It lists
everything at once with its place, and ends with 1 where there is something. Of the data folder it reads the catalogue, what
described its pictures, their vocabulary and the webhooks, and changes nothing; `resight verify` reads the pictures themselves. A
port that a program has already counts as that of the running server. Relative paths in the file are relative to its folder. In a
variable, parts of a list are separated by commas, and switches are `true` or `false`. `serve` alone reads the table `[serve]`;
`--collection`, `--json`, `--verbose` and `--quiet` are for the command line alone. No option is a secret: keys and the secrets of
webhooks have files of their own in the data folder.

## While a server runs

SIGHUP (`systemctl reload resight`) has a server read the file again. What is marked with ↻ changes at once; other
options that have changed are named in the log and need a restart. The whole configuration is checked before any of it
changes: with something that `serve` would refuse, the log says what, and everything stays as it is. A server whose terminal was closed stops.
";

const END: &str = "
This page is written by `resight config reference`.
";

/// Options that change while a server runs.
pub(crate) const CHANGE_LIVE: &[&str] = &[
    "log",
    "allow_host",
    "cors_origin",
    "max_connections",
    "max_connections_per_address",
    "tls_cert",
    "tls_key",
];

/// Whether an option changes while a server runs.
pub(crate) fn changes_live(setting: &Setting) -> bool {
    CHANGE_LIVE.contains(&setting.id.as_str())
}

/// The whole page.
pub(crate) fn page(program: &Command) -> String {
    let all = settings::all(program);
    let mut text = BEGINNING.to_owned();
    for (title, table) in [
        ("Above all tables: options of every command", None),
        ("In the table `[serve]`", Some(settings::SERVE)),
    ] {
        text.push_str(&format!(
            "\n## {title}\n\n| key | variable | option | default | meaning |\n|---|---|---|---|---|\n"
        ));
        for setting in all.iter().filter(|one| one.table == table) {
            text.push_str(&row(setting));
        }
    }
    text.push_str(END);
    text
}

fn row(setting: &Setting) -> String {
    let live = if changes_live(setting) { " ↻" } else { "" };
    let (meaning, default) = meaning(setting);
    format!(
        "| `{}`{live} | `{}` | `{}` | {default} | {meaning} |\n",
        setting.key,
        setting.variable,
        setting.flag()
    )
}

/// The first paragraph of an option's help, and its default, which the help may name itself.
fn meaning(setting: &Setting) -> (String, String) {
    let help = setting.arg.get_help().map(ToString::to_string);
    let mut help = help
        .unwrap_or_default()
        .replace('\n', " ")
        .replace('|', "\\|");
    // The table has a column for it.
    if let Some(at) = help.find(" [env: ") {
        let rest = help.split_off(at);
        let after = rest.split_once(']').map_or("", |(_, after)| after);
        help.push_str(after);
    }
    let mut default = setting
        .arg
        .get_default_values()
        .iter()
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect::<Vec<_>>()
        .join(", ");
    if let Some(at) = help.find(" [default: ") {
        let told = help.split_off(at);
        default = told
            .trim_start_matches(" [default: ")
            .trim_end_matches(']')
            .to_owned();
    }
    if default.is_empty() {
        default = match setting.kind {
            Kind::Switch => "`false`",
            Kind::Texts | Kind::Numbers => "none",
            Kind::Text | Kind::Number => "",
        }
        .to_owned();
    }
    let choices: Vec<String> = setting
        .arg
        .get_possible_values()
        .iter()
        .filter(|_| setting.kind != Kind::Switch)
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if !choices.is_empty() {
        help = format!("{help}: {}", choices.join(", "));
    }
    (help, default)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_page_of_all_options_is_what_the_definitions_give() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        let written = std::fs::read_to_string(page).unwrap_or_default();
        let made = super::page(&crate::Cli::command());
        assert!(
            written == made,
            "write it with: cargo run -p resight -- config reference > docs/configuration.md"
        );
    }
}
