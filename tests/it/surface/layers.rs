//! Who may name whom: the table at the top of `src/lib.rs`, held by reading every line of `src/`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Folder or file of `src/` → its row.
type Rows = BTreeMap<String, u32>;

#[test]
fn a_row_names_only_rows_below_it() {
    let (rows, sources) = (table(), sources());
    assert!(sources.len() > 50, "the sources were found");
    let broken: Vec<String> = sources.iter().flat_map(|(file, text)| wrong(&rows, file, text)).collect();
    assert!(broken.is_empty(), "the table in src/lib.rs does not allow:\n{}", broken.join("\n"));
}

#[test]
fn every_module_has_a_row() {
    let rows = table();
    for (file, _) in sources() {
        let part = part(&file);
        assert!(rows.contains_key(part) || part == "lib", "{file} has no row in src/lib.rs");
    }
}

#[test]
fn a_forbidden_line_is_seen() {
    let rows = Rows::from([("base".into(), 0), ("store".into(), 1), ("auth".into(), 6), ("api".into(), 7)]);
    let seen = |file: &str, text: &str| wrong(&rows, file, text).len();
    assert_eq!(seen("auth/a.rs", "use crate::store::users;\nuse super::x;"), 0);
    assert_eq!(seen("store/a.rs", "use crate::auth::x;"), 1);
    assert_eq!(seen("base/a.rs", "let x = crate::store::users::by_id();"), 1);
    assert_eq!(seen("auth/a.rs", "use crate::{store, api};"), 1);
    assert_eq!(seen("auth/a.rs", "use crate::{\n    store::users,\n    api::{self, x},\n};"), 1);
    assert_eq!(seen("auth/a.rs", "/// See [`crate::api`].\n// crate::api"), 0);
    assert_eq!(seen("auth/a.rs", "use crate::auth::x;"), 0);
    assert_eq!(seen("api.rs", "use crate::unknown::x;"), 1);
}

/// `| 6 | [`auth`] |` → auth: 6.
fn table() -> Rows {
    let text = std::fs::read_to_string(root().join("lib.rs")).unwrap();
    let mut rows = Rows::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("//! |")) {
        let mut cells = line.split('|').map(str::trim);
        let Some(Ok(row)) = cells.next().map(str::parse) else { continue };
        let names = cells.next().unwrap_or_default().split(',');
        rows.extend(names.map(|n| (n.trim().trim_matches(['[', ']', '`']).to_owned(), row)));
    }
    assert!(rows.len() > 15 && rows["base"] == 0, "the table of src/lib.rs was read: {rows:?}");
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

/// `auth/walk.rs` → `auth`; `app.rs` → `app`.
fn part(file: &str) -> &str {
    file.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

/// The lines of a file that name what stands in its own row or above it.
fn wrong(rows: &Rows, file: &str, text: &str) -> Vec<String> {
    let own = part(file);
    // `lib.rs` only lists the modules; `main.rs` speaks of the library by its name.
    let Some(&row) = rows.get(own) else { return Vec::new() };
    let mut found = Vec::new();
    for (number, named) in named(text) {
        let allowed = named == own || rows.get(&named).is_some_and(|other| *other < row);
        if !allowed {
            let line = text.lines().nth(number).unwrap_or_default().trim();
            found.push(format!("src/{file}:{}: row {row} names {named}: {line}", number + 1));
        }
    }
    found
}

/// What a text names behind `crate::`, with the line that it begins on; comments are left out.
fn named(text: &str) -> Vec<(usize, String)> {
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join("\n");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let line = code[..at].matches('\n').count();
        let rest = &code[at + "crate::".len()..];
        let names = match rest.strip_prefix('{') {
            Some(list) => members(list),
            None => vec![word(rest)],
        };
        found.extend(names.into_iter().map(|name| (line, name)));
    }
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first words of the members of `a::{b, c}, d as e}`.
fn members(list: &str) -> Vec<String> {
    let (mut depth, mut begins, mut names) = (0, true, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => begins = true,
            c if begins && depth == 0 && !c.is_whitespace() => {
                names.push(word(&list[at..]));
                begins = false;
            }
            _ => {}
        }
    }
    names
}
