//! What the repository says of itself is true: settings it shows are accepted, what it links to is there, commands it
//! names exist, and no text speaks of how it was made.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use multauth::providers::{Configured, PROVIDERS, ProviderKind, Site};
use multauth::settings::Mode;
use multauth::startup;

/// The texts at the top of the repository.
const TEXTS: [&str; 3] = ["README.md", "CHANGELOG.md", "SECURITY.md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The fenced blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("\n```{language}\n");
    let after = text.split(&fence).skip(1);
    after.map(|rest| rest.split("\n```").next().unwrap_or_default().to_owned()).collect()
}

/// A folder with the files of secrets that the example and the README name.
fn secrets() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("database.url", "postgres://multauth:secret@db.example.org/multauth"),
        ("redis.url", "rediss://:secret@redis.example.org:6379"),
        ("smtp.password", "secret"),
        ("sms.token", "secret"),
        ("twilio.token", "secret"),
        ("crm.secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ];
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    folder
}

/// Reads `text` as a settings file, with `/etc/multauth` being a folder of ours.
fn accept(text: &str) -> multauth::settings::Settings {
    let folder = secrets();
    let file = folder.path().join("multauth.toml");
    fs::write(&file, text.replace("/etc/multauth", folder.path().to_str().unwrap())).unwrap();
    let loaded =
        startup::settings(Some(&file), std::iter::empty(), &multauth::extensions::Extensions::default());
    loaded
        .unwrap_or_else(|mistakes| {
            panic!("{}\n{text}", mistakes.iter().map(|m| format!("{m}\n")).collect::<String>())
        })
        .settings
}

#[test]
fn the_settings_of_the_readme_are_accepted() {
    let found = blocks(&read("README.md"), "toml");
    assert!(found.len() >= 6, "{} blocks of settings", found.len());
    found.iter().for_each(|block| drop(accept(block)));
}

#[test]
fn the_example_for_production_is_accepted_but_for_its_secrets() {
    let settings = accept(&read("examples/multauth.toml"));
    assert_eq!(settings.mode, Mode::Production);
    assert!(settings.database.url.expose().starts_with("postgres://"));
}

/// The keys of a kind beside those of all: it names them where it meets one that it does not know.
fn keys(kind: &ProviderKind) -> Vec<String> {
    let example: toml::Table = toml::from_str(&format!("it = {}", kind.example)).unwrap();
    let mut table = example["it"].as_table().unwrap().clone();
    table.insert("what_no_kind_has".into(), true.into());
    let public_url = "https://id.example.org".parse().unwrap();
    let site = Site { public_url, from: "no-reply@example.org".into(), production: false };
    let found = Configured::read(&table, "it", kind.channels, &site, &[]).err().unwrap();
    let (_, expected) = found[0].message.split_once("`, ").unwrap();
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_readme_shows_every_provider_with_its_keys() {
    let readme = read("README.md");
    let row = |kind: &ProviderKind| {
        let channels: Vec<_> = kind.channels.iter().map(|channel| channel.name()).collect();
        let keys: Vec<_> = keys(kind).iter().map(|key| format!("`{key}`")).collect();
        format!("| `{}` | {} | {} |", kind.name, channels.join(", "), keys.join(", ")).replace("|  |", "| |")
    };
    let rows: Vec<_> = PROVIDERS.iter().map(row).collect();
    let examples: Vec<_> = PROVIDERS.iter().map(|kind| kind.example).collect();
    for (what, expected) in [("rows", rows.join("\n")), ("examples", examples.join("\n"))] {
        assert!(
            readme.contains(&format!("\n{expected}\n")),
            "the README has other {what}; they are\n{expected}"
        );
    }
}

/// The targets of the links in `text`.
fn links(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}

/// What a heading can be linked to by.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || *c == ' ' || *c == '-')
        .collect::<String>()
        .replace(' ', "-")
}

#[test]
fn links_lead_somewhere() {
    for name in TEXTS {
        let text = read(name);
        let headings: Vec<String> = text
            .lines()
            .filter_map(|line| Some(anchor(line.strip_prefix("##")?.trim_start_matches('#'))))
            .collect();
        for link in links(&text) {
            match link.strip_prefix('#') {
                Some(heading) => assert!(headings.iter().any(|h| h == heading), "{name}: {link}"),
                None if link.starts_with("https://") => {}
                None => assert!(root().join(link).exists(), "{name}: {link}"),
            }
        }
    }
}

/// Whether the program has the command, or the command of a command.
fn is_command(words: &[&str]) -> bool {
    let run = Command::new(env!("CARGO_BIN_EXE_multauth")).args(words).arg("--help").output().unwrap();
    run.status.success()
}

/// The first words of a call of the program, as far as they can be commands.
fn call(code: &str, most: usize) -> Option<Vec<&str>> {
    let behind =
        ["multauth ", "cargo run -q -- "].into_iter().find_map(|start| Some(code.split_once(start)?.1))?;
    let is_word = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase());
    Some(behind.split_whitespace().take(most).take_while(is_word).collect())
}

#[test]
fn commands_that_are_named_exist() {
    let mut found = 0;
    for name in TEXTS {
        let text = read(name);
        // In a block a description may follow the command; between backticks stands the whole call.
        let blocks = ["text", "sh"].into_iter().flat_map(|language| blocks(&text, language));
        let lines: Vec<String> =
            blocks.flat_map(|b| b.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
        let shown =
            lines.iter().filter(|line| line.starts_with("multauth ") || line.contains("cargo run -q -- "));
        let spans = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
        let spans = spans.filter(|span| span.starts_with("multauth "));
        for words in shown.filter_map(|line| call(line, 1)).chain(spans.filter_map(|span| call(span, 2))) {
            assert!(words.is_empty() || is_command(&words), "{name}: multauth {words:?}");
            found += 1;
        }
    }
    assert!(found >= 20, "only {found} calls were found");
    assert!(!is_command(&["fly"]));
}

#[test]
fn the_readme_names_every_command() {
    let help = Command::new(env!("CARGO_BIN_EXE_multauth")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let listed = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 8, "{names:?}");
    let readme = read("README.md");
    for name in names.into_iter().filter(|name| *name != "help") {
        assert!(readme.contains(&format!("multauth {name}")), "the README does not name `multauth {name}`");
    }
}

/// Every text file of the repository, without what is built or kept in it.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    const NOT_OURS: [&str; 5] = [".git", "target", "data", "Cargo.lock", "proptest-regressions"];
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if NOT_OURS.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

#[test]
fn no_text_speaks_of_how_it_was_made() {
    // In pieces, so that this file does not have them.
    let never: Vec<String> = [
        ["clau", "de"],
        ["anthro", "pic"],
        ["co", "dex"],
        ["co", "pilot"],
        ["chat", "gpt"],
        ["sub", "agent"],
        ["work", "tree"],
        ["/wo", "rk/"],
        ["/sha", "red/"],
        ["wt-", "notes"],
        ["github.com/andre", "nerd/multauth"],
    ]
    .map(|pieces| pieces.concat())
    .into();
    let tracked = ["iss", "ue"].concat();
    let mut all = Vec::new();
    files(root(), &mut all);
    assert!(all.len() > 200, "{} files", all.len());
    for path in all.into_iter().filter(|path| !path.ends_with("LICENSE")) {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let text = text.to_lowercase();
        let found = never.iter().find(|word| text.contains(word.as_str()));
        assert!(found.is_none(), "{}: {found:?}", path.display());
        let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        let one = words.find(|word| word.trim_end_matches('s') == tracked);
        assert!(one.is_none(), "{}: {one:?}", path.display());
    }
}
