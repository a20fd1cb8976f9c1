//! Completions and man pages, as a package is built with them.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::World;

/// The program where nobody has a home, as in a build of a package.
fn homeless(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_resight"));
    command.env_clear().stdin(Stdio::null()).args(arguments);
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn every_shell_gets_the_commands_and_their_options() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = said(&homeless(&["completions", shell]));
        for word in ["not-a-match", "base-path", "trusted-proxy", "collection"] {
            assert!(script.contains(word), "{shell} lacks {word}");
        }
    }
    let json = said(&homeless(&["completions", "bash", "--json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["script"].as_str().unwrap().contains("_resight()"));
    assert_eq!(homeless(&["completions", "csh"]).status.code(), Some(2));
}

#[test]
fn bash_completes_a_command_and_an_option() {
    let world = World::empty();
    let script = world.path("resight.bash");
    std::fs::write(&script, said(&homeless(&["completions", "bash"]))).unwrap();
    let ask = |words: &str, last: &str| {
        let run = format!(
            "source '{}'; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _resight resight '{last}' resight; echo \"${{COMPREPLY[*]}}\"",
            script.display()
        );
        let Ok(output) = Command::new("bash").args(["--norc", "-c", &run]).output() else {
            eprintln!("SKIPPED: no bash here");
            return None;
        };
        Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
    };
    // (what is typed, the word under the cursor, what it may become)
    for (words, last, completed) in [
        ("resight comp", "comp", "compare completions"),
        ("resight collections cr", "cr", "create"),
        ("resight search --verif", "--verif", "--verified"),
    ] {
        if let Some(found) = ask(words, last) {
            assert_eq!(found, completed, "{words}");
        }
    }
}

#[test]
fn every_command_has_a_man_page() {
    let world = World::empty();
    let dir = world.path("share/man1");
    let written = world.text(&["man", "@share/man1"]);
    let names = || std::fs::read_dir(&dir).unwrap().map(|one| one.unwrap());
    assert!(written.starts_with(&format!("{} man pages", names().count())));
    let page = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
    for (name, part) in [
        ("resight.1", "resight\\-search(1)"),
        ("resight-search.1", "\\-\\-no\\-expand"),
        ("resight-compare.1", "Exit codes: 0 the same thing"),
        ("resight-serve.1", "The budget of memory"),
        ("resight-plugin-new.1", "resight\\-plugin\\-new"),
        ("resight-models-pull.1", ".SH SYNOPSIS"),
    ] {
        assert!(page(name).contains(part), "{name} lacks {part}");
    }
    assert!(!dir.join("resight-help.1").exists());
    let shown = said(&homeless(&["man"]));
    assert_eq!(shown, page("resight.1"));
    // Again, over those that are there.
    world.text(&["man", "@share/man1"]);
}

#[test]
fn a_folder_for_man_pages_that_cannot_be_made_is_named() {
    let world = World::empty();
    std::fs::write(world.path("file"), b"").unwrap();
    let error = world.error(&["man", "@file/man1"], 1);
    let detail = error["detail"].as_str().unwrap();
    assert!(
        detail.contains(Path::new("file").join("man1").to_str().unwrap()),
        "{detail}"
    );
}
