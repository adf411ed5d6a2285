//! What is wrong with templates, said so that whoever wrote them can mend it.

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {why}")]
pub struct Flaw {
    /// The file as a person finds it, with the line where there is one: `templates/de/signin_code.txt:8`.
    pub file: String,
    /// What is wrong with it.
    pub why: String,
}

/// The messages cannot be used. All that is wrong is here at once.
#[derive(Clone, Debug, Default, thiserror::Error)]
#[error("{}", self.lines())]
pub struct CatalogueError {
    /// What is wrong with the language that steps in where no other fits.
    pub language: Option<String>,
    /// What is wrong with templates.
    pub flaws: Vec<Flaw>,
}

impl CatalogueError {
    fn lines(&self) -> String {
        let flaws = self.flaws.iter().map(|flaw| format!("the message template {flaw}"));
        self.language.iter().cloned().chain(flaws).collect::<Vec<_>>().join("\n")
    }
}
