//! A file taken apart: a line `[name]` starts a section, and what follows until the next is its text.

/// The sections of a kind's file, in the order they are rendered.
pub(super) const SECTIONS: [&str; 4] = ["subject", "lead", "objection", "short"];

/// One section of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Section<'a> {
    /// The line that its text begins on; the first line of the file is 1.
    pub line: usize,
    /// Its text, trimmed.
    pub text: &'a str,
}

/// The sections `names` of `source`, in the order of `names`: all of them, and no others.
pub(super) fn split<'a>(source: &'a str, names: &[&str]) -> Result<Vec<Section<'a>>, String> {
    let mut found: Vec<Option<Section<'a>>> = vec![None; names.len()];
    let mut open = None;
    let mut at = 0;
    for (n, line) in source.split_inclusive('\n').enumerate() {
        let begins = at;
        at += line.len();
        let line = line.trim_end_matches(['\n', '\r']);
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let index = names.iter().position(|section| *section == name);
            let index = index
                .ok_or_else(|| format!("no section is called [{name}]; there are: {}", names.join(", ")))?;
            if found[index].replace(Section { line: n + 2, text: "" }).is_some() {
                return Err(format!("[{name}] stands there twice"));
            }
            open = Some((index, at));
        } else if let Some((index, start)) = open {
            found[index] = found[index].map(|section| Section { text: &source[start..at], ..section });
        } else if !source[begins..at].trim().is_empty() {
            return Err("text before the first section".into());
        }
    }
    let whole = |(section, name): (Option<Section<'a>>, &&str)| {
        let section = section.map(trimmed).filter(|section| !section.text.is_empty());
        section.ok_or_else(|| format!("[{name}] is missing or empty"))
    };
    found.into_iter().zip(names).map(whole).collect()
}

fn trimmed(section: Section<'_>) -> Section<'_> {
    let text = section.text.trim_start();
    let skipped = &section.text[..section.text.len() - text.len()];
    Section { line: section.line + skipped.matches('\n').count(), text: text.trim_end() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_or_refused() {
        let whole = "[short]\ns\n[subject]\r\nS\r\n\n[lead]\n\nl1\nl2\n[objection]\no";
        let sections = split(whole, &SECTIONS).unwrap();
        let texts: Vec<(usize, &str)> = sections.iter().map(|s| (s.line, s.text)).collect();
        assert_eq!(texts, [(4, "S"), (8, "l1\nl2"), (11, "o"), (2, "s")]);
        for broken in ["[subject]\nx", "stray\n[subject]\nx", &format!("{whole}\n[lead]\ntwice"), "[sms]\nx"]
        {
            assert!(split(broken, &SECTIONS).is_err(), "{broken:?}");
        }
    }
}
