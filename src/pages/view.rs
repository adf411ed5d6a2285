//! One plain page: a title and a body, with a policy that allows its style and its form and nothing else.

use std::sync::LazyLock;

use minijinja::{Environment, Value, context};
use poem::Response;
use poem::http::StatusCode;

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    for (name, source) in [
        ("layout.html", include_str!("templates/layout.html")),
        ("confirm.html", include_str!("templates/confirm.html")),
        ("recover.html", include_str!("templates/recover.html")),
        ("inbox.html", include_str!("templates/inbox.html")),
    ] {
        if let Err(error) = templates.add_template(name, source) {
            tracing::error!(%error, name, "a page's template is broken");
        }
    }
    templates
});

/// Renders a page.
pub fn page(status: StatusCode, template: &str, values: Value) -> Response {
    let rendered = TEMPLATES.get_template(template).and_then(|t| t.render(context! { ..values }));
    let body = rendered.unwrap_or_else(|error| {
        tracing::error!(often = true, %error, template, "a page cannot be rendered");
        String::new()
    });
    Response::builder()
        .status(status)
        .content_type("text/html; charset=utf-8")
        .header("content-security-policy", POLICY)
        .body(body)
}
