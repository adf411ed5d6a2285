//! What a message remembers of the providers on its route, in one column: a name with a comma behind, and before it a
//! sign that no name has.

/// Something that is remembered of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// It took the message and reported no delivery: it is passed over until everybody was asked.
    Silent,
    /// It refuses the message for good: it is not asked again.
    Rejected,
    /// It was asked in vain: it is tried first with messages that it did not fail at.
    Failed,
}

impl Mark {
    const fn sign(self) -> &'static str {
        match self {
            Self::Silent => "",
            Self::Rejected => "!",
            Self::Failed => "~",
        }
    }
}

/// The marks of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks(String);

impl Marks {
    /// As the column has them.
    pub(super) fn of(column: &str) -> Self {
        Self(column.to_owned())
    }

    /// As the column has them.
    pub(super) fn column(&self) -> &str {
        &self.0
    }

    /// Whether a provider has that mark.
    pub(super) fn has(&self, mark: Mark, name: &str) -> bool {
        self.0.split(',').any(|one| one.strip_prefix(mark.sign()) == Some(name))
    }

    /// Sets a mark on a provider.
    pub(super) fn set(&mut self, mark: Mark, name: &str) {
        if !self.has(mark, name) {
            self.0.extend([mark.sign(), name, ","]);
        }
    }

    /// Everybody was asked: those that stayed silent may be asked again.
    pub(super) fn forget_silence(&mut self) {
        let kept = self.0.split_inclusive(',').filter(|one| one.starts_with(['!', '~']));
        self.0 = kept.collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mark_stands_for_itself_and_silence_alone_is_forgotten() {
        let mut marks = Marks::of("one,");
        marks.set(Mark::Rejected, "two");
        marks.set(Mark::Failed, "one");
        marks.set(Mark::Failed, "one");
        assert_eq!(marks.column(), "one,!two,~one,");
        assert!(marks.has(Mark::Silent, "one") && marks.has(Mark::Failed, "one"));
        assert!(!marks.has(Mark::Silent, "two") && !marks.has(Mark::Rejected, "one"));
        marks.forget_silence();
        assert_eq!(Marks::of(marks.column()), Marks::of("!two,~one,"));
        assert!(!marks.has(Mark::Silent, "one") && marks.has(Mark::Rejected, "two"));
        assert!(!Marks::default().has(Mark::Failed, ""), "nothing is remembered of nobody");
    }
}
