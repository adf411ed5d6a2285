//! What an answer of Amazon other than a success means.

use serde::Deserialize;

use crate::providers::{Answer, Outcome};

/// The code of an error, such as `MessageRejected`: of the header, of JSON (`__type`) or of XML (`Code`), without
/// the name of the service around it; empty where there is none.
pub(in crate::providers) fn code(answer: &Answer) -> String {
    #[derive(Deserialize)]
    struct Error {
        #[serde(rename = "__type")]
        class: Option<String>,
        code: Option<String>,
    }
    let told = answer.header("x-amzn-errortype").map(str::to_owned);
    let told = told.or_else(|| answer.json::<Error>().and_then(|error| error.class.or(error.code)));
    let told = told.or_else(|| element(&answer.body, "Code")).unwrap_or_default();
    let name = told.rsplit('#').next().and_then(|name| name.split(':').next()).unwrap_or_default();
    // Other libraries of theirs write the same names with and without this ending.
    let name = name.strip_suffix("Exception").unwrap_or(name);
    // One word of letters; anything else may be words of theirs, and hold a number or a text.
    let word = name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphabetic() || c == '.');
    if word { name.to_owned() } else { String::new() }
}

/// The text of the first element `name` of an XML answer, as it is written there; nothing where it holds more.
pub(in crate::providers) fn element(body: &[u8], name: &str) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    (!text.contains('<')).then(|| text.trim().to_owned())
}

/// What an error means that the service has no word of its own for. One that is not known and has status 400 may be
/// about the recipient.
pub(in crate::providers) fn outcome(answer: &Answer, code: &str) -> Outcome {
    let why = match code {
        "" => format!("answered {}", answer.status),
        code => format!("answered {} {code}", answer.status),
    };
    match answer.refusal() {
        Outcome::Retry { after, .. } => Outcome::Retry { why, after },
        _ if is_passing(code) => Outcome::Retry { why, after: answer.retry_after },
        Outcome::Rejected { .. } if !is_setting(code) => Outcome::Rejected { why },
        Outcome::Deferred { .. } if !is_setting(code) => Outcome::Deferred { why },
        _ => Outcome::Misconfigured { why },
    }
}

/// About our keys, our account or our sender, whatever the status.
fn is_setting(code: &str) -> bool {
    matches!(
        code,
        "AccessDenied"
            | "AccountSuspended"
            | "AuthFailure"
            | "AuthorizationError"
            | "ConfigurationSetDoesNotExist"
            | "ConfigurationSetSendingPaused"
            | "ExpiredToken"
            | "IncompleteSignature"
            | "InvalidAction"
            | "InvalidClientTokenId"
            | "InvalidSignature"
            | "MailFromDomainNotVerified"
            | "MissingAuthenticationToken"
            | "OptInRequired"
            | "RequestExpired"
            | "SendingPaused"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClient"
    )
}

/// Too much for now, or trouble of theirs, whatever the status: many of these come as 400.
fn is_passing(code: &str) -> bool {
    let begins = ["Throttl", "TooManyRequests", "LimitExceeded", "RequestLimitExceeded", "KMSThrottl"];
    let equals =
        ["InternalFailure", "InternalError", "InternalServiceError", "ServiceUnavailable", "RequestTimeout"];
    begins.iter().any(|start| code.starts_with(start)) || equals.contains(&code)
}

/// Whether the key is known and right, and only the right to this one action is missing.
pub(in crate::providers) fn is_denied(code: &str) -> bool {
    matches!(code, "AccessDenied" | "AuthorizationError")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::sink::answer;

    #[test]
    fn a_code_is_found_wherever_it_stands() {
        let xml =
            "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidParameter</Code></Error></ErrorResponse>";
        assert_eq!(code(&answer(400, xml)), "InvalidParameter");
        assert_eq!(
            code(&answer(400, r#"{"__type":"com.amazonaws.x#ThrottlingException","message":"m"}"#)),
            "Throttling"
        );
        assert_eq!(code(&answer(400, r#"{"code":"BadRequestException"}"#)), "BadRequest");
        let mut told = answer(400, "{}");
        let value = "MessageRejected:http://internal.amazon.com/coral/";
        told.headers.insert("x-amzn-errortype", value.parse().unwrap());
        assert_eq!(code(&told), "MessageRejected");
        assert_eq!(code(&answer(400, "<Code>a<b></Code>")), "");
        assert_eq!(code(&answer(502, "bad gateway")), "");
        assert_eq!(code(&answer(400, r#"{"code":"to +48123456767"}"#)), "");
    }

    #[test]
    fn what_passes_is_tried_again_and_the_rest_is_for_the_operator() {
        let name = |status, code: &str| outcome(&answer(status, ""), code).name();
        for passing in
            ["Throttling", "ThrottledException", "TooManyRequests", "LimitExceeded", "InternalFailure"]
        {
            assert_eq!(name(400, passing), "failed", "{passing}");
        }
        assert_eq!([name(429, ""), name(503, "x")], ["failed"; 2]);
        assert_eq!([name(405, ""), name(410, "x"), name(418, "")], ["deferred"; 3]);
        for lasting in ["SignatureDoesNotMatch", "InvalidClientTokenId", "AccessDenied", "SendingPaused", ""]
        {
            assert_eq!(name(403, lasting), "misconfigured", "{lasting}");
        }
        for lasting in ["UnrecognizedClient", "ExpiredToken", "SendingPaused", "AccountSuspended"] {
            assert_eq!(name(400, lasting), "misconfigured", "{lasting}");
        }
        assert_eq!(["", "Validation", "MessageRejected"].map(|code| name(400, code)), ["rejected"; 3]);
    }
}
