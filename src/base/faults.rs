//! Everything that the server finds wrong with a field, once: its key, its sentence in English and what stands in it.
//! To add one: a line here.

use super::catalogue::catalogue;

catalogue! {
    /// What is wrong with a field. An own program's words are [`Fault::own`](super::Fault::own).
    enum Wrong;
    /// Every fault of a field. A key is the code that clients see, and behind a full stop where that is said.
    const FAULTS;

    Missing, "missing", "is required";
    MissingKept, "missing.kept", "is required and cannot be taken away";
    MissingTogether, "missing.together", "is required: everything that is asked comes together";
    MissingOfKind, "missing.of_kind", "is needed for this kind";
    MissingHardcode, "missing.hardcode", "is needed for a card";
    MissingCurrent { secret: String }, "missing.current", "the current {secret} is needed";
    MissingIdentifier { names: String }, "missing.identifier", "give one identifier: {names}";
    MissingForFlow { flow: String, missing: String }, "missing.for_flow", "to sign in by {flow} there must also be: {missing}";
    MissingOnPage, "missing.page", "This is needed.";
    SeveralIdentifiers { names: String }, "several_identifiers", "give one identifier, not several; one of: {names}";

    Empty, "empty", "is empty";
    EmptyBody { names: String }, "empty.body", "give something of: {names}";
    EmptySearch, "empty.search", "is empty: give a part of an address, a number or a name";

    TooShort { least: u64 }, "too_short", "must have at least {least} characters";
    TooShortUsername, "too_short.username", "A username has at least 3 characters.";
    TooShortHardcode, "too_short.hardcode", "A hardcode has at least 4 characters, blanks and dashes aside.";
    TooShortPassword { least: usize }, "too_short.password", "The password needs at least {least} characters.";

    TooLong { most: usize }, "too_long", "must have at most {most} characters";
    TooLongOnPage { most: usize }, "too_long.page", "This has more than {most} characters.";
    TooLongUsername, "too_long.username", "A username has at most 32 characters.";
    TooLongEmail, "too_long.email", "An email address has at most 254 characters.";
    TooLongLocalPart, "too_long.local_part", "The part of an email address before the @ has at most 64 characters.";
    TooLongHardcode, "too_long.hardcode", "A hardcode has at most 64 characters.";
    TooLongPassword { most: usize }, "too_long.password", "The password is longer than {most} characters.";

    TooFew { least: u64 }, "too_few", "must have at least {least} items";
    TooMany { most: u64 }, "too_many", "must have at most {most} items";
    TooSmall { least: String }, "too_small", "must be at least {least}";
    TooEarly { first: String }, "too_small.date", "must not be before {first}";
    TooLarge { most: String }, "too_large", "must be at most {most}";
    TooLate { last: String }, "too_large.date", "must not be after {last}";
    TooLargeProfile { most: usize }, "too_large.profile", "must have at most {most} bytes as JSON, all fields together";

    NoText, "wrong_type.text", "must be a text";
    NoInteger, "wrong_type.integer", "must be a whole number";
    NoNumber, "wrong_type.number", "must be a number";
    NoFlag, "wrong_type.flag", "must be true or false";
    NoDate, "wrong_type.date", "must be a date such as 2000-01-31, in a text";
    NoList, "wrong_type.list", "must be a list";
    NoObject, "wrong_type.object", "must be an object";
    NotADate, "not_a_date", "must be a date such as 2000-01-31";
    NotOneOf { options: String }, "not_one_of", "must be one of: {options}";
    Pattern, "pattern", "does not have the form that is asked for";
    Schema { rule: String }, "schema", "does not fit `{rule}` of its schema";
    SchemaMissing, "schema.missing", "is required";
    SchemaUnknown, "schema.unknown", "is not known here";

    UnknownField { names: String }, "unknown_field", "is not known here; there are: {names}";
    UnknownProfileField { names: String }, "unknown_field.profile", "is no field of the profile; there are: {names}";
    GoneProfileField, "unknown_field.gone", "is no field of the profile any more";
    Unknown { names: String }, "unknown", "one of: {names}";
    UnknownScope { scope: String, names: String }, "unknown.scope", "{scope} is no scope; there are: {names}";
    ReadOnly, "read_only", "cannot be changed by you";
    Taken, "taken", "is taken";
    NotTogether, "not_together", "is changed in a request of its own, not with an address";
    NotAGroup { name: String }, "not_a_group", "{name} must be 1 to 64 of the characters a-z A-Z 0-9 . _ : / -, and stand there once";

    InvalidTo, "invalid.to", "is neither an email address nor a phone number";
    InvalidEmail, "invalid.email", "This is no email address. One looks like name@example.com.";
    InvalidPhone, "invalid.phone", "This is no phone number. One looks like +48 600 100 200.";
    InvalidCode { lengths: String }, "invalid.code", "is no code of those that are asked; one has {lengths} characters";
    Malformed { example: String }, "invalid.malformed", "is malformed; one looks like {example}";
    WrongForm { example: String, rule: String }, "wrong_form", "must look like {example}; the rule is {rule}";
    WrongSigns, "invalid_characters", "must have nothing but unaccented Latin letters, digits and signs";
    WrongSignsOnPage, "invalid_characters.page", "This holds control characters, such as a tab.";
    WrongSignsUsername, "invalid_characters.username", "A username has only the letters a to z, digits, full stops, underscores and hyphens.";
    WrongEdgesUsername, "invalid_characters.username_edges", "A username begins and ends with a letter or a digit.";
    WrongSignsHardcode, "invalid_characters.hardcode", "A hardcode has no line ends or other control characters.";
    Reserved, "reserved", "This username is reserved. Choose another one.";
    LooksLikeEmail, "looks_like_email", "A username has no @. Send an email address as `email`.";
    LooksLikePhone, "looks_like_phone", "A username has at least one letter, so that it is no phone number.";
    NotAscii, "not_ascii", "The part of an email address before the @ has only unaccented Latin letters, digits and signs.";

    CountryNeeded, "country_needed", "Begin the phone number with + and the country code, as in +48 600 100 200.";
    Extension, "extension", "Give the phone number alone: no extension, no letters.";
    CountryNotServed, "country_not_served", "We do not send messages to phone numbers of this country.";
    NotTexted, "not_texted", "No messages are sent to this kind of phone number.";
    LineNotAllowed { line: &'static str }, "line_type_not_allowed", "{line} phone numbers are not allowed.";
    LineUnknown, "line_type_unknown", "What kind of phone number this is cannot be found out, so it is not taken.";
    NotAvailable { channel: String, names: String }, "not_available", "nothing is delivered by {channel} here; there is: {names}";
    DoesNotFit, "does_not_fit", "does not reach this `to`";

    TooPersonal, "too_personal", "The password is a name of yours or of this service. Choose another one.";
    TooCommon, "too_common", "The password is one of those that are tried first. Choose another one.";
    TooGuessable, "too_guessable", "The password is easily guessed: a repeat, a row of keys or a well-known word. Choose another one.";
    NotChosenCode, "not_chosen.passcode", "nobody chooses a code: it is sent, or shown by an app";
    NotChosenRecovery, "not_chosen.recovery_code", "nobody chooses a recovery code: they are made and shown once";

    OtherKind { other: &'static str, kind: &'static str }, "other_kind", "is a field of the kind {other}, and this device is of the kind {kind}";
    AlreadyYours, "already_yours", "is among your devices already";
    AlreadyTheirs, "already_theirs", "is among their devices already";
    NotTheirs { name: String }, "not_theirs", "{name} is no device of theirs, and no kind that they have";
    OnlyOne, "only_one", "you have one already; remove it first";
    Unconfirmed, "unconfirmed", "only a confirmed device can be the first";
    GivenByOperator, "given_by_operator", "is given by the operator, who alone adds, replaces or removes it";
    NoAddress { title: &'static str }, "no_address", "{title} has no address.";
    ShowsItsCodes { kind: String, title: String }, "not_reached.shows_its_codes", "is of the kind {kind} ({title}), which no message reaches: it shows its codes itself; confirm it by one of them";
    HasNoCodes { kind: String, title: String }, "not_reached.has_no_codes", "is of the kind {kind} ({title}), which no message reaches: there is nothing to confirm by a code";
    AskedNowhere { kind: String }, "never_asked.nowhere", "no flow asks for {kind}";
    LetInBefore { before: String, flow: String }, "never_asked.let_in_before", "no flow that you are set up for asks for it: {before} lets you in before {flow} asks";
    AskedWithMore { flow: String, missing: String }, "never_asked.with_more", "no flow that you are set up for asks for it; {flow} would, and for that there must also be: {missing}";
}

impl Wrong {
    /// The code that clients see: `too_short` of `too_short.password`.
    pub fn code(&self) -> &'static str {
        self.key().split('.').next().unwrap_or_default()
    }
}
