//! The JSON Schemas of what follows the settings: request bodies, the profile, the problem.

use serde_json::{Map, Value, json};

use crate::api::body::field::{Field, Form};
use crate::api::problem::CASES;

/// No control characters: [`crate::api::body::strict`] refuses them in every text, but for what was pasted around it.
pub(in crate::api) const PLAIN: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";

/// The JSON Schema of a body that may, or may not, be `empty`.
pub(in crate::api) fn body(fields: &[Field], empty: bool) -> Value {
    let properties: Map<String, Value> = fields.iter().map(|f| (f.name.to_owned(), property(f))).collect();
    let required: Vec<&str> = fields.iter().filter(|f| f.required).map(|f| f.name).collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if required.is_empty() && !empty {
        schema["minProperties"] = json!(1);
    }
    schema["properties"] = properties.into();
    schema
}

fn property(field: &Field) -> Value {
    let mut schema = match field.form {
        Form::Text | Form::Secret => {
            json!({ "type": "string", "minLength": 1, "maxLength": field.longest, "pattern": PLAIN })
        }
        Form::Flag => json!({ "type": "boolean" }),
        Form::Profile => {
            let fields = json!({ "$ref": "#/components/schemas/ProfileRequest" });
            return json!({ "allOf": [fields], "description": field.about });
        }
    };
    schema["description"] = json!(field.about);
    if field.form == Form::Secret {
        schema["format"] = json!("password");
        schema["writeOnly"] = json!(true);
    }
    if !field.choices.is_empty() {
        schema = json!({ "type": "string", "enum": field.choices, "description": field.about });
    }
    if !field.example.is_empty() {
        schema["example"] = json!(field.example);
    }
    schema
}

/// The JSON Schema of a failure.
pub(in crate::api) fn problem() -> Value {
    let codes: Vec<_> = CASES.iter().map(|case| case.code).collect();
    let text = |about: &str| json!({ "type": "string", "description": about });
    let count = |about: &str| json!({ "type": "integer", "format": "int64", "description": about });
    json!({
        "type": "object",
        "description": "A failure (RFC 9457).",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": text("A URN that ends in the code."),
            "title": text("What the code means."),
            "status": { "type": "integer", "format": "int32", "description": "The HTTP status." },
            "code": { "type": "string", "enum": codes, "description": "The stable code." },
            "detail": text("What is wrong in this case."),
            "errors": {
                "type": "array",
                "description": "The fields that are wrong.",
                "items": { "$ref": "#/components/schemas/FieldError" }
            },
            "attempts_left": count("Guesses left for the code."),
            "retry_after": count("Seconds to wait."),
            "state": text("`ask` where a factor rests and an attempt goes on: what may be shown first stands in `ask`."),
            "attempt": text("The attempt that goes on: answer at `POST /v1/attempts/{attempt}`."),
            "purpose": text("What that attempt is for."),
            "expires_in": count("Seconds until that attempt ends."),
            "ask": {
                "type": "array",
                "description": "What that attempt asks: an `unlock_code` or a `recovery_code` may be shown first.",
                "items": { "$ref": "#/components/schemas/Ask" }
            }
        }
    })
}

/// The JSON Schema of one field that is wrong.
pub(in crate::api) fn field_error() -> Value {
    let text = |about: &str| json!({ "type": "string", "description": about });
    json!({
        "type": "object",
        "description": "A field that is wrong.",
        "required": ["field", "code", "message"],
        "properties": {
            "field": text("Its name; empty where it is the body as a whole."),
            "code": text("What is wrong with it, for programs."),
            "message": text("What is wrong with it, for people: to be read behind its name.")
        }
    })
}
