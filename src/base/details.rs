//! The sentences beside the title of a failure, once: a key, the sentence in English and what stands in it. To add one:
//! a line here.

use super::catalogue::catalogue;

catalogue! {
    /// What is said of one failure beside the title of its code.
    enum Detail;
    /// Every sentence that the server says there; a hook's own reasons are its own.
    const DETAILS;

    WrongSecret { secret: String }, "wrong_secret", "The {secret} is wrong.";
    Asked { what: String }, "not_asked", "The attempt asks for: {what}.";
    ReauthBy { flow: String }, "reauth_by", "Re-authenticate by the flow {flow}.";
    NoReason, "refused.no_reason", "This is not allowed.";
    HookDown, "refused.hook_down", "This cannot be decided now; try again later.";
    OneHost, "host", "Name exactly one host, in Host or :authority.";

    TooSlow, "body.too_slow", "The body came too slowly.";
    NotUtf8, "body.not_utf8", "the body is not UTF-8";
    ByteOrderMark, "body.byte_order_mark", "the body begins with a byte order mark";
    NotJson, "body.not_json", "the body is not valid JSON";
    NoObject, "body.no_object", "the body must be a JSON object";
    MoreBehind, "body.more_behind", "there is something behind the JSON object";
    KeyTwice, "body.key_twice", "a key stands twice in one object";
    ControlCharacters, "body.control_characters", "a text holds control characters";
    TooDeep, "body.too_deep", "the body is nested too deeply";
    TooManyItems, "body.too_many_items", "a list or an object has too many items";
}
