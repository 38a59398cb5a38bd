//! No circle of files: what a file uses never leads back to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Module = Vec<String>;

/// The files of a crate by module; the root is the empty path.
fn modules(source: &Path) -> BTreeMap<Module, String> {
    fn collect(folder: &Path, source: &Path, found: &mut BTreeMap<Module, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, source, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let relative = path.strip_prefix(source).unwrap().with_extension("");
                let mut parts: Module = relative
                    .iter()
                    .map(|part| part.to_string_lossy().into_owned())
                    .collect();
                if matches!(parts.last().unwrap().as_str(), "mod" | "lib" | "main") {
                    parts.pop();
                }
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap();
                let lines = code.lines().map(|line| line.split("//").next().unwrap());
                found.insert(parts, lines.collect::<Vec<_>>().join("\n"));
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(source, source, &mut found);
    found
}

/// The paths of a tree such as `a::{b, c::d}`.
fn expand(before: &[String], tree: &str, paths: &mut Vec<Module>) {
    let tree = tree.trim();
    let names = |text: &str| -> Module {
        let parts = text.split("::").map(str::trim).filter(|part| !part.is_empty());
        before.iter().cloned().chain(parts.map(str::to_owned)).collect()
    };
    let Some((start, rest)) = tree.split_once('{') else {
        paths.push(names(tree.split(" as ").next().unwrap()));
        return;
    };
    let (start, rest) = (names(start), rest.trim_end().trim_end_matches('}').to_owned() + ",");
    let (mut depth, mut part) = (0, String::new());
    for letter in rest.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if letter == ',' && depth == 0 {
            if !part.trim().is_empty() {
                expand(&start, &part, paths);
            }
            part.clear();
        } else {
            part.push(letter);
        }
    }
}

/// What a file names: by `use`, with those of `pub use` apart, and in full.
fn named(code: &str) -> (Vec<Module>, Vec<Module>) {
    let (mut private, mut public) = (Vec::new(), Vec::new());
    let mut rest = String::new();
    for statement in code.split_inclusive(';') {
        let start = statement
            .rfind("\nuse ")
            .or_else(|| statement.rfind(" use "))
            .or_else(|| {
                let first = statement.starts_with("use ");
                first.then_some(0)
            });
        match start {
            Some(start) if statement.ends_with(';') => {
                let is_public = statement[..start].trim_end().lines().last().is_some_and(|line| {
                    let line = line.trim();
                    line == "pub" || (line.starts_with("pub(") && line.ends_with(')'))
                });
                let tree = statement[start..]
                    .trim_start()
                    .trim_start_matches("use ")
                    .trim_end_matches(';');
                expand(&[], tree, if is_public { &mut public } else { &mut private });
                rest.push_str(&statement[..start]);
            }
            _ => rest.push_str(statement),
        }
    }
    for word in rest.split(|c: char| !(c.is_alphanumeric() || "_:".contains(c))) {
        let path: Module = word.split("::").map(str::to_owned).collect();
        if path.len() > 1 && matches!(path[0].as_str(), "crate" | "super" | "self") {
            private.push(path);
        }
    }
    (private, public)
}

/// The path from the root of the crate that `path` means in `module`.
fn from_root(module: &Module, path: &Module, known: &BTreeMap<Module, String>) -> Option<Module> {
    let child = || [module.as_slice(), &path[..1]].concat();
    match path.first()?.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "self" => Some([module.as_slice(), &path[1..]].concat()),
        "super" => {
            let up = path.iter().take_while(|part| *part == "super").count();
            let base = module.len().checked_sub(up)?;
            Some([&module[..base], &path[up..]].concat())
        }
        _ if known.contains_key(&child()) => Some([module.as_slice(), path].concat()),
        _ => None,
    }
}

/// What each file of a crate uses; names that a module passes on by `pub use` count for the file that has them.
fn uses(source: &Path) -> BTreeMap<Module, BTreeSet<Module>> {
    let known = modules(source);
    let longest = |path: &Module| -> Module {
        let mut path = path.clone();
        while !known.contains_key(&path) {
            path.pop();
        }
        path
    };
    let mut passed_on: BTreeMap<Module, Module> = BTreeMap::new();
    for (module, code) in &known {
        for path in named(code).1 {
            if let (Some(full), Some(name)) = (from_root(module, &path, &known), path.last()) {
                let home = longest(&full);
                if home.len() > module.len() {
                    passed_on.insert([module.as_slice(), std::slice::from_ref(name)].concat(), home);
                }
            }
        }
    }
    let target = |full: &Module| -> Module {
        let home = longest(full);
        let name = full.get(home.len()).cloned().into_iter().collect::<Vec<_>>();
        match passed_on.get(&[home.clone(), name].concat()) {
            Some(further) => further.clone(),
            None => home,
        }
    };
    let of = |(module, code): (&Module, &String)| {
        let full = named(code)
            .0
            .into_iter()
            .filter_map(|path| from_root(module, &path, &known));
        let targets = full
            .map(|path| target(&path))
            .filter(|other| other != module && !other.is_empty());
        (module.clone(), targets.collect())
    };
    known.iter().filter(|(module, _)| !module.is_empty()).map(of).collect()
}

/// Everything that a file uses, and what that uses.
fn reached(from: &Module, uses: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<Module> {
    let (mut found, mut open) = (BTreeSet::new(), vec![from.clone()]);
    while let Some(next) = open.pop() {
        for other in uses.get(&next).into_iter().flatten() {
            if found.insert(other.clone()) {
                open.push(other.clone());
            }
        }
    }
    found
}

fn crates() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.join("src").is_dir());
    folders.sort();
    folders
}

#[test]
fn no_file_leads_back_to_itself() {
    let mut wrong = Vec::new();
    for folder in crates() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let uses = uses(&folder.join("src"));
        let circular = uses.keys().filter(|file| reached(file, &uses).contains(*file));
        wrong.extend(circular.map(|file| format!("{name}: {}", file.join("::"))));
    }
    assert!(
        wrong.is_empty(),
        "files that lead back to themselves:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn a_circle_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("lib.rs", "mod a;\nmod b;\nmod c;\npub use c::{C, Other as D};\n");
    write(
        "a.rs",
        "use std::fmt;\nuse crate::{\n    b::B,\n    C,\n};\npub struct A(B);\n",
    );
    write("b.rs", "use super::C;\npub struct B;\n");
    write(
        "c.rs",
        "pub struct C;\npub struct Other;\n#[cfg(test)]\nmod tests { use crate::a::A; }\n",
    );
    let clean = uses(folder.path());
    let module = |name: &str| vec![name.to_owned()];
    assert_eq!(clean[&module("a")], BTreeSet::from([module("b"), module("c")]));
    assert_eq!(clean[&module("b")], BTreeSet::from([module("c")]));
    assert!(clean.keys().all(|file| !reached(file, &clean).contains(file)));
    write("c.rs", "pub struct C(crate::a::A);\n");
    let circular = uses(folder.path());
    assert!(circular.keys().all(|file| reached(file, &circular).contains(file)));
}
