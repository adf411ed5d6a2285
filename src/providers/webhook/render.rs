//! What a request says: templates that print a message.
//!
//! In a JSON body every value is printed as JSON, its quotes included: `{"to": {{ to }}}`. So whatever a message says,
//! it stays one value. The fields of a form or query are printed plainly and encoded after that; plain text is as it
//! is. What a message does not have, such as the subject of an SMS or the code of a notice, is `null` or nothing.

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior, Value, context};
use serde::Serialize;
use url::form_urlencoded;

use crate::messages::{Channel, Kind, Message, Rendered};

/// What a template can print.
pub(super) const VARIABLES: [&str; 9] =
    ["id", "to", "digits", "channel", "kind", "subject", "text", "html", "code"];

/// A template cannot be used, or not for a message; without a word of that message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("is no template: {0}")]
    Syntax(String),
    #[error("prints {0:?}, which is not one of {list}", list = VARIABLES.join(", "))]
    Unknown(String),
    #[error("cannot be printed: {0}")]
    Printing(String),
    #[error(
        "does not make JSON; a value brings its own quotes, as in {{\"to\": {{{{ to }}}}, \"text\": {{{{ text }}}}}}"
    )]
    NotJson,
}

/// The message, as templates see it.
pub(super) struct Values(Value);

impl Values {
    pub(super) fn of(message: &Message) -> Self {
        let Message { id, to, channel, kind, subject, .. } = message;
        let digits = to.strip_prefix('+').unwrap_or(to);
        let (channel, kind) = (channel.name(), kind.name());
        let (text, html) = (message.text.expose(), message.html.as_ref().map(|html| html.expose()));
        let code = message.code.as_ref().map(|code| code.expose());
        Self(context! { id, to, digits, channel, kind, subject, text, html, code })
    }

    /// A message to try templates on.
    fn sample(channel: Channel) -> Self {
        let mail = channel == Channel::Email;
        let rendered = Rendered {
            subject: mail.then(|| "Your \"code\"".into()),
            text: "Your code is \"305118\" & \\ {}\n".into(),
            html: mail.then(|| "<p>Your \"code\"</p>".into()),
        };
        let to = if mail { "a@example.org" } else { "+48123456767" };
        let message = Message::new("6d3c-1", 0, channel, to, Kind::SigninCode, rendered);
        Self::of(&message.with_code(Some("305118".into())))
    }
}

/// How a template prints its values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Json,
    Plain,
}

/// One template.
struct Template {
    manner: Manner,
    environment: Environment<'static>,
}

const NAME: &str = "it";

impl Template {
    /// Compiles `source` and tries it on a message of each channel.
    fn new(source: &str, manner: Manner, channels: &[Channel]) -> Result<Self, Unfit> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_formatter(move |out, _, value| {
            let text = match manner {
                Manner::Json => serde_json::to_string(value).map_err(|_| std::fmt::Error)?,
                Manner::Plain if value.is_none() => String::new(),
                Manner::Plain => value.to_string(),
            };
            Ok(out.write_str(&text)?)
        });
        environment
            .add_template_owned(NAME, source.to_owned())
            .map_err(|error| Unfit::Syntax(explain(&error)))?;
        let template = Self { manner, environment };
        template.find_unknown()?;
        for channel in channels {
            template.render(&Values::sample(*channel))?;
        }
        Ok(template)
    }

    /// In every branch, also those that no sample takes.
    fn find_unknown(&self) -> Result<(), Unfit> {
        let template = self.environment.get_template(NAME).map_err(|error| Unfit::Syntax(explain(&error)))?;
        let mut unknown: Vec<_> = template.undeclared_variables(false).into_iter().collect();
        unknown.retain(|name| !VARIABLES.contains(&name.as_str()) && !is_built_in(&self.environment, name));
        unknown.sort();
        unknown.into_iter().next().map_or(Ok(()), |name| Err(Unfit::Unknown(name)))
    }

    fn render(&self, values: &Values) -> Result<String, Unfit> {
        let template = self.environment.get_template(NAME).map_err(|error| Unfit::Syntax(explain(&error)))?;
        let text = template.render(&values.0).map_err(|error| Unfit::Printing(explain(&error)))?;
        if self.manner == Manner::Json && serde_json::from_str::<serde::de::IgnoredAny>(&text).is_err() {
            return Err(Unfit::NotJson);
        }
        Ok(text)
    }
}

/// Functions such as `range` count as undeclared.
fn is_built_in(environment: &Environment<'_>, name: &str) -> bool {
    environment.globals().any(|(global, _)| global == name)
}

/// What is wrong and where, without the detail: that may repeat a value.
fn explain(error: &minijinja::Error) -> String {
    match error.line() {
        Some(line) => format!("{}, line {line}", error.kind()),
        None => error.kind().to_string(),
    }
}

/// The fields of a form or a query.
#[derive(Default)]
pub(super) struct Fields(Vec<(String, Template)>);

impl Fields {
    /// Every field with its template; the error names the field.
    pub(super) fn new(
        sources: &BTreeMap<String, String>,
        channels: &[Channel],
    ) -> Result<Self, Vec<(String, Unfit)>> {
        let mut fields = Vec::new();
        let mut wrong = Vec::new();
        for (name, source) in sources {
            match Template::new(source, Manner::Plain, channels) {
                Ok(template) => fields.push((name.clone(), template)),
                Err(unfit) => wrong.push((name.clone(), unfit)),
            }
        }
        if wrong.is_empty() { Ok(Self(fields)) } else { Err(wrong) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn render(&self, values: &Values) -> Result<Vec<(&str, String)>, Unfit> {
        self.0.iter().map(|(name, template)| Ok((name.as_str(), template.render(values)?))).collect()
    }
}

/// The body of a request.
pub(super) enum Body {
    /// There is none.
    None,
    /// All variables as one JSON object.
    Everything,
    Json(JsonTemplate),
    Form(Fields),
    Text(TextTemplate),
}

pub(super) struct JsonTemplate(Template);
pub(super) struct TextTemplate(Template);

impl JsonTemplate {
    pub(super) fn new(source: &str, channels: &[Channel]) -> Result<Self, Unfit> {
        Template::new(source, Manner::Json, channels).map(Self)
    }
}

impl TextTemplate {
    pub(super) fn new(source: &str, channels: &[Channel]) -> Result<Self, Unfit> {
        Template::new(source, Manner::Plain, channels).map(Self)
    }
}

impl Body {
    /// The kind of content and the body itself.
    pub(super) fn render(&self, values: &Values) -> Result<Option<(&'static str, String)>, Unfit> {
        const JSON: &str = "application/json";
        Ok(match self {
            Self::None => None,
            Self::Everything => Some((JSON, json(&values.0)?)),
            Self::Json(JsonTemplate(template)) => Some((JSON, template.render(values)?)),
            Self::Form(fields) => Some(("application/x-www-form-urlencoded", encoded(fields, values)?)),
            Self::Text(TextTemplate(template)) => {
                Some(("text/plain; charset=utf-8", template.render(values)?))
            }
        })
    }
}

fn json(value: &impl Serialize) -> Result<String, Unfit> {
    serde_json::to_string(value).map_err(|_| Unfit::NotJson)
}

fn encoded(fields: &Fields, values: &Values) -> Result<String, Unfit> {
    Ok(form_urlencoded::Serializer::new(String::new()).extend_pairs(fields.render(values)?).finish())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(text: &str, to: &str) -> Message {
        let rendered = Rendered { subject: None, text: text.into(), html: None };
        Message::new("6d3c-1", 0, Channel::Sms, to, Kind::SigninCode, rendered)
    }

    fn unfit(source: &str, manner: Manner) -> String {
        Template::new(source, manner, Channel::ALL).err().map_or_else(String::new, |unfit| unfit.to_string())
    }

    proptest! {
        #[test]
        fn no_message_changes_the_shape_of_a_request(text in any::<String>(), to in any::<String>()) {
            let values = Values::of(&message(&text, &to));
            let source = r#"{"to": {{ to }}, "deep": [{"text": {{ text | safe }}}], "both": {{ to ~ text }}}"#;
            let body = Body::Json(JsonTemplate::new(source, Channel::ALL).unwrap());
            let (_, body) = body.render(&values).unwrap().unwrap();
            let expected = serde_json::json!({
                "to": to, "deep": [{"text": text}], "both": format!("{to}{text}")
            });
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&body).unwrap(), expected);

            let fields = [("a", "{{ to }}"), ("b", "x{{ text }}y")].map(|(k, v)| (k.into(), v.into()));
            let body = Body::Form(Fields::new(&fields.into(), Channel::ALL).unwrap());
            let (_, body) = body.render(&values).unwrap().unwrap();
            let found: Vec<_> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
            prop_assert_eq!(found, [("a".to_owned(), to), ("b".to_owned(), format!("x{text}y"))]);
        }
    }

    #[test]
    fn a_template_that_cannot_work_is_refused_at_once() {
        assert!(unfit("{{ to", Manner::Plain).contains("is no template"));
        assert!(unfit("{{ coed }}", Manner::Plain).contains("prints \"coed\", which is not one of id, to"));
        assert!(unfit("{% if channel == 'fax' %}{{ fax }}{% endif %}", Manner::Plain).contains("\"fax\""));
        assert!(unfit("{{ text.words }}", Manner::Plain).contains("cannot be printed"));
        assert!(unfit("{\"to\": \"{{ to }}\"}", Manner::Json).contains("does not make JSON"));
        assert!(unfit("{\"s\": {{ subject }}, }", Manner::Json).contains("does not make JSON"));
        assert!(unfit("{{ 1 // 0 }}", Manner::Plain).contains("cannot be printed"));
        assert_eq!(unfit("{% for n in range(2) %}{{ n }}{% endfor %}{{ to | upper }}", Manner::Plain), "");
    }

    #[test]
    fn a_template_is_tried_on_what_it_is_for() {
        let number =
            |channels: &[Channel]| Template::new("[{{ digits | int }}]", Manner::Json, channels).err();
        assert_eq!(number(Channel::PHONE), None);
        assert!(matches!(number(&[Channel::Email]), Some(Unfit::Printing(_))));
    }

    #[test]
    fn what_is_absent_is_null_or_nothing() {
        let values = Values::of(&message("305118", "+48123456767"));
        let json = Template::new("[{{ subject }}, {{ digits }}]", Manner::Json, &[]).unwrap();
        assert_eq!(json.render(&values).unwrap(), "[null, \"48123456767\"]");
        let plain = Template::new("<{{ subject }}> {{ text }}", Manner::Plain, &[]).unwrap();
        assert_eq!(plain.render(&values).unwrap(), "<> 305118");
    }

    #[test]
    fn all_variables_are_there() {
        for name in VARIABLES {
            assert_eq!(unfit(&format!("{{{{ {name} }}}}"), Manner::Json), "", "{name}");
        }
        let (_, body) = Body::Everything.render(&Values::of(&message("x", "+1"))).unwrap().unwrap();
        let body: BTreeMap<String, serde_json::Value> = serde_json::from_str(&body).unwrap();
        assert_eq!(body.len(), VARIABLES.len());
        assert!(VARIABLES.iter().all(|name| body.contains_key(*name)), "{body:?}");
    }
}
