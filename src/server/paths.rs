//! Every path that is served, with what varies named: a bounded list for logs and metrics (R152), and the
//! methods for `Allow` (RFC 9110 section 15.5.6).

/// A served path.
#[derive(Debug)]
pub(super) struct Served {
    /// The path, what varies in braces.
    pub(super) pattern: &'static str,
    /// The methods it answers, as `Allow` says them.
    pub(super) methods: &'static str,
}

const fn at(pattern: &'static str, methods: &'static str) -> Served {
    Served { pattern, methods }
}

const GET: &str = "GET, HEAD";

/// Where vendors report.
pub(super) const RECEIPTS: &str = "/v1/receipts/{provider}";

/// To add a path: a line here. A test compares the list with the API document.
const SERVED: &[Served] = &[
    at("/v1/flows", GET),
    at("/v1/signin", "POST"),
    at("/v1/signup", "POST"),
    at("/v1/recovery", "POST"),
    at("/v1/reauth", "POST"),
    at("/v1/attempts/{attempt}", "POST, DELETE"),
    at("/v1/attempts/{attempt}/send", "POST"),
    at("/v1/confirm", "POST"),
    at("/v1/token", "POST"),
    at("/v1/signout", "POST"),
    at("/v1/introspect", "POST"),
    at("/v1/me", "GET, HEAD, PATCH, DELETE"),
    at("/v1/me/password", "PUT"),
    at("/v1/me/secrets/{secret}", "PUT"),
    at("/v1/me/recovery-codes", "POST"),
    at("/v1/me/devices", "GET, HEAD, POST"),
    at("/v1/me/devices/{id}", "PATCH, DELETE"),
    at("/v1/me/devices/{id}/send", "POST"),
    at("/v1/me/devices/{id}/confirm", "POST"),
    at("/v1/me/sessions", "GET, HEAD, DELETE"),
    at("/v1/me/sessions/{id}", "DELETE"),
    at("/v1/verifications", "POST"),
    at("/v1/verifications/{verification}", "DELETE"),
    at("/v1/verifications/{verification}/check", "POST"),
    at("/.well-known/jwks.json", GET),
    at("/.well-known/openid-configuration", GET),
    at("/.well-known/security.txt", GET),
    at(RECEIPTS, "GET, HEAD, POST"),
    at("/confirm/{key}", "GET, HEAD, POST"),
    at("/recover/{attempt}", "GET, HEAD, POST"),
    at("/healthz", GET),
    at("/readyz", GET),
    at("/metrics", GET),
    at("/docs", GET),
    at("/openapi.json", GET),
    at("/dev/inbox", GET),
    at("/", GET),
];

/// The served path that a request's path is one of.
pub(super) fn find(path: &str) -> Option<&'static Served> {
    SERVED.iter().find(|served| fits(served.pattern, path))
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(p), Some(s)) if p == s || p.starts_with('{') => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::api;
    use crate::settings::Settings;

    /// What is served and is no operation of the API, or only of one with secrets of its own.
    const NO_OPERATIONS: [&str; 12] = [
        "/v1/me/secrets/{secret}",
        "/v1/receipts/{provider}",
        "/.well-known/security.txt",
        "/confirm/{key}",
        "/recover/{attempt}",
        "/healthz",
        "/readyz",
        "/metrics",
        "/docs",
        "/openapi.json",
        "/dev/inbox",
        "/",
    ];

    #[test]
    fn the_list_is_the_document_and_what_is_no_operation() {
        let document = api::document(&Settings::built_in(), &crate::extensions::Extensions::default());
        let paths = document["paths"].as_object().unwrap();
        for (path, item) in paths {
            let served = SERVED.iter().find(|served| served.pattern == path);
            let served = served.unwrap_or_else(|| panic!("{path} is not in the list"));
            let documented: BTreeSet<String> =
                item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
            let listed = served.methods.split(", ").filter(|method| *method != "HEAD");
            assert_eq!(listed.map(str::to_owned).collect::<BTreeSet<_>>(), documented, "{path}");
        }
        for served in SERVED {
            let known = paths.contains_key(served.pattern) || NO_OPERATIONS.contains(&served.pattern);
            assert!(known, "{} is neither in the document nor known to be no operation", served.pattern);
            assert_eq!(served.methods.contains("GET"), served.methods.contains("HEAD"), "{served:?}");
        }
    }

    #[test]
    fn handles_and_keys_are_no_part_of_a_pattern() {
        let pattern = |path: &str| find(path).map(|served| served.pattern);
        assert_eq!(pattern("/v1/attempts/at_secret/send"), Some("/v1/attempts/{attempt}/send"));
        assert_eq!(pattern("/confirm/secret"), Some("/confirm/{key}"));
        assert_eq!(pattern("/recover/at_secret"), Some("/recover/{attempt}"));
        assert_eq!(pattern("/v1/attempts/a/b/c"), None);
        assert_eq!(pattern("/v1/me/"), None);
    }
}
