//! Messages of an Amazon SNS topic that come by HTTPS ("Verifying the signatures of Amazon SNS messages").
//!
//! A message names the certificate it was signed with by URL. That URL has to be at the very host of the topic's
//! own region: a pattern of hosts would let in storage buckets that are called `sns`. Signatures of version 1 are
//! SHA-1 and are not believed; an attribute of the topic (`SignatureVersion = 2`) changes that.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use tokio::sync::{Mutex, RwLock};
use url::Url;
use webpki::EndEntityCert;
use webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256;

use super::config::region;
use super::domain;
use crate::base::{Millis, clock};
use crate::outbound::http;
use crate::providers::{Callback, Http, Untrusted};

/// How old a message may be: SNS delivers again for an hour.
const OLDEST: Millis = 65 * clock::MINUTE;
/// How far its clock may be ahead of ours.
const AHEAD: Millis = 5 * clock::MINUTE;
/// How many certificates are kept; Amazon changes its own about once a year.
const KEPT: usize = 4;
/// For how long a certificate that is being fetched is waited for: as long as that may take.
const FETCHING: std::time::Duration = std::time::Duration::from_secs(10);

/// One topic that we believe.
#[derive(Debug)]
pub(in crate::providers) struct Topic {
    arn: String,
    /// Where its region's certificates and confirmations are.
    home: Url,
    http: Http,
    /// By URL.
    certificates: RwLock<Vec<(String, CertificateDer<'static>)>>,
    /// Held while one is fetched, so that many messages at once fetch it once. Who names one that is kept does not
    /// wait: anybody may have others fetched.
    fetching: Mutex<()>,
}

/// What SNS posts, whatever its type. It lies in a body of JSON with this shape.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    #[serde(rename = "Type")]
    class: String,
    message_id: String,
    token: Option<String>,
    topic_arn: String,
    subject: Option<String>,
    message: String,
    #[serde(rename = "SubscribeURL")]
    subscribe_url: Option<String>,
    timestamp: String,
    signature_version: String,
    signature: String,
    #[serde(rename = "SigningCertURL")]
    signing_cert_url: String,
}

fn untrusted(why: &str) -> Untrusted {
    Untrusted(why.to_owned())
}

impl Topic {
    /// The topic called `arn`, such as `arn:aws:sns:eu-west-1:123456789012:mail`.
    ///
    /// # Errors
    /// In plain words, where that is no such name.
    pub(in crate::providers) fn new(arn: &str) -> Result<Self, String> {
        let wrong =
            || "is not the ARN of a topic, such as \"arn:aws:sns:eu-west-1:123456789012:mail\"".to_owned();
        let parts: Vec<&str> = arn.split(':').collect();
        let ["arn", partition, "sns", area, account, name] = parts.as_slice() else { return Err(wrong()) };
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let sound = partition.starts_with("aws")
            && account.bytes().all(|b| b.is_ascii_digit())
            && !name.is_empty()
            && name.chars().all(plain);
        let area = region(area).ok().filter(|_| sound).ok_or_else(wrong)?;
        let home = format!("https://sns.{area}.{}", domain(&area)).parse().map_err(|_| wrong())?;
        Ok(Self::at(arn, home, Http::new(http::TIMEOUT)?))
    }

    /// With certificates and confirmations at `home`.
    pub(in crate::providers) fn at(arn: &str, home: Url, http: Http) -> Self {
        Self { arn: arn.to_owned(), home, http, certificates: RwLock::default(), fetching: Mutex::default() }
    }

    /// What was published, once it is shown that SNS signed it for this topic. Nothing where SNS speaks for itself:
    /// a new subscription is confirmed on the way.
    ///
    /// # Errors
    /// [`Untrusted`]; nothing was done then.
    pub(in crate::providers) async fn open(
        &self,
        callback: &Callback<'_>,
    ) -> Result<Option<String>, Untrusted> {
        let envelope: Envelope =
            serde_json::from_slice(callback.body).map_err(|_| untrusted("it is no message of SNS"))?;
        self.verify(&envelope, callback.now).await?;
        match envelope.class.as_str() {
            "Notification" => Ok(Some(envelope.message)),
            "SubscriptionConfirmation" => self.confirm(&envelope).await.map(|()| None),
            class => {
                tracing::warn!(topic = %self.arn, class, "SNS reports a change of the subscription");
                Ok(None)
            }
        }
    }

    async fn verify(&self, envelope: &Envelope, now: Millis) -> Result<(), Untrusted> {
        if envelope.topic_arn != self.arn {
            return Err(untrusted("it is of another topic"));
        }
        if envelope.signature_version != "2" {
            return Err(untrusted(
                "its signature is not of version 2; set SignatureVersion = 2 on the topic",
            ));
        }
        let at: jiff::Timestamp = envelope.timestamp.parse().map_err(|_| untrusted("it has no time"))?;
        if !(-AHEAD..=OLDEST).contains(&now.saturating_sub(at.as_millisecond())) {
            return Err(untrusted("it was published too long ago, or in the future"));
        }
        let text = envelope.signed().ok_or_else(|| untrusted("it is of a type that SNS does not sign"))?;
        let signature =
            STANDARD.decode(&envelope.signature).map_err(|_| untrusted("its signature is not Base64"))?;
        let certificate = self.certificate(&envelope.signing_cert_url).await?;
        let key = EndEntityCert::try_from(&certificate).map_err(|_| untrusted("its certificate is none"))?;
        key.verify_signature(RSA_PKCS1_2048_8192_SHA256, text.as_bytes(), &signature)
            .map_err(|_| untrusted("its signature is wrong"))
    }

    async fn certificate(&self, text: &str) -> Result<CertificateDer<'static>, Untrusted> {
        let url = self.at_home(text).filter(|url| url.query().is_none() && url.path().ends_with(".pem"));
        let url =
            url.ok_or_else(|| untrusted("its certificate is not at Amazon SNS in the topic's region"))?;
        if let Some(found) = self.kept(text).await {
            return Ok(found);
        }
        // Whoever had it before may have fetched it, or failed to.
        let turn = tokio::time::timeout(FETCHING, self.fetching.lock()).await;
        let _turn = turn.map_err(|_| untrusted("its certificate takes too long to be fetched"))?;
        if let Some(found) = self.kept(text).await {
            return Ok(found);
        }
        let answer = self.http.call(self.http.client().get(url)).await.ok().filter(|it| it.is_success());
        let answer = answer.ok_or_else(|| untrusted("its certificate cannot be fetched"))?;
        let certificate =
            CertificateDer::from_pem_slice(&answer.body).map_err(|_| untrusted("its certificate is none"))?;
        let mut kept = self.certificates.write().await;
        kept.truncate(KEPT - 1);
        kept.insert(0, (text.to_owned(), certificate.clone()));
        Ok(certificate)
    }

    async fn kept(&self, url: &str) -> Option<CertificateDer<'static>> {
        let kept = self.certificates.read().await;
        kept.iter().find(|(known, _)| known == url).map(|(_, found)| found.clone())
    }

    /// Visits the URL that says that we want the subscription.
    async fn confirm(&self, envelope: &Envelope) -> Result<(), Untrusted> {
        let url = envelope.subscribe_url.as_deref().and_then(|text| self.at_home(text));
        let url =
            url.ok_or_else(|| untrusted("its confirmation is not at Amazon SNS in the topic's region"))?;
        match self.http.call(self.http.client().get(url)).await {
            Ok(answer)
                if answer.is_success() && super::element(&answer.body, "SubscriptionArn").is_some() =>
            {
                tracing::info!(topic = %self.arn, "the subscription to the topic is confirmed");
                Ok(())
            }
            // SNS asks again when this call of its fails.
            _ => Err(untrusted("its confirmation did not succeed")),
        }
    }

    /// The URL, where it is at the topic's own region.
    fn at_home(&self, text: &str) -> Option<Url> {
        let url: Url = text.parse().ok()?;
        let plain = url.username().is_empty() && url.password().is_none();
        (plain && url.origin() == self.home.origin()).then_some(url)
    }
}

impl Envelope {
    /// The text that SNS signs: name and value, each in a line of its own, in the order of the alphabet.
    fn signed(&self) -> Option<String> {
        let (subject, subscribe, token) = match self.class.as_str() {
            "Notification" => (self.subject.as_deref(), None, None),
            "SubscriptionConfirmation" | "UnsubscribeConfirmation" => {
                (None, Some(self.subscribe_url.as_deref()?), Some(self.token.as_deref()?))
            }
            _ => return None,
        };
        let fields = [
            ("Message", Some(self.message.as_str())),
            ("MessageId", Some(&self.message_id)),
            ("Subject", subject),
            ("SubscribeURL", subscribe),
            ("Timestamp", Some(&self.timestamp)),
            ("Token", token),
            ("TopicArn", Some(&self.topic_arn)),
            ("Type", Some(&self.class)),
        ];
        let line = |(name, value): (&str, Option<&str>)| value.map(|value| format!("{name}\n{value}\n"));
        Some(fields.into_iter().filter_map(line).collect())
    }
}

#[cfg(test)]
#[path = "topic_tests.rs"]
pub(in crate::providers) mod tests;
