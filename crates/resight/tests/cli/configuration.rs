//! The configuration's file and environment: which value counts, what is refused, and SIGHUP.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::serve::{get, signal};
use crate::support::{bare, first_line, json, json_error, resight};

/// The value of an option, and where it comes from.
fn shown(output: &Output, option: &str) -> (Vec<String>, String) {
    assert!(output.status.success(), "{}", said(&output.stderr));
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    let options = all["options"].as_array().unwrap();
    let one = options.iter().find(|one| one["option"] == option);
    let one = one.unwrap_or_else(|| panic!("{option} is not listed"));
    let values = one["values"].as_array().unwrap().iter();
    let values = values.map(|value| value.as_str().unwrap().to_owned());
    (values.collect(), one["from"].as_str().unwrap().to_owned())
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn with_file(data: &Path, text: &str) {
    fs::create_dir_all(data).unwrap();
    fs::write(data.join("resight.toml"), text).unwrap();
}

#[test]
fn flags_count_before_the_environment_and_that_before_the_file() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    with_file(&data, "memory = 512\nmodels = \"m\"\n");
    let show = |variable: Option<&str>, flag: Option<&str>| {
        let mut command = resight(&data);
        command.args(["config", "show", "--json"]);
        command.envs(variable.map(|value| ("RESIGHT_MEMORY", value)));
        command.args(flag.map(|value| format!("--memory={value}")));
        command.output().unwrap()
    };
    for (variable, flag, value, from) in [
        (None, None, "512", "file"),
        (Some(""), None, "512", "file"),
        (Some("600"), None, "600", "variable"),
        (Some("600"), Some("700"), "700", "flag"),
        (None, Some("700"), "700", "flag"),
    ] {
        let output = show(variable, flag);
        let expected = (vec![value.to_owned()], from.to_owned());
        assert_eq!(shown(&output, "memory"), expected);
    }
    let output = show(None, None);
    // Relative to the file.
    let models = data.join("m").to_str().unwrap().to_owned();
    assert_eq!(shown(&output, "models").0, [models]);
    assert_eq!(shown(&output, "threads").1, "default");
    // Every command is told.
    let counted = json_error(&data, &["count"], 1);
    assert_eq!(counted["code"], "nothing_indexed");
    with_file(&data, "memory = 1\n");
    assert_eq!(json_error(&data, &["count"], 2)["code"], "bad_config");
}

#[test]
fn a_mistake_in_the_file_names_file_line_and_key() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    for (text, line, key, words) in [
        ("\nmemroy = 512\n", 2, "memroy", "no such option"),
        ("listen = \"a:1\"\n", 1, "listen", "[serve]"),
        (
            "[serve]\nmemory = 512\n",
            2,
            "serve.memory",
            "above all tables",
        ),
        (
            "[serve]\ncors_origin = []\n",
            2,
            "serve.cors_origin",
            "cors-origin",
        ),
        ("memory = \"512\"\n", 1, "memory", "a whole number"),
        ("memory = 1\n", 1, "memory", "256"),
        (
            "memory = 0x10_0\nmodel = \"a\"\n",
            2,
            "model",
            "a list of texts",
        ),
        ("[serve]\nopen = 1\n", 2, "serve.open", "true or false"),
        (
            "[serve]\nfollow = \"never\"\n",
            2,
            "serve.follow",
            "auto, poll, off",
        ),
        (
            "[serve]\ncors-origin = [\n\"https://a.example\",\n\"b\"]\n",
            4,
            "serve.cors-origin",
            "origin",
        ),
        ("log = \"resight=loud\"\n", 1, "log", "resight=loud"),
        ("data = \"elsewhere\"\n", 1, "data", "--config"),
        ("[webhook]\n", 1, "webhook", "no such option"),
        ("json = true\n", 1, "json", "no such option"),
    ] {
        with_file(&data, text);
        for arguments in [&["config", "check"][..], &["count"]] {
            let error = json_error(&data, arguments, 2);
            assert_eq!(error["code"], "bad_config", "{text}");
            let detail = error["detail"].as_str().unwrap();
            let place = format!("resight.toml, line {line}: {key}: ");
            assert!(detail.contains(&place), "{text}: {detail}");
            assert!(detail.contains(words), "{text}: {detail}");
        }
    }
    with_file(&data, "memory = \n");
    let error = json_error(&data, &["config", "check"], 2);
    assert!(error["detail"].as_str().unwrap().contains("line 1: "));
    // All at once.
    with_file(&data, "a = 1\nb = 2\n");
    let error = json_error(&data, &["config", "check"], 2);
    assert_eq!(error["detail"].as_str().unwrap().lines().count(), 2);
}

#[test]
fn a_file_that_is_named_has_to_be_there_and_may_name_the_data_folder() {
    let root = tempfile::tempdir().unwrap();
    let (data, file) = (root.path().join("data"), root.path().join("own.toml"));
    let named = |arguments: &[&str], variable: bool| {
        let mut command = bare();
        match variable {
            true => command.env("RESIGHT_CONFIG", &file),
            false => command.arg("--config").arg(&file),
        };
        command.args(arguments).output().unwrap()
    };
    for variable in [false, true] {
        let missing = named(&["count", "--json"], variable);
        assert_eq!(missing.status.code(), Some(2));
        assert!(said(&missing.stderr).contains("bad_config"));
    }
    fs::write(&file, "data = \"data\"\n").unwrap();
    with_file(&data, "memory = 1\n");
    for variable in [false, true] {
        let show = named(&["config", "show", "--json"], variable);
        let here = data.to_str().unwrap().to_owned();
        assert_eq!(shown(&show, "data"), (vec![here], "file".to_owned()));
    }
    let checked = json(&data, &["config", "check", file.to_str().unwrap()]);
    assert_eq!(checked[0]["options"], 1);
}

#[test]
fn switches_lists_and_options_that_exclude_each_other_follow_the_same_order() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    with_file(
        &data,
        "[serve]\nopen = true\ncors-origin = [\"https://a.example\", \"https://b.example\"]\n",
    );
    let show = |variables: &[(&str, &str)]| {
        let mut command = resight(&data);
        command.args(["config", "show", "--json"]);
        command.envs(variables.iter().copied());
        command.output().unwrap()
    };
    let open = |output: &Output| shown(output, "serve.open");
    assert_eq!(open(&show(&[])).0, ["true"]);
    assert_eq!(open(&show(&[("RESIGHT_OPEN", "no")])).0, ["false"]);
    // The file's `open` gives way.
    let output = show(&[("RESIGHT_REQUIRE_KEYS", "1")]);
    assert_eq!(open(&output).1, "default");
    assert_eq!(shown(&output, "serve.require-keys").0, ["true"]);
    let origins = |output: &Output| shown(output, "serve.cors-origin").0;
    assert_eq!(origins(&show(&[])).len(), 2);
    let one = [("RESIGHT_CORS_ORIGIN", "https://c.example")];
    assert_eq!(origins(&show(&one)), ["https://c.example"]);
    let wrong = show(&[
        ("RESIGHT_LISTEN", "127.0.0.1:0"),
        ("RESIGHT_OPEN", "perhaps"),
    ]);
    assert!(said(&wrong.stderr).contains("RESIGHT_OPEN"));
    with_file(&data, "[serve]\nopen = true\nrequire-keys = true\n");
    let both = said(&show(&[]).stderr);
    assert!(both.contains("exclude each other"), "{both}");
    // A typed option counts before a file's that excludes it: no key, so that the server refuses.
    with_file(&data, "[serve]\nopen = true\n");
    let arguments = ["serve", "--require-keys", "--listen", "127.0.0.1:0"];
    assert_eq!(json_error(&data, &arguments, 2)["code"], "keys_needed");
}

#[cfg(unix)]
#[test]
fn a_hang_up_reads_the_file_again_and_a_broken_one_changes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let hosts = |list: &str| {
        format!("memory = 300\n[serve]\nlisten = \"127.0.0.1:0\"\nallow-host = [{list}]\n")
    };
    with_file(&data, &hosts(""));
    let mut child = resight(&data)
        .args(["serve", "--log-format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let serving = first_line(&mut child);
    let address = serving.trim().rsplit("http://").next().unwrap().to_owned();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    // Reads lines of the log up to one with these words.
    let mut logged = |words: &str| {
        let mut lines = Vec::new();
        loop {
            let line = log.next().expect("the server ended").unwrap();
            let line: Value = serde_json::from_str(&line).unwrap();
            lines.push(line.to_string());
            if lines.last().unwrap().contains(words) {
                return lines;
            }
        }
    };
    let asked_as = |host: &str| {
        let path = format!("http://{host}/healthz");
        get(&address, &path).starts_with("HTTP/1.1 200")
    };
    assert!(!asked_as("pics.example"));
    let file = hosts("\"pics.example\"").replace("300", "400");
    with_file(&data, &file);
    signal(&child, "-HUP");
    let lines = logged("was read again").join("\n");
    assert!(lines.contains("serve.allow-host"), "{lines}");
    // It cannot change while the server runs.
    assert!(lines.contains("\"memory\""), "{lines}");
    assert!(asked_as("pics.example"));
    with_file(&data, "[serve]\nallow-host = 1\n");
    signal(&child, "-HUP");
    let lines = logged("stays as it was").join("\n");
    assert!(lines.contains("line 2: serve.allow-host"), "{lines}");
    assert!(asked_as("pics.example"));
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn help_and_man_pages_are_the_same_whatever_is_configured() {
    let help = |variable: Option<(&str, &str)>| -> Vec<u8> {
        let mut command: Command = bare();
        command.args(["serve", "--help"]).envs(variable);
        command.output().unwrap().stdout
    };
    assert_eq!(help(None), help(Some(("RESIGHT_LISTEN", "[::1]:1"))));
}
