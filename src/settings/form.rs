//! Values that are written as text in one form, which the refusal names.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use url::Url;

use crate::base::net;

/// Reads text with `parse`; `what` is the form that the refusal names.
pub(super) struct Form<T> {
    pub what: &'static str,
    pub parse: fn(&str) -> Option<T>,
}

impl<T> Visitor<'_> for Form<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// `127.0.0.1:8080`
pub(super) fn socket<'de, D: Deserializer<'de>>(d: D) -> Result<SocketAddr, D::Error> {
    d.deserialize_str(Form {
        what: "an address and a port such as \"127.0.0.1:8080\"",
        parse: |t| t.parse().ok(),
    })
}

/// `127.0.0.1:9090`, or nothing.
pub(super) fn socket_or_none<'de, D: Deserializer<'de>>(d: D) -> Result<Option<SocketAddr>, D::Error> {
    d.deserialize_str(Form {
        what: "an address and a port such as \"127.0.0.1:9090\", or \"\" for none",
        parse: |text| if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) },
    })
}

/// `true`, `false`, or nothing.
pub(super) fn flag_or_none<'de, D: Deserializer<'de>>(d: D) -> Result<Option<bool>, D::Error> {
    struct Flag;
    impl Visitor<'_> for Flag {
        type Value = Option<bool>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("true or false, or \"\" for what the mode says")
        }

        fn visit_bool<E: Error>(self, flag: bool) -> Result<Option<bool>, E> {
            Ok(Some(flag))
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Option<bool>, E> {
            let wrong = |_| E::invalid_value(Unexpected::Str(text), &self);
            if text.is_empty() { Ok(None) } else { text.trim().parse().map(Some).map_err(wrong) }
        }
    }
    d.deserialize_any(Flag)
}

/// An absolute URL.
pub(super) fn url<'de, D: Deserializer<'de>>(d: D) -> Result<Url, D::Error> {
    d.deserialize_str(Form {
        what: "a URL such as \"https://id.example.org\"",
        parse: |t| Url::parse(t).ok(),
    })
}

/// An absolute URL, or nothing.
pub(super) fn url_or_none<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Url>, D::Error> {
    d.deserialize_str(Form {
        what: "a URL such as \"https://hooks.example.org/multauth\", or \"\" for none",
        parse: |text| if text.is_empty() { Some(None) } else { Url::parse(text).ok().map(Some) },
    })
}

/// A path, or nothing.
pub(super) fn path_or_none<'de, D: Deserializer<'de>>(d: D) -> Result<Option<std::path::PathBuf>, D::Error> {
    d.deserialize_str(Form {
        what: "a path, or \"\" for none",
        parse: |text| Some((!text.is_empty()).then(|| text.into())),
    })
}

/// Networks; a bare address is a network of one, and IPv4 written as IPv6 is IPv4, as clients are.
pub(super) fn networks<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<IpNet>, D::Error> {
    struct Network(IpNet);
    impl<'de> Deserialize<'de> for Network {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            let what = "an address or a network such as \"10.0.0.0/8\"";
            d.deserialize_str(Form { what, parse: |t| network(t).map(Network) })
        }
    }
    Ok(Vec::<Network>::deserialize(d)?.into_iter().map(|network| network.0).collect())
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from)).map(net::plain)
}
