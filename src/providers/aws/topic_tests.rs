use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use poem::http::HeaderMap;
use serde_json::{Value, json};

use super::*;
use crate::providers::sink::Sink;

pub(in crate::providers) const NOW: Millis = 1_772_359_200_000;
const ARN: &str = "arn:aws:sns:eu-west-1:123456789012:mail";

const CONFIRMED: &str = "<ConfirmSubscriptionResponse><ConfirmSubscriptionResult><SubscriptionArn>a</SubscriptionArn>\
                         </ConfirmSubscriptionResult></ConfirmSubscriptionResponse>";

/// SNS with a key of its own, which signs what it is given.
pub(in crate::providers) struct Sns {
    key: RsaKeyPair,
    sink: Sink,
}

impl Sns {
    /// It answers with its certificate first, and from then on with `then`.
    pub(in crate::providers) async fn start(then: u16) -> Self {
        Self::answering(then, CONFIRMED).await
    }

    async fn answering(then: u16, body: &str) -> Self {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let sink = Sink::start(vec![(200, "", &certificate(&key)), (then, "", body)]).await;
        Self { key, sink }
    }

    pub(in crate::providers) fn topic(&self) -> Topic {
        Topic::at(ARN, self.sink.url().parse().unwrap(), Http::new(http::TIMEOUT).unwrap())
    }

    /// A message of that type as SNS posts it.
    pub(in crate::providers) fn post(&self, class: &str, message: &str) -> Value {
        let home = self.sink.url();
        let mut body = json!({
            "Type": class,
            "MessageId": "22b80b92-fdea",
            "TopicArn": ARN,
            "Message": message,
            "Timestamp": "2026-03-01T10:00:00.000Z",
            "SignatureVersion": "2",
            "SigningCertURL": format!("{home}/SimpleNotificationService-1.pem"),
        });
        if class == "Notification" {
            body["UnsubscribeURL"] = json!(format!("{home}/?Action=Unsubscribe"));
        } else {
            body["Token"] = json!("2336412f37");
            body["SubscribeURL"] = json!(format!("{home}/?Action=ConfirmSubscription&Token=2336412f37"));
        }
        self.sign(&mut body);
        body
    }

    /// Written after the documents, apart from the code that is tested.
    fn sign(&self, body: &mut Value) {
        let names = match body["Type"].as_str().unwrap() {
            "Notification" => &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"][..],
            _ => &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
        };
        let mut text = String::new();
        for name in names {
            if let Some(value) = body.get(name) {
                text += &format!("{name}\n{}\n", value.as_str().unwrap());
            }
        }
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
        body["Signature"] = json!(STANDARD.encode(signature));
    }

    fn seen(&self) -> Vec<String> {
        self.sink.seen().into_iter().map(|seen| format!("{} {}", seen.method, seen.target)).collect()
    }
}

/// A certificate for `key` as PEM: the least that X.509 (RFC 5280) asks for, signed by nobody.
fn certificate(key: &RsaKeyPair) -> String {
    let node = |tag: u8, parts: &[&[u8]]| {
        let inner = parts.concat();
        let length = u16::try_from(inner.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], &length[..], &inner].concat()
    };
    // sha256WithRSAEncryption
    let oid = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 0x05, 0];
    let algorithm = [&[0x30, 13], &oid[..]].concat();
    let moment = [&[0x17, 13], &b"260101000000Z"[..]].concat();
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    let tbs: [&[u8]; 7] = [
        &[0xa0, 3, 2, 1, 2], // version 3
        &[2, 1, 1],          // serial number
        &algorithm,
        &[0x30, 0], // issuer
        &[&[0x30, 30], &moment[..], &moment].concat(),
        &[0x30, 0], // subject
        public.as_ref(),
    ];
    let der = node(0x30, &[&node(0x30, &tbs), &algorithm, &[3, 2, 0, 0]]);
    let base64 = STANDARD.encode(der);
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

async fn open_at(topic: &Topic, body: &Value, now: Millis) -> Result<Option<String>, String> {
    let (headers, body) = (HeaderMap::new(), body.to_string());
    let callback = Callback { url: "", headers: &headers, body: body.as_bytes(), now };
    topic.open(&callback).await.map_err(|untrusted| untrusted.0)
}

async fn open(topic: &Topic, body: &Value) -> Result<Option<String>, String> {
    open_at(topic, body, NOW).await
}

#[tokio::test]
async fn what_the_topic_published_is_read_and_its_certificate_fetched_once() {
    let sns = Sns::start(500).await;
    let topic = sns.topic();
    let mut body = sns.post("Notification", "{\"a\":\n1}");
    for _ in 0..2 {
        assert_eq!(open(&topic, &body).await, Ok(Some("{\"a\":\n1}".into())));
    }
    body["Subject"] = json!("Amazon SES Email Event Notification");
    assert!(open(&topic, &body).await.is_err(), "the subject is signed too");
    sns.sign(&mut body);
    assert!(open(&topic, &body).await.is_ok());
    assert_eq!(sns.seen(), ["GET /SimpleNotificationService-1.pem"]);
}

#[tokio::test]
async fn a_forged_old_or_foreign_message_is_not_believed() {
    let (sns, stranger) = (Sns::start(200).await, Sns::start(200).await);
    let topic = sns.topic();
    let good = sns.post("Notification", "m");
    assert!(open(&topic, &good).await.is_ok());
    for (name, value) in [
        ("Message", "n"),
        ("MessageId", "other"),
        ("TopicArn", "arn:aws:sns:eu-west-1:123456789012:other"),
        ("Type", "SubscriptionConfirmation"),
        ("Type", "Other"),
        ("Timestamp", "2026-03-01T10:00:01.000Z"),
        ("Timestamp", "noon"),
        ("Signature", "!"),
        ("Signature", ""),
        ("SignatureVersion", "1"),
        ("SignatureVersion", "3"),
    ] {
        let mut body = good.clone();
        body[name] = json!(value);
        assert!(open(&topic, &body).await.is_err(), "{name} {value}");
    }
    for name in ["Signature", "SignatureVersion", "SigningCertURL", "TopicArn", "Timestamp", "Type"] {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(name);
        assert!(open(&topic, &body).await.is_err(), "without {name}");
    }
    // Amazon signs for every customer with the same key.
    let mut foreign = good.clone();
    foreign["TopicArn"] = json!("arn:aws:sns:eu-west-1:999999999999:mail");
    sns.sign(&mut foreign);
    assert_eq!(open(&topic, &foreign).await, Err("it is of another topic".into()));
    let mut other = good.clone();
    stranger.sign(&mut other);
    assert_eq!(open(&topic, &other).await, Err("its signature is wrong".into()));
    other["SignatureVersion"] = json!("1");
    assert!(open(&topic, &other).await.unwrap_err().contains("SignatureVersion = 2"));
    for now in [NOW + OLDEST + 1, NOW - AHEAD - 1] {
        assert!(open_at(&topic, &good, now).await.unwrap_err().contains("too long ago"));
    }
    for now in [NOW + OLDEST, NOW - AHEAD] {
        assert!(open_at(&topic, &good, now).await.is_ok());
    }
    assert_eq!(sns.seen().len(), 1);
}

#[tokio::test]
async fn a_certificate_from_anywhere_else_is_not_even_fetched() {
    let (sns, stranger) = (Sns::start(200).await, Sns::start(200).await);
    let topic = sns.topic();
    let home = sns.sink.url();
    let user = home.replace("http://", "http://sns@");
    for url in [
        format!("{}/SimpleNotificationService-1.pem", stranger.sink.url()),
        format!("{home}/SimpleNotificationService-1.txt"),
        format!("{home}/?x=.pem"),
        format!("{home}/x.pem?y"),
        format!("{user}/x.pem"),
        format!("{home}.evil.example/x.pem"),
        "x.pem".into(),
        String::new(),
    ] {
        let mut body = stranger.post("Notification", "m");
        body["SigningCertURL"] = json!(url);
        assert!(open(&topic, &body).await.unwrap_err().contains("is not at Amazon"), "{url}");
    }
    assert!(sns.seen().is_empty() && stranger.seen().is_empty());
}

#[tokio::test]
async fn a_certificate_that_cannot_be_had_or_read_proves_nothing() {
    let body = Sns::start(200).await.post("Notification", "m");
    for (status, text) in [(404, ""), (200, "<html>"), (302, "")] {
        let sink = Sink::start(vec![(status, "Location: /x.pem", text)]).await;
        let topic = Topic::at(ARN, sink.url().parse().unwrap(), Http::new(http::TIMEOUT).unwrap());
        let mut body = body.clone();
        body["SigningCertURL"] = json!(format!("{}/x.pem", sink.url()));
        assert!(open(&topic, &body).await.is_err(), "{status}");
        assert_eq!(sink.seen().len(), 1);
    }
}

#[tokio::test]
async fn who_names_a_certificate_that_is_kept_waits_for_no_other() {
    let sns = Sns::start(200).await;
    let (topic, body) = (sns.topic(), sns.post("Notification", "m"));
    assert!(open(&topic, &body).await.is_ok());
    let _somebody_elses = topic.fetching.lock().await;
    let opened = tokio::time::timeout(std::time::Duration::from_secs(5), open(&topic, &body)).await;
    assert!(opened.is_ok_and(|opened| opened.is_ok()));
}

#[tokio::test]
async fn a_subscription_is_confirmed_where_the_topic_is_and_nowhere_else() {
    let sns = Sns::start(200).await;
    let topic = sns.topic();
    let good = sns.post("SubscriptionConfirmation", "You have chosen to subscribe");
    let mut unsigned = good.clone();
    unsigned["SubscribeURL"] = json!(format!("{}/?Action=Other", sns.sink.url()));
    assert_eq!(open(&topic, &unsigned).await, Err("its signature is wrong".into()));
    let mut elsewhere = good.clone();
    elsewhere["SubscribeURL"] = json!("http://127.0.0.1:1/?Action=ConfirmSubscription");
    sns.sign(&mut elsewhere);
    assert!(open(&topic, &elsewhere).await.unwrap_err().contains("is not at Amazon"));
    assert_eq!(sns.seen(), ["GET /SimpleNotificationService-1.pem"]);
    assert_eq!(open(&topic, &good).await, Ok(None));
    assert_eq!(sns.seen()[1..], ["GET /?Action=ConfirmSubscription&Token=2336412f37"]);
    assert_eq!(open(&topic, &sns.post("UnsubscribeConfirmation", "m")).await, Ok(None));
    assert_eq!(sns.seen().len(), 2);
}

#[tokio::test]
async fn a_confirmation_that_fails_is_asked_for_again() {
    let sns = Sns::start(503).await;
    let body = sns.post("SubscriptionConfirmation", "m");
    assert!(open(&sns.topic(), &body).await.unwrap_err().contains("did not succeed"));
    let sns = Sns::answering(200, "<html>Sign in</html>").await;
    let body = sns.post("SubscriptionConfirmation", "m");
    assert!(open(&sns.topic(), &body).await.unwrap_err().contains("did not succeed"), "not by SNS");
}

#[test]
fn a_topic_has_its_regions_host() {
    let home = |arn: &str| Topic::new(arn).map(|topic| topic.home.to_string());
    assert_eq!(home(ARN).as_deref(), Ok("https://sns.eu-west-1.amazonaws.com/"));
    let china = home("arn:aws-cn:sns:cn-north-1:123456789012:mail");
    assert_eq!(china.as_deref(), Ok("https://sns.cn-north-1.amazonaws.com.cn/"));
    for wrong in [
        "",
        "mail",
        "arn:aws:sqs:eu-west-1:123456789012:mail",
        "arn:aws:sns:s3-eu-west-1:123456789012:mail",
        "arn:aws:sns:eu-west-1.evil.example/:123456789012:mail",
        "arn:aws:sns:eu-west-1:123456789012:",
        "arn:aws:sns:eu-west-1:123456789012:mail:subscription",
    ] {
        assert!(Topic::new(wrong).is_err(), "{wrong}");
    }
}
