//! Circles of files inside a crate, found from `use` lines.
//!
//! An edge goes from the file that has a `use` to the file that defines what is used: a name that a
//! module only passes on (`pub use`) is followed to its origin. Items of tests do not count. Edges
//! from a module to what it passes on are left out as well: a facade depends on nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::rust_text::{Token, closing, is_test, tokens};

/// A module's names from the crate's root on; the root's own are none.
type Module = Vec<String>;

/// One name that a `use` brings into a module.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Import {
    /// As written, with `crate`, `super` and `self` resolved; ends in `*` for a glob.
    path: Vec<String>,
    /// The name it has in the module; `*` for a glob.
    name: String,
    /// Whether other modules see it.
    is_public: bool,
}

#[derive(Debug, Default)]
struct File {
    path: PathBuf,
    imports: Vec<Import>,
    /// Names of the items that are written in it.
    defined: BTreeSet<String>,
    /// Names that its code mentions outside `use` lines.
    mentioned: BTreeSet<String>,
}

/// Groups of more than two files of the crate in `folder` that depend on each other in a circle, as
/// paths below its `src`, the largest first.
pub(crate) fn circles(folder: &Path) -> Vec<Vec<String>> {
    let source = folder.join("src");
    let files = files(&source);
    let edges: BTreeMap<&Module, BTreeSet<&Module>> = files
        .keys()
        .map(|module| (module, dependencies(&files, module)))
        .collect();
    let shown = |module: &&Module| {
        let path = &files[*module].path;
        path.strip_prefix(&source)
            .unwrap_or(path)
            .display()
            .to_string()
    };
    let mut found: Vec<Vec<String>> = components(&edges)
        .into_iter()
        .filter(|component| component.len() > 2)
        .map(|component| component.iter().map(shown).collect())
        .collect();
    found.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    found
}

fn files(source: &Path) -> BTreeMap<Module, File> {
    let mut paths = Vec::new();
    super::tidy::collect(source, &mut paths);
    let has_library = source.join("lib.rs").exists();
    let mut found = BTreeMap::new();
    for path in paths {
        let Some(module) = module_of(source, &path, has_library) else {
            continue;
        };
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let mut file = read(&text, &module);
        file.path = path;
        found.insert(module, file);
    }
    found
}

/// The module that a file is; `None` for what is no part of the crate's tree.
fn module_of(source: &Path, path: &Path, has_library: bool) -> Option<Module> {
    let below = path.strip_prefix(source).ok()?.with_extension("");
    path.extension().filter(|e| *e == "rs")?;
    let mut names: Module = below
        .iter()
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    match names.last().map(String::as_str) {
        Some("mod") => _ = names.pop(),
        Some("lib") if names.len() == 1 => _ = names.pop(),
        Some("main") if names.len() == 1 && !has_library => _ = names.pop(),
        Some("main") if names.len() == 1 => return None,
        _ => {}
    }
    (names.first().map(String::as_str) != Some("bin")).then_some(names)
}

fn read(text: &str, module: &Module) -> File {
    let all = tokens(text);
    let kept: Vec<Token<'_>> = is_test(&all)
        .iter()
        .zip(&all)
        .filter(|(is_test, _)| !**is_test)
        .map(|(_, token)| *token)
        .collect();
    let mut file = File::default();
    // Inline modules that the walk is inside of: their names and where they end.
    let mut inline: Vec<(&str, usize)> = Vec::new();
    let mut at = 0;
    while at < kept.len() {
        inline.retain(|(_, end)| at <= *end);
        let next = kept.get(at + 1).map_or("", |t| t.text);
        match kept[at].text {
            "use" => {
                let end = (at..kept.len())
                    .find(|i| kept[*i].text == ";")
                    .unwrap_or(kept.len());
                let mut here = module.clone();
                here.extend(inline.iter().map(|(name, _)| (*name).to_owned()));
                let is_public = at > 0 && matches!(kept[at - 1].text, "pub" | ")");
                tree(&kept[at + 1..end], &[], &mut |path, name| {
                    file.imports.push(Import {
                        path: absolute(path, &here),
                        name,
                        is_public,
                    });
                });
                at = end;
            }
            "mod" if kept.get(at + 2).is_some_and(|t| t.text == "{") => {
                inline.push((next, closing(&kept, at + 2)));
                at += 2;
            }
            "fn" | "struct" | "enum" | "trait" | "const" | "static" | "type" | "union"
            | "macro_rules" => {
                file.defined.insert(next.trim_start_matches('!').to_owned());
            }
            word => _ = file.mentioned.insert(word.to_owned()),
        }
        at += 1;
    }
    file
}

/// Calls `found` with the path and the name of each leaf of a `use` tree.
fn tree(tokens: &[Token<'_>], before: &[String], found: &mut impl FnMut(Vec<String>, String)) {
    let mut path = before.to_vec();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].text {
            "::" => {}
            "{" => {
                let end = closing(tokens, at);
                let mut start = at + 1;
                for i in at + 1..=end {
                    let depth_is_one = (start..i).all(|j| tokens[j].text != "{")
                        || closing(
                            tokens,
                            (start..i).find(|j| tokens[*j].text == "{").unwrap_or(i),
                        ) < i;
                    if (i == end || tokens[i].text == ",") && depth_is_one {
                        if start < i {
                            tree(&tokens[start..i], &path, found);
                        }
                        start = i + 1;
                    }
                }
                return;
            }
            "as" => {
                let name = tokens.get(at + 1).map_or("_", |t| t.text);
                found(path, name.to_owned());
                return;
            }
            // `a::{self}` is `a`.
            "self" if !path.is_empty() => {}
            word => path.push(word.to_owned()),
        }
        at += 1;
    }
    if let Some(last) = path.last().cloned() {
        found(path, last);
    }
}

/// `path` as it is written in the module `here`, from the crate's root on. What begins with another
/// name may be a child of the module or another crate; [`resolve`] decides.
fn absolute(path: Vec<String>, here: &Module) -> Vec<String> {
    let mut base = here.clone();
    let mut rest = path.as_slice();
    match rest.first().map(String::as_str) {
        Some("crate") => {
            base.clear();
            rest = &rest[1..];
        }
        Some("self") => rest = &rest[1..],
        _ => {}
    }
    while rest.first().is_some_and(|name| name == "super") {
        base.pop();
        rest = &rest[1..];
    }
    base.extend_from_slice(rest);
    base
}

/// Modules that define what `module` uses, itself left out.
fn dependencies<'a>(files: &'a BTreeMap<Module, File>, module: &Module) -> BTreeSet<&'a Module> {
    let file = &files[module];
    let is_passed_on = |import: &Import| import.is_public && !file.mentioned.contains(&import.name);
    file.imports
        .iter()
        .filter(|import| !is_passed_on(import))
        .filter_map(|import| resolve(files, &import.path, 0))
        .filter(|target| *target != module)
        .collect()
}

/// The module that defines what `path` names; `None` for another crate's.
fn resolve<'a>(
    files: &'a BTreeMap<Module, File>,
    path: &[String],
    depth: usize,
) -> Option<&'a Module> {
    let (module, file) = (0..=path.len())
        .rev()
        .find_map(|length| files.get_key_value(&path[..length]))?;
    let rest = &path[module.len()..];
    let Some(name) = rest.first().filter(|name| *name != "*") else {
        return Some(module);
    };
    // A chain of names that are passed on has an end, unless the source does not compile.
    if depth > 16 || file.defined.contains(name) {
        return Some(module);
    }
    let onward = |import: &Import| {
        let mut path = import.path.clone();
        if import.name == "*" {
            path.pop();
            path.extend_from_slice(rest);
        } else {
            path.extend_from_slice(&rest[1..]);
        }
        // A path that leads back here names another crate's.
        let is_elsewhere = path.len() < module.len() || path != [module, rest].concat();
        is_elsewhere
            .then(|| resolve(files, &path, depth + 1))
            .flatten()
    };
    let by_name = file.imports.iter().find(|import| import.name == *name);
    if let Some(import) = by_name {
        return onward(import);
    }
    let globs = file.imports.iter().filter(|import| import.name == "*");
    globs
        .filter_map(onward)
        .find(|target| files[*target].defined.contains(name))
}

/// Strongly connected components (Tarjan 1972), each in order.
fn components<'a>(edges: &BTreeMap<&'a Module, BTreeSet<&'a Module>>) -> Vec<Vec<&'a Module>> {
    let mut walk = Walk {
        edges,
        order: BTreeMap::new(),
        stack: Vec::new(),
        found: Vec::new(),
    };
    for module in edges.keys() {
        if !walk.order.contains_key(module) {
            walk.visit(module);
        }
    }
    walk.found
}

struct Walk<'e, 'a> {
    edges: &'e BTreeMap<&'a Module, BTreeSet<&'a Module>>,
    /// When a module was reached, and the earliest that it leads back to; `usize::MAX` once its
    /// component is complete.
    order: BTreeMap<&'a Module, (usize, usize)>,
    stack: Vec<&'a Module>,
    found: Vec<Vec<&'a Module>>,
}

impl<'a> Walk<'_, 'a> {
    fn visit(&mut self, module: &'a Module) -> usize {
        let number = self.order.len();
        self.order.insert(module, (number, number));
        self.stack.push(module);
        let mut lowest = number;
        for next in &self.edges[module] {
            let reached = match self.order.get(next) {
                Some((_, lowest)) => *lowest,
                None => self.visit(next),
            };
            lowest = lowest.min(reached);
        }
        self.order.insert(module, (number, lowest));
        if lowest == number {
            let start = self.stack.iter().position(|m| *m == module).unwrap_or(0);
            let mut component = self.stack.split_off(start);
            for member in &component {
                self.order.insert(member, (usize::MAX, usize::MAX));
            }
            component.sort();
            self.found.push(component);
            return usize::MAX;
        }
        lowest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Circles of a crate with these files below its `src`.
    fn check(case: &str, files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let name = format!("resight-circles-{}-{case}", std::process::id());
        let root = std::env::temp_dir().join(name);
        for (path, text) in files {
            let path = root.join("src").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let found = circles(&root);
        fs::remove_dir_all(&root).unwrap();
        found
    }

    #[test]
    fn three_files_in_a_circle_are_found_and_two_may_be() {
        let three = [
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::b::B;\npub struct A;"),
            ("b.rs", "use super::c::{self, C as D};\npub struct B;"),
            ("c.rs", "fn f() { use crate::{a::A}; }\npub struct C;"),
        ];
        assert_eq!(check("three", &three), [["a.rs", "b.rs", "c.rs"]]);
        let two = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B;\npub struct A;"),
            ("b.rs", "use crate::a::A;\npub struct B;"),
        ];
        assert_eq!(check("two", &two), Vec::<Vec<String>>::new());
    }

    #[test]
    fn folders_and_inline_modules_count_as_the_compiler_counts_them() {
        let files = [
            ("lib.rs", "mod a;"),
            ("a/mod.rs", "mod b; mod c;\nuse b::f;\npub fn a() { f() }"),
            (
                "a/b.rs",
                "mod inner { use super::super::c::c; }\npub fn f() {}",
            ),
            ("a/c/mod.rs", "mod d;\nuse self::d::d;\npub fn c() { d() }"),
            ("a/c/d.rs", "use super::super::a;\npub fn d() {}"),
        ];
        assert_eq!(
            check("folders", &files),
            [["a/mod.rs", "a/b.rs", "a/c/mod.rs", "a/c/d.rs"]]
        );
    }

    #[test]
    fn a_name_that_is_passed_on_leads_to_its_origin() {
        // Both children use a name that their parent passes on, and the parent uses none itself.
        let facade = [
            ("lib.rs", "mod a;"),
            (
                "a/mod.rs",
                "mod b; mod c; mod d;\npub use b::B;\npub(crate) use d::*;",
            ),
            ("a/b.rs", "pub struct B;"),
            ("a/c.rs", "use super::{B, D};\npub fn c(_: B, _: D) {}"),
            ("a/d.rs", "use super::B;\npub struct D(B);"),
        ];
        assert_eq!(check("facade", &facade), Vec::<Vec<String>>::new());
        let through = [
            ("lib.rs", "mod a;"),
            ("a/mod.rs", "mod b; mod c; mod d;\npub use b::B;"),
            ("a/b.rs", "use super::c::C;\npub struct B;"),
            ("a/c.rs", "use super::d::D;\npub struct C;"),
            ("a/d.rs", "use crate::a::B;\npub struct D;"),
        ];
        assert_eq!(check("through", &through), [["a/b.rs", "a/c.rs", "a/d.rs"]]);
    }

    #[test]
    fn tests_other_crates_and_the_program_beside_a_library_do_not_count() {
        let files = [
            ("lib.rs", "pub mod a; pub mod b; pub mod c;\npub struct L;"),
            ("main.rs", "use that::L;\nfn main() {}"),
            ("a.rs", "use std::a::B;\nuse crate::b::B;\npub struct A;"),
            ("b.rs", "use crate::c::C;\npub struct B;"),
            (
                "c.rs",
                "pub struct C;\n#[cfg(test)]\nmod tests { use crate::a::A; }\n#[cfg(test)]\nuse crate::a::A;",
            ),
        ];
        assert_eq!(check("tests", &files), Vec::<Vec<String>>::new());
    }
}
