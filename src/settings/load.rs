use std::path::Path;
use std::sync::Arc;

use crate::base::Mistake;

use super::check::Checks;
use super::overlay::{Layers, Node, Override, Place, Refused, toml_text};
use super::{Located, Mode, Origins, Settings, files};

/// The built-in settings, and the reference: every key with its meaning, unit and default.
pub const REFERENCE: &str = include_str!("../../config/default.toml");

const PREFIX: &str = "MULTAUTH__";

/// Settings, and where each of them was written.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Where each was written, so that later checks can say it too.
    pub origins: Origins,
}

/// Lays the operator's `file` and the environment over the built-in settings and checks the result.
///
/// # Errors
/// Every mistake at once, in the order of the file, then of the environment.
pub fn load(
    file: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
) -> Result<Loaded, Vec<Located>> {
    load_and(file, env, |_| Vec::new())
}

/// [`load`] with `further` checks of what the settings alone cannot judge (flows, providers, rates), so that
/// their mistakes are reported together with all others.
///
/// # Errors
/// Every mistake at once, in the order of the file, then of the environment.
pub fn load_and(
    file: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
    further: impl FnOnce(&Settings) -> Vec<Mistake>,
) -> Result<Loaded, Vec<Located>> {
    let mut report = Report::default();
    let operators = report.read_file(file);
    let unreadable = !report.0.is_empty();
    let mut layers = Layers { default: built_in(), file: operators, env: overrides(env) };
    let (settings, tree, refused) = layers.read::<Settings>();
    report.0.extend(refused);
    let mut origins = Origins::of(&tree);
    let Some(mut settings) = settings else { return Err(report.finish()) };
    let guessed = report.has("mode") || (unreadable && origins.is_default("mode"));
    let mode = (!guessed).then_some(settings.mode);
    let mut checks = Checks::default();
    files::read_all(&mut settings, &mut origins, mode == Some(Mode::Production), &mut checks);
    settings.check(mode, &mut checks);
    settings.user.fields.retain(|_, field| !field.off);
    // What the built-in file says of them is the throttle's own, which is wider in development.
    settings.throttle.retain(|action, _| !origins.is_default(&format!("throttle.{action}")));
    checks.found.extend(further(&settings));
    report.add(checks, &origins);
    if report.0.is_empty() { Ok(Loaded { settings, origins }) } else { Err(report.finish()) }
}

/// The environment of this process. Bytes that are no text are replaced, and then refused by the field.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
}

pub(super) fn built_in() -> Node {
    toml_text(REFERENCE, &Place::Default).0
}

fn overrides(env: impl Iterator<Item = (String, String)>) -> Vec<Override> {
    let mut env: Vec<_> = env.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    env.sort();
    env.into_iter().map(|(name, text)| Override::new(&name, &name[PREFIX.len()..], text)).collect()
}

/// Mistakes with their places.
#[derive(Default)]
struct Report(Vec<Refused>);

impl Report {
    /// What can be read of the operator's file; an empty table where that is nothing.
    fn read_file(&mut self, file: Option<&Path>) -> Node {
        let Some(file) = file else { return Node::table(Place::Default(0)) };
        let name: Arc<str> = file.display().to_string().into();
        let place = |line| Place::File(name.clone(), line);
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                self.push(place(0), "", format!("cannot be read: {error}"));
                return Node::table(place(0));
            }
        };
        let (node, complaints) = toml_text(&text, &place);
        for (line, message) in complaints {
            self.push(place(line), "", format!("this is not TOML: {message}"));
        }
        node
    }

    fn push(&mut self, place: Place, path: &str, message: String) {
        self.0.push(Refused { place, path: path.to_owned(), message });
    }

    fn has(&self, path: &str) -> bool {
        self.0.iter().any(|refused| refused.path == path)
    }

    /// Adds what the checks found, except about values that were refused already: the default that stepped in
    /// for one of them is nothing to complain about.
    fn add(&mut self, checks: Checks, origins: &Origins) {
        for mistake in checks.found {
            let (place, path) = origins.find(&mistake.path);
            if !self.has(&path) {
                self.push(place.unwrap_or(Place::Default(0)), &path, mistake.message);
            }
        }
    }

    fn finish(mut self) -> Vec<Located> {
        self.0.sort_by(|a, b| a.place.cmp(&b.place));
        let located = |refused: Refused| Located {
            place: refused.place.to_string(),
            path: refused.path,
            message: refused.message,
        };
        self.0.into_iter().map(located).collect()
    }
}
