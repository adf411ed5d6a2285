//! A kind's file taken apart: a line `[name]` starts a section, and what follows until the next is its text.

/// The sections that every kind has, in the order they are rendered.
pub(super) const SECTIONS: [&str; 4] = ["subject", "lead", "objection", "short"];

/// The texts of [`SECTIONS`], in that order, trimmed.
pub(super) fn split(source: &str) -> Result<[String; 4], String> {
    let mut texts: [Option<String>; 4] = Default::default();
    let mut open = None;
    for line in source.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let index = SECTIONS.iter().position(|section| *section == name);
            let index =
                index.ok_or_else(|| format!("no section is called [{name}]; there are {SECTIONS:?}"))?;
            if texts[index].replace(String::new()).is_some() {
                return Err(format!("[{name}] stands there twice"));
            }
            open = Some(index);
        } else if let Some(text) = open.and_then(|index| texts[index].as_mut()) {
            text.push_str(line);
            text.push('\n');
        } else if !line.trim().is_empty() {
            return Err("text before the first section".into());
        }
    }
    finish(texts)
}

fn finish(texts: [Option<String>; 4]) -> Result<[String; 4], String> {
    let mut out: [String; 4] = Default::default();
    for ((text, out), name) in texts.into_iter().zip(&mut out).zip(SECTIONS) {
        let text = text.unwrap_or_default();
        text.trim().clone_into(out);
        if out.is_empty() {
            return Err(format!("[{name}] is missing or empty"));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_or_refused() {
        let whole = "[short]\ns\n[subject]\nS\n\n[lead]\nl1\nl2\n[objection]\no\n";
        assert_eq!(split(whole).unwrap(), ["S", "l1\nl2", "o", "s"]);
        for broken in ["[subject]\nx", "stray\n[subject]\nx", &format!("{whole}[lead]\ntwice"), "[sms]\nx"] {
            assert!(split(broken).is_err(), "{broken:?}");
        }
    }
}
