//! `doctor`.

use super::{Site, signed_up};
use crate::cli::{Failure, Setup, doctor, instance};
use crate::extensions::Extensions;

#[tokio::test]
async fn the_doctor_tells_of_rows_that_do_not_fit() {
    let site = Site::new("[email]\nconfirm = \"never\"");
    assert!(
        matches!(site.run(&["doctor", "--invariants"]).await, Err(Failure::Told)),
        "there is no database"
    );
    site.run(&["migrate"]).await.unwrap();
    let app =
        instance::open(Setup { file: Some(&site.file()), extensions: &Extensions::default() }).await.unwrap();
    signed_up(&app, [("username", "maria-k".to_owned()), ("email", "maria@example.com".to_owned())]).await;
    site.run(&["doctor", "--invariants"]).await.unwrap();
    let mut tx = app.store.begin().await.unwrap();
    let unnamed = "by-half".into();
    crate::store::users::insert(&mut tx, &crate::store::users::New::active(&unnamed, "{}"), app.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(site.run(&["doctor", "--invariants"]).await, Err(Failure::Told)));
    let found = std::sync::Mutex::new(String::new());
    let tell = |finding: &doctor::Finding| {
        found.lock().unwrap().push_str(&finding.line());
        Ok(())
    };
    doctor::invariants::examine(&site.settings(), &tell).await.unwrap();
    let found = found.into_inner().unwrap();
    let failed: Vec<&str> = found.lines().filter(|line| line.starts_with("fail")).collect();
    assert_eq!(failed.len(), 2, "{found}");
    assert!(failed[0].contains("accounts are named") && failed[0].contains("not 1: "), "{found}");
}

#[tokio::test]
async fn the_doctor_looks_at_a_new_and_at_a_used_site() {
    let site = Site::new("");
    let quiet = |_: &doctor::Finding| Ok(());
    let healths = |found: Vec<doctor::Finding>| format!("{found:?}");
    let new = healths(doctor::examine(&site.settings(), &Extensions::default(), &quiet).await.unwrap());
    assert!(new.contains("there is none yet") && !new.contains("Fail"), "{new}");
    site.run(&["migrate"]).await.unwrap();
    instance::open(Setup { file: Some(&site.file()), extensions: &Extensions::default() }).await.unwrap();
    let used = healths(doctor::examine(&site.settings(), &Extensions::default(), &quiet).await.unwrap());
    assert!(used.contains("wrote and read") && used.contains("the newest of"), "{used}");
    std::fs::remove_file(site.0.path().join("master.key")).unwrap();
    site.run(&["keys", "master", &site.0.path().join("master.key").display().to_string()]).await.unwrap();
    let other = site.run(&["doctor"]).await.unwrap_err();
    assert!(matches!(other, Failure::Told));
}
