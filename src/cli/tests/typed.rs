//! The command line as it is typed.

use std::path::Path;

use clap::{CommandFactory, Parser};

use crate::cli::Args;

fn each(command: &clap::Command, seen: &mut dyn FnMut(&clap::Command)) {
    seen(command);
    command.get_subcommands().filter(|c| c.get_name() != "help").for_each(|c| each(c, seen));
}

#[test]
fn every_help_teaches_with_an_example_that_is_right() {
    Args::command().debug_assert();
    each(&Args::command(), &mut |command| {
        let name = command.get_name();
        let after = command.get_after_help().unwrap_or_else(|| panic!("{name} has no examples")).to_string();
        assert!(command.get_about().is_some(), "{name} does not say what it is");
        let examples = after.lines().filter_map(|line| line.trim_start().strip_prefix("multauth "));
        let mut some = false;
        for example in examples {
            some = true;
            let typed = example.split("  ").next().unwrap().split(['>', '|', '&']).next().unwrap();
            let words = std::iter::once("multauth").chain(typed.split_whitespace());
            Args::try_parse_from(words).unwrap_or_else(|error| panic!("{name}: {typed}: {error}"));
        }
        assert!(some, "{name} has no example");
    });
}

#[test]
fn without_a_command_it_serves_and_the_file_may_stand_anywhere() {
    assert!(Args::try_parse_from(["multauth"]).unwrap().command.is_none());
    for words in [["multauth", "--config", "a.toml", "check"], ["multauth", "check", "--config", "a.toml"]] {
        let args = Args::try_parse_from(words).unwrap();
        assert_eq!(args.config.as_deref(), Some(Path::new("a.toml")));
    }
    assert!(Args::try_parse_from(["multauth", "sevre"]).is_err());
}
