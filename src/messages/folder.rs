//! The operator's own texts: a folder that is laid over the built-in ones, file by file.
//!
//! `FOLDER/de/signin_code.txt` takes the place of that message in German, `FOLDER/de/words.txt` of the sentences that
//! German mails share, `FOLDER/layout.html` and `FOLDER/layout.txt` of what every mail is put into. A folder with
//! another tag adds a language, and must be whole.

use std::borrow::Cow;
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

use super::Flaw;
use super::language::is_tag;
use super::layouts::Layouts;
use super::texts::{self, Texts};

/// The largest template, in bytes.
const LARGEST: u64 = 64 * 1_024;

/// Lays the folder over `all` and `layouts`; gives every flaw.
pub(super) fn lay_over(folder: &Path, all: &mut Vec<Texts>, layouts: &mut Layouts) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for path in entries(folder, &mut flaws) {
        let name = name(&path);
        if path.is_dir() && is_tag(&name) {
            if seen.contains(&name.to_ascii_lowercase()) {
                flaws.push(flaw(&path, "there is another folder for this language"));
                continue;
            }
            seen.push(name.to_ascii_lowercase());
            language(&path, &name, all, &mut flaws);
        } else if let Some(layout) = layouts.named(&name).filter(|_| path.is_file()) {
            match read(&path) {
                Ok(source) => *layout = (path.display().to_string(), source.into()),
                Err(why) => flaws.push(flaw(&path, why)),
            }
        } else {
            let why =
                "is neither a folder named by a language tag, such as de, nor layout.html or layout.txt";
            flaws.push(flaw(&path, why));
        }
    }
    flaws
}

fn language(folder: &Path, tag: &str, all: &mut Vec<Texts>, flaws: &mut Vec<Flaw>) {
    let known = all.iter().position(|texts| texts.language.is(tag));
    let mut texts = known.map_or_else(|| Texts::new(tag), |index| all[index].clone());
    let before = flaws.len();
    for path in entries(folder, flaws) {
        let file = name(&path);
        let Some(name) = texts::names().find(|name| file.strip_suffix(".txt") == Some(name)) else {
            let names: Vec<&str> = texts::names().collect();
            let why = format!("is the text of nothing; there are, each with .txt: {}", names.join(", "));
            flaws.push(flaw(&path, why));
            continue;
        };
        let taken =
            read(&path).and_then(|source| texts.take(name, &path.display().to_string(), Cow::Owned(source)));
        flaws.extend(taken.err().map(|why| flaw(&path, why)));
    }
    if flaws.len() == before {
        let absent = texts.missing().into_iter().map(|name| folder.join(format!("{name}.txt")));
        flaws.extend(absent.map(|path| flaw(&path, "is missing: a language of your own needs every file")));
    }
    // What could be read is tried with the rest, so that all flaws are told at once.
    match known {
        Some(index) => all[index] = texts,
        None if flaws.len() == before => all.push(texts),
        None => {}
    }
}

/// What is in a folder, in order of the names; hidden files are nobody's text.
fn entries(folder: &Path, flaws: &mut Vec<Flaw>) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<DirEntry>, _>>());
    let mut paths: Vec<PathBuf> = match listed {
        Ok(entries) => entries.into_iter().map(|entry| entry.path()).collect(),
        Err(error) => {
            flaws.push(flaw(folder, format!("cannot be read: {error}")));
            return Vec::new();
        }
    };
    paths.retain(|path| !name(path).starts_with('.'));
    paths.sort();
    paths
}

fn read(path: &Path) -> Result<String, String> {
    let failed = |error| format!("cannot be read: {error}");
    let about = fs::metadata(path).map_err(failed)?;
    if !about.is_file() || about.len() > LARGEST {
        return Err(format!("must be a file of at most {LARGEST} bytes"));
    }
    fs::read_to_string(path).map_err(failed)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn flaw(path: &Path, why: impl Into<String>) -> Flaw {
    Flaw { file: path.display().to_string(), why: why.into() }
}
