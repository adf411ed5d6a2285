//! Numbers of requirements and faults: what the code cites stands in `docs/requirements.md`, and what stands there is
//! cited.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What may cite.
const WHERE: [&str; 6] = ["src", "tests", "benches", "examples", "migrations", "config"];

#[test]
fn what_is_cited_is_defined_and_what_is_defined_is_cited() {
    let defined = defined();
    let mut cited: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in WHERE.iter().flat_map(|folder| files(&root().join(folder))) {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        cited.extend(citations(&text).into_iter().map(|number| (number, path.clone())));
    }
    assert!(
        defined.len() > 100 && cited.len() > 100,
        "both were found: {} and {}",
        defined.len(),
        cited.len()
    );
    let unknown: Vec<_> = cited.iter().filter(|(number, _)| !defined.contains(*number)).collect();
    assert!(unknown.is_empty(), "docs/requirements.md does not say what these are: {unknown:?}");
    let idle: Vec<_> = defined.iter().filter(|number| !cited.contains_key(*number)).collect();
    assert!(idle.is_empty(), "nothing cites these of docs/requirements.md: {idle:?}");
}

#[test]
fn a_citation_is_a_number_by_itself_or_a_range() {
    let all = |text: &str| citations(text).into_iter().collect::<Vec<_>>();
    assert_eq!(all("(R15, R16), F6b"), ["F6b", "R15", "R16"]);
    assert_eq!(all("R121–R123"), ["R121", "R122", "R123"]);
    assert!(all("0xF5 SRF10 R1x PR15 R_5 #R12ab 0012F5E1").is_empty());
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let below =
        folders.iter().filter(|path| !path.ends_with("node_modules")).flat_map(|path| self::files(path));
    let own = Path::new(file!()).file_name();
    files.into_iter().filter(|path| path.file_name() != own).chain(below).collect()
}

/// `| R15 | … |` → R15.
fn defined() -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("docs/requirements.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let rows: Vec<String> = rows.filter(|cell| number(cell).is_some()).map(str::to_owned).collect();
    let all: BTreeSet<String> = rows.iter().cloned().collect();
    assert_eq!(all.len(), rows.len(), "a number stands once");
    all
}

/// The numbers in a text, with those between the ends of a range.
fn citations(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut last: Option<(u32, usize)> = None;
    for (at, word) in words(text) {
        let Some(cited) = number(word) else { continue };
        if let Some((from, _)) = last.filter(|(_, end)| &text[*end..at] == "–") {
            found.extend((from..cited).map(|between| format!("{}{between}", &word[..1])));
        }
        last = Some((cited, at + word.len()));
        found.insert(word.to_owned());
    }
    found
}

/// The words of a text and where they begin.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive(|c: char| !c.is_alphanumeric() && c != '_').map(move |piece| {
        let begins = at;
        at += piece.len();
        (begins, piece.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '_'))
    })
}

/// `R15` → 15, `F6b` → 6; nothing of any other word.
fn number(word: &str) -> Option<u32> {
    let digits = word.strip_prefix(['R', 'F'])?;
    let digits = digits.strip_suffix('b').unwrap_or(digits);
    let plain = !digits.is_empty() && digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}
