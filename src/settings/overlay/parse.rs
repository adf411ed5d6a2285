use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Node, Place, Value};

/// Reads a TOML document; what can be read is read, and every other line is named with its complaint.
pub(in crate::settings) fn toml_text(
    text: &str,
    place: &dyn Fn(usize) -> Place,
) -> (Node, Vec<(usize, String)>) {
    let (text, complaints) = without_loose_words(text);
    let (table, errors) = DeTable::parse_recoverable(&text);
    let mut reader = Reader { text: &text, place, broken: BTreeSet::new(), complaints };
    for error in errors {
        let line = line_of(&text, &error);
        if reader.broken.insert(line) {
            let message = error.message().replace('\n', ", ");
            let quotes = if lacks_quotes(&text, line) && !message.contains("quote") {
                "; text must stand in quotes"
            } else {
                ""
            };
            reader.complaints.push((line, format!("{message}{quotes}")));
        }
    }
    let value = reader.table(table.into_inner());
    (Node { place: place(0), value }, reader.complaints)
}

struct Reader<'a> {
    text: &'a str,
    place: &'a dyn Fn(usize) -> Place,
    /// Lines with a complaint: what was guessed from them is not to be judged a second time.
    broken: BTreeSet<usize>,
    complaints: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn line(&self, offset: usize) -> usize {
        line_at(self.text, offset)
    }

    fn table(&mut self, table: DeTable<'_>) -> Value {
        let mut out = BTreeMap::new();
        for (key, value) in table {
            let line = self.line(key.span().start);
            let leaf = !matches!(value.get_ref(), DeValue::Table(_));
            if !(leaf && self.broken.contains(&line)) {
                let node = self.node(line, value.into_inner());
                out.insert(key.into_inner().into_owned(), node);
            }
        }
        Value::Table(out)
    }

    fn node(&mut self, line: usize, value: DeValue<'_>) -> Node {
        let value = match value {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => self.refuse(line, "this number is too large"),
            },
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(number) => Value::Float(number),
                Err(_) => self.refuse(line, "this number cannot be read"),
            },
            DeValue::Boolean(flag) => Value::Bool(flag),
            DeValue::Datetime(moment) => Value::Text(moment.to_string()),
            DeValue::Array(list) => Value::List(list.into_iter().map(|item| self.item(item)).collect()),
            DeValue::Table(table) => self.table(table),
        };
        Node { place: (self.place)(line), value }
    }

    fn item(&mut self, item: Spanned<DeValue<'_>>) -> Node {
        let line = self.line(item.span().start);
        if self.broken.contains(&line) {
            return Node { place: (self.place)(line), value: Value::Gone };
        }
        self.node(line, item.into_inner())
    }

    fn refuse(&mut self, line: usize, why: &str) -> Value {
        self.complaints.push((line, why.to_owned()));
        Value::Gone
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

fn line_of(text: &str, error: &toml::de::Error) -> usize {
    line_at(text, error.span().map_or(0, |span| span.start))
}

/// Blanks the lines that have a key and no value: the parser's recovery from one of them skips the next line,
/// whatever stands in it.
fn without_loose_words(text: &str) -> (String, Vec<(usize, String)>) {
    let mut lines: Vec<&str> = text.split('\n').collect();
    let mut complaints = Vec::new();
    loop {
        let text = lines.join("\n");
        let errors = DeTable::parse_recoverable(&text).1;
        let loose = errors.iter().find(|error| error.message().starts_with("key with no value"));
        let Some(error) = loose else { return (text, complaints) };
        let line = line_of(&text, error);
        match lines.get_mut(line - 1).filter(|line| !line.is_empty()) {
            Some(found) => *found = "",
            None => return (text, complaints),
        }
        complaints.push((line, error.message().replace('\n', ", ")));
    }
}

/// Whether the value of this line looks like text that somebody forgot to put into quotes.
fn lacks_quotes(text: &str, line: usize) -> bool {
    let value = text.lines().nth(line.saturating_sub(1)).and_then(|line| line.split_once('='));
    value.is_some_and(|(_, value)| {
        value.trim_start().starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
    })
}

/// The list that an environment variable says: TOML or JSON in brackets, otherwise parts between commas.
pub(super) fn env_list(text: &str, place: &Place) -> Result<Vec<Node>, String> {
    let text = text.trim();
    if !text.starts_with('[') {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        return Ok(parts.map(|part| Node { place: place.clone(), value: Value::Env(part.into()) }).collect());
    }
    match structured(text, place) {
        Some(Value::List(list)) => Ok(list),
        _ => Err("must be a list in TOML or JSON, such as [\"a\", \"b\"], or parts between commas".into()),
    }
}

/// The table that an environment variable says, in braces, in TOML or JSON.
pub(super) fn env_table(text: &str, place: &Place) -> Result<BTreeMap<String, Node>, String> {
    match structured(text.trim(), place) {
        Some(Value::Table(table)) => Ok(table),
        _ => Err("must be a table in TOML or JSON, such as { name = \"value\" }".into()),
    }
}

fn structured(text: &str, place: &Place) -> Option<Value> {
    let (document, errors) = toml_text(&format!("value = {text}"), &|_| place.clone());
    if errors.is_empty() {
        return document.child("value").map(|node| node.value.clone());
    }
    serde_json::from_str(text).ok().map(|value| json(value, place).value)
}

fn json(value: serde_json::Value, place: &Place) -> Node {
    use serde_json::Value as Json;
    let value = match value {
        Json::Null => Value::Gone,
        Json::Bool(flag) => Value::Bool(flag),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Value::Integer(number),
            (None, Some(number)) => Value::Float(number),
            (None, None) => Value::Text(number.to_string()),
        },
        Json::String(text) => Value::Text(text),
        Json::Array(list) => Value::List(list.into_iter().map(|item| json(item, place)).collect()),
        Json::Object(map) => {
            Value::Table(map.into_iter().map(|(key, item)| (key, json(item, place))).collect())
        }
    };
    Node { place: place.clone(), value }
}

impl Node {
    /// Text of the environment that says a list or a table becomes one, when `key` is looked for in it.
    pub(super) fn unfold(&mut self, key: &str) {
        let Value::Env(text) = &self.value else { return };
        let unfolded = if key.parse::<usize>().is_ok() {
            env_list(text, &self.place).map(Value::List)
        } else {
            env_table(text, &self.place).map(Value::Table)
        };
        if let Ok(value) = unfolded {
            self.value = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(line: usize) -> Place {
        Place::File("a.toml".into(), line)
    }

    #[test]
    fn every_value_knows_its_line() {
        let (node, errors) = toml_text("a = 1\n[b]\nc = [\n  2,\n  3,\n]\n", &file);
        assert!(errors.is_empty());
        let path = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(node.place_of(&path("a")), &file(1));
        assert_eq!(node.place_of(&path("b.c")), &file(3));
        assert_eq!(node.place_of(&path("b.c.1")), &file(5));
        assert_eq!(node.place_of(&path("b.c.7")), &file(3));
    }

    #[test]
    fn several_broken_lines_are_all_named_and_the_rest_is_read() {
        let (node, errors) = toml_text("a = nonsense\nb = 2\nd = 99999999999999999999\nc 3\ne = 5\n", &file);
        assert!(errors.iter().any(|(line, why)| *line == 1 && why.contains("quote")), "{errors:?}");
        let lines: BTreeSet<_> = errors.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, BTreeSet::from([1, 3, 4]), "{errors:?}");
        assert!(node.child("a").is_none());
        assert_eq!(node.child("b").unwrap().value, Value::Integer(2));
        assert_eq!(node.child("e").unwrap().value, Value::Integer(5));
    }

    #[test]
    fn the_environment_says_lists_three_ways() {
        let place = Place::Env("X".into());
        let texts = |text: &str| {
            let list = env_list(text, &place).unwrap();
            list.into_iter()
                .map(|node| match node.value {
                    Value::Text(text) | Value::Env(text) => text,
                    other => format!("{other:?}"),
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(texts("a, b"), ["a", "b"]);
        assert_eq!(texts("['a', \"b\"]"), ["a", "b"]);
        assert!(texts(" ").is_empty());
        let nested = env_list(r#"[{"use": ["a", "b"]}]"#, &place).unwrap();
        assert!(nested[0].child("use").is_some());
        assert!(env_list("[a", &place).is_err());
    }
}
