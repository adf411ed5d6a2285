//! Lists of the sentences that people are shown. Each has a key and names what stands in it, so that the same list in
//! another language can be proved whole.

/// A sentence of a list.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, stable and once in its list: `too_short`, or with a context `too_short.password`.
    pub key: &'static str,
    /// The sentence in English, with its parameters in braces: `needs at least {least} characters`.
    pub sentence: &'static str,
    /// The names of its parameters.
    pub parameters: &'static [&'static str],
}

/// Makes an enum of `Variant { parameter: Type }, "key", "sentence";` and the list of its entries. A sentence that does
/// not say exactly its parameters does not compile.
macro_rules! catalogue {
    (
        $(#[$about:meta])* enum $name:ident;
        $(#[$listed:meta])* const $list:ident;
        $($variant:ident $({ $($parameter:ident: $kind:ty),+ })?, $key:literal, $sentence:literal;)+
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $(
                #[doc = concat!("`", $key, "`: ", $sentence)]
                $variant $({ $(#[doc = "As the sentence has it."] $parameter: $kind),+ })?,
            )+
        }

        $(#[$listed])*
        pub const $list: &[$crate::base::catalogue::Entry] = &[$(
            $crate::base::catalogue::Entry {
                key: $key,
                sentence: $sentence,
                parameters: &[$($(stringify!($parameter)),+)?],
            },
        )+];

        impl $name {
            /// The key of its entry.
            pub const fn key(&self) -> &'static str {
                match self {
                    $(Self::$variant $({ $($parameter: _),+ })? => $key,)+
                }
            }
        }

        /// The sentence in English.
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(
                        Self::$variant $({ $($parameter),+ })? => {
                            write!(f, $sentence $(, $($parameter = $parameter),+)?)
                        }
                    )+
                }
            }
        }
    };
}

pub(crate) use catalogue;
