//! Who may name whom: the tables at the top of `src/lib.rs`, `src/auth/mod.rs` and `src/api/mod.rs`, held by reading
//! every line of `src/`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Folder or file of a house → its row.
type Rows = BTreeMap<String, u32>;

/// A house: the module whose file has the table, as the segments of its path.
const HOUSES: [&[&str]; 3] = [&[], &["auth"], &["api"]];

#[test]
fn a_row_names_only_rows_below_it() {
    let sources = sources();
    assert!(sources.len() > 50, "the sources were found");
    for house in HOUSES {
        let rows = table(house);
        let broken: Vec<String> =
            sources.iter().flat_map(|(file, text)| wrong(house, &rows, file, text)).collect();
        assert!(broken.is_empty(), "the table of {} does not allow:\n{}", map(house), broken.join("\n"));
    }
}

/// The face of a folder may name its own files, which it lists; nothing else goes in a circle.
#[test]
fn no_file_is_in_a_circle_of_imports() {
    let sources: Vec<_> = sources().into_iter().filter(|(file, _)| !file.contains("tests")).collect();
    let arrows = arrows(&sources);
    assert!(arrows.values().map(BTreeSet::len).sum::<usize>() > 500, "the imports were found");
    let found: Vec<_> = arrows.keys().filter_map(|from| circle(&arrows, from)).collect();
    assert!(found.is_empty(), "files that import each other: {found:#?}");
}

#[test]
fn a_circle_is_seen_through_a_face() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let look = |sources: &[(String, String)]| circle(&arrows(sources), "a/b.rs").is_some();
    let face = file("a/mod.rs", "mod b;\nmod c;\npub use c::{self, Thing};\n");
    let b = file("a/b.rs", "use super::Thing;");
    assert!(look(&[face.clone(), b.clone(), file("a/c.rs", "use crate::a::b::Other;")]));
    assert!(!look(&[face, b, file("a/c.rs", "use crate::d;")]));
}

#[test]
fn every_module_has_a_row() {
    for house in HOUSES {
        let rows = table(house);
        for (file, _) in sources() {
            let Some(part) = part(house, &module(&file)) else { continue };
            assert!(rows.contains_key(&part), "{file} has no row in {}", map(house));
        }
        let found: Vec<String> = sources().iter().filter_map(|(f, _)| part(house, &module(f))).collect();
        let gone: Vec<&String> = rows.keys().filter(|row| *row != "main" && !found.contains(row)).collect();
        assert!(gone.is_empty(), "the table of {} has rows of nothing: {gone:?}", map(house));
    }
}

#[test]
fn a_forbidden_line_is_seen() {
    let rows = Rows::from([("base".into(), 0), ("store".into(), 1), ("auth".into(), 6), ("api".into(), 7)]);
    let seen = |file: &str, text: &str| wrong(&[], &rows, file, text).len();
    assert_eq!(seen("auth/a.rs", "use crate::store::users;\nuse super::x;"), 0);
    assert_eq!(seen("store/a.rs", "use crate::auth::x;"), 1);
    assert_eq!(seen("base/a.rs", "let x = crate::store::users::by_id();"), 1);
    assert_eq!(seen("auth/a.rs", "use crate::{store, api};"), 1);
    assert_eq!(seen("auth/a.rs", "use crate::{\n    store::users,\n    api::{self, x},\n};"), 1);
    assert_eq!(seen("auth/a.rs", "/// See [`crate::api`].\n// crate::api"), 0);
    assert_eq!(seen("auth/a.rs", "use crate::auth::x;"), 0);
    assert_eq!(seen("api.rs", "use crate::unknown::x;"), 1);
    assert_eq!(seen("base/a.rs", "use super::super::store::x;"), 1);
}

#[test]
fn a_forbidden_line_is_seen_within_a_house() {
    let rows = Rows::from([("error".into(), 0), ("codes".into(), 1), ("signup".into(), 2)]);
    let seen = |file: &str, text: &str| wrong(&["auth"], &rows, file, text).len();
    assert_eq!(seen("auth/signup/mod.rs", "use super::codes::x;\nuse crate::auth::error;\nuse draft::y;"), 0);
    assert_eq!(seen("auth/codes/a.rs", "use crate::auth::signup::x;"), 1);
    assert_eq!(seen("auth/codes/a.rs", "use super::b;\nuse super::super::signup::x;"), 1);
    assert_eq!(seen("auth/error.rs", "use super::{codes::x, signup};"), 2);
    assert_eq!(seen("auth/codes/a.rs", "use crate::store::x;\nuse crate::auth::{self, Result};"), 0);
    assert_eq!(seen("store/a.rs", "use crate::auth::signup;"), 0, "that is for the table of the crate");
    assert_eq!(seen("auth/error.rs", "mod tests {\n    use super::*;\n    use super::codes;\n}"), 0);
}

/// The file that has the table of a house.
fn map(house: &[&str]) -> String {
    if house.is_empty() { "lib.rs".to_owned() } else { format!("{}/mod.rs", house.join("/")) }
}

/// `| 6 | [`auth`] | … |` → auth: 6.
fn table(house: &[&str]) -> Rows {
    let text = std::fs::read_to_string(root().join(map(house))).unwrap();
    let mut rows = Rows::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("//! |")) {
        let mut cells = line.split('|').map(str::trim);
        let Some(Ok(row)) = cells.next().map(str::parse) else { continue };
        let names = cells.next().unwrap_or_default().split(',');
        rows.extend(names.map(|name| (word(name.trim().trim_matches(['[', '`'])), row)));
    }
    assert!(rows.len() > 10 && rows.values().any(|row| *row == 0), "the table was read: {rows:?}");
    rows
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file of `src/` with its path below it.
pub(super) fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                found.push((name, std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    found
}

/// `auth/codes/look.rs` → auth, codes, look; `auth/mod.rs` → auth.
fn module(file: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    path.split('/').filter(|part| *part != "lib").map(str::to_owned).collect()
}

/// The part of a house that a module belongs to; none for what is not in the house, and for the house itself.
fn part(house: &[&str], module: &[String]) -> Option<String> {
    module.strip_prefix(house.iter().map(|&s| s.to_owned()).collect::<Vec<_>>().as_slice())?.first().cloned()
}

/// The lines of a file that name what stands in its own row or above it.
fn wrong(house: &[&str], rows: &Rows, file: &str, text: &str) -> Vec<String> {
    let module = module(file);
    let Some(own) = part(house, &module) else { return Vec::new() };
    // `main.rs` speaks of the library by its name.
    let Some(&row) = rows.get(&own) else { return Vec::new() };
    let mut found = Vec::new();
    for (number, path) in named(&module, text) {
        let Some(named) = part(house, &path) else { continue };
        // Within a house, what is no room of it is handed on by its face.
        let is_face = !house.is_empty() && !rows.contains_key(&named);
        if named != own && !is_face && rows.get(&named).is_none_or(|other| *other >= row) {
            let line = text.lines().nth(number).unwrap_or_default().trim();
            found.push(format!("src/{file}:{}: row {row} names {named}: {line}", number + 1));
        }
    }
    found.dedup();
    found
}

/// Every path behind `crate::` or `super::`, from the crate on, with the line that it begins on; comments and tests,
/// which are the end of a file, are left out.
fn named(module: &[String], text: &str) -> Vec<(usize, Vec<String>)> {
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join("\n");
    let code = code.split("\nmod tests {").next().unwrap_or_default();
    let code = if code.starts_with("mod tests {") { "" } else { code };
    let mut found = Vec::new();
    for (base, skip) in [(&module[..0], "crate::"), (&module[..module.len().saturating_sub(1)], "super::")] {
        for (at, _) in code.match_indices(skip) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let (mut base, mut rest) = (base.to_vec(), &code[at + skip.len()..]);
            while let Some(further) = rest.strip_prefix("super::") {
                base.pop();
                rest = further;
            }
            let line = code[..at].matches('\n').count();
            found.extend(tree(rest).into_iter().map(|path| (line, [base.clone(), path].concat())));
        }
    }
    found
}

/// File → the files that it names.
fn arrows(sources: &[(String, String)]) -> BTreeMap<String, BTreeSet<String>> {
    let files: BTreeMap<Vec<String>, &str> =
        sources.iter().map(|(file, _)| (module(file), &**file)).collect();
    let faces: BTreeMap<Vec<String>, Vec<String>> =
        sources.iter().flat_map(|(file, text)| handed_on(&module(file), text)).collect();
    let of = |(file, text): &(String, String)| {
        let named = named(&module(file), text).into_iter();
        let found =
            named.filter_map(|(_, path)| owner(&files, &faces, path, 8)).filter(|other| other != file);
        (file.clone(), found.map(str::to_owned).collect())
    };
    sources.iter().map(of).collect()
}

/// What a file names of its own folder and hands on: the path by which others name it, and where it is.
fn handed_on(module: &[String], text: &str) -> Vec<(Vec<String>, Vec<String>)> {
    let lists = text.split("\npub use ").skip(1).chain(text.split("\nuse ").skip(1));
    let trees = lists.filter(|list| !list.starts_with("crate") && !list.starts_with("super")).flat_map(tree);
    let named = trees.filter_map(|path| {
        let path: Vec<String> = path.into_iter().filter(|part| part != "self").collect();
        let by = [module, &[path.last()?.clone()]].concat();
        Some((by, [module, &path].concat()))
    });
    named.filter(|(by, path)| by != path).collect()
}

/// The file that has what a path names.
fn owner<'f>(
    files: &BTreeMap<Vec<String>, &'f str>,
    faces: &BTreeMap<Vec<String>, Vec<String>>,
    path: Vec<String>,
    depth: u32,
) -> Option<&'f str> {
    let long = (0..=path.len()).rev().find(|length| files.contains_key(&path[..*length]))?;
    let by = path.get(..=long);
    match by.and_then(|by| faces.get(by)).filter(|_| depth > 0) {
        Some(real) => owner(files, faces, [real, &path[long + 1..]].concat(), depth - 1),
        None => files.get(&path[..long]).copied().filter(|file| *file != "lib.rs"),
    }
}

/// The way from a file back to itself.
fn circle(arrows: &BTreeMap<String, BTreeSet<String>>, from: &str) -> Option<Vec<String>> {
    let mut ways = vec![vec![from.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop() {
        for next in way.last().and_then(|last| arrows.get(last)).into_iter().flatten() {
            let further = [way.clone(), vec![next.clone()]].concat();
            if next == from {
                return Some(further);
            }
            if seen.insert(next.clone()) {
                ways.push(further);
            }
        }
    }
    None
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// `a::{b, c::d}` → a::b, a::c::d.
fn tree(text: &str) -> Vec<Vec<String>> {
    if let Some(list) = text.strip_prefix('{') {
        return members(list).into_iter().flat_map(tree).collect();
    }
    let first = word(text);
    if first.is_empty() {
        return vec![Vec::new()];
    }
    match text[first.len()..].strip_prefix("::") {
        Some(rest) => tree(rest).into_iter().map(|path| [vec![first.clone()], path].concat()).collect(),
        None => vec![vec![first]],
    }
}

/// The members of `a::{b, c}, d as e}`.
fn members(list: &str) -> Vec<&str> {
    let (mut depth, mut begins, mut found) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' | ',' if depth == 0 => {
                found.push(list[begins..at].trim());
                begins = at + 1;
                if c == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    found.retain(|member| !member.is_empty());
    found
}
