//! `/.well-known/security.txt` names whom the operator named.

use crate::support::app::TestApp;

#[tokio::test]
async fn faults_are_reported_to_the_contact_that_mails_name() {
    let cases = [
        ("security@operator.example", "Contact: mailto:security@operator.example"),
        ("https://operator.example/help", "Contact: https://operator.example/help"),
        ("the desk on the second floor", "Contact: https://id.example.com:8443/base"),
        ("", "Contact: https://id.example.com:8443/base"),
    ];
    for (contact, expected) in cases {
        let app = TestApp::new(|settings| {
            settings.public_url = "https://id.example.com:8443/base".parse().unwrap();
            settings.messages.contact = contact.into();
        })
        .await;
        let text = app.client().get("/.well-known/security.txt").await.is(200).text;
        assert_eq!(text.lines().next(), Some(expected));
    }
}
