//! The documentation of the events: committed, so that a changed payload is seen by whoever reads the change.

use std::path::Path;

use multauth::events::reference;

#[test]
fn the_committed_reference_is_what_the_command_prints() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/events/reference.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&committed, reference()).unwrap();
    }
    let kept = std::fs::read_to_string(&committed).unwrap_or_default();
    assert!(
        kept == reference(),
        "what events hold has changed: receivers read it. If it is meant, run UPDATE=1 cargo test --test it \
         reference and say it in CHANGELOG.md"
    );
}
