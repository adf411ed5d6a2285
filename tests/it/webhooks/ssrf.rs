//! Where webhooks may not go (R135): in production, with nothing named in `outbound.networks`.

use std::process::Command;

use jiff::SignedDuration;
use multauth::base::Mistake;
use multauth::outbound::{Named, Service};
use multauth::settings::{Mode, Settings};
use multauth::startup;
use tempfile::TempDir;

use super::crashes::{section, sign_up};
use crate::support::program::{Program, config};
use crate::support::receiver::{Manner, Receiver, SECRET};
use crate::support::until;

fn read(url: &str, networks: &[&str]) -> Result<Service, Vec<Mistake>> {
    startup::choose_cryptography();
    let mut settings = Settings::built_in();
    (settings.mode, settings.outbound.http) = (Mode::Production, true);
    settings.outbound.networks = networks.iter().map(|net| net.parse().unwrap()).collect();
    let (url, secret) = (url.parse().unwrap(), SECRET.into());
    let timeout = SignedDuration::from_secs(2);
    let named = Named { path: "webhooks.crm", url: &url, secret: &secret, secret_file: None, timeout };
    Service::read(&named, &settings)
}

#[test]
fn addresses_that_are_not_of_the_internet_are_refused_however_they_are_spelled() {
    let hosts = [
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "2130706433",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "0.0.0.0",
        "0",
        "10.0.0.8",
        "172.16.9.9",
        "192.168.0.1",
        "169.254.169.254",
        "0xa9fea9fe",
        "100.64.1.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ];
    for host in hosts {
        for scheme in ["https", "http"] {
            let mistakes = read(&format!("{scheme}://{host}/hook"), &[]).unwrap_err();
            assert_eq!(mistakes[0].path, "webhooks.crm.url", "{host}");
            assert!(mistakes[0].message.contains("outbound.networks"), "{host}: {mistakes:?}");
        }
    }
    for other in
        ["ftp://example.com", "file:///etc/passwd", "gopher://example.com", "https://u:p@example.com"]
    {
        assert!(read(other, &[]).is_err(), "{other}");
    }
    assert!(read("https://hooks.example.com/x", &[]).is_ok());
    assert!(read("https://10.0.0.8/x", &["10.0.0.0/8"]).is_ok());
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_not_called() {
    let receiver = Receiver::start(Manner::Answers(204)).await;
    for host in ["localhost", "LOCALHOST"] {
        let url = receiver.url.replace("127.0.0.1", host);
        let service = read(&url, &[]).unwrap();
        assert!(service.post("e", 0, "{}".into()).await.is_err(), "{host}");
        let why = service.reach().await.unwrap_err();
        assert!(why.contains("outbound.networks"), "{host}: {why}");
    }
    assert!(receiver.calls().is_empty());
    let service = read(&receiver.url.replace("127.0.0.1", "localhost"), &["127.0.0.0/8"]).unwrap();
    assert_eq!(service.post("e", 0, "{}".into()).await.unwrap().status, 204, "the operator named it");
    assert_eq!(service.reach().await, Ok(()));
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_an_answer_like_another() {
    let inside = Receiver::start(Manner::Answers(204)).await;
    let to: &'static str = inside.url.clone().leak();
    let receiver = Receiver::start(Manner::Answers(204)).await;
    let service = read(&receiver.url, &["127.0.0.1/32"]).unwrap();
    for status in [301, 302, 303, 307, 308] {
        receiver.now(Manner::Says(status, ("location", to)));
        assert_eq!(service.post("e", 0, "{}".into()).await.unwrap().status, status);
    }
    assert!(inside.calls().is_empty());
}

#[tokio::test]
async fn no_proxy_that_the_environment_names_is_asked() {
    let proxy = Receiver::start(Manner::Answers(204)).await;
    let (webhook, hook) =
        (Receiver::start(Manner::Answers(204)).await, Receiver::start(Manner::Answers(500)).await);
    let url = &hook.url;
    let asked =
        format!("[hooks.before_signup]\nurl = \"{url}\"\nsecret = \"{SECRET}\"\nwhen_down = \"allow\"\n");
    let folder = TempDir::new().unwrap();
    let (file, address) = config(folder.path(), "", &format!("{}{asked}", section(&webhook)));
    let mut command = Command::new(env!("CARGO_BIN_EXE_multauth"));
    command.args(["serve", "--config"]).arg(&file);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        let through = proxy.url.replace("/hook", "");
        command.env(name, &through).env(name.to_lowercase(), &through);
    }
    command.env_remove("NO_PROXY").env_remove("no_proxy");
    let program = Program::run(command, address).await;
    sign_up(&program, &["ada".to_owned()]).await;
    let come = async || hook.calls().len() + proxy.calls().len() > 0;
    until("the hook is asked", 10, come).await;
    let come = async || webhook.calls().len() + proxy.calls().len() > 1;
    until("the webhook is told", 10, come).await;
    let paths: Vec<_> = proxy.calls().iter().map(|call| call.body.clone()).collect();
    assert!(paths.is_empty(), "{paths:?}");
    assert!(!hook.calls().is_empty() && !webhook.calls().is_empty());
}
