//! Which HTTP requests may come in, by their Host and Origin: a web page open in a browser on this machine must not be able to
//! drive a local server, neither by a cross-site WebSocket nor by rebinding a DNS name to a loopback address.
//!
//! Comparisons are exact. A native client sends a Host, and no Origin.

use hyper::HeaderMap;
use hyper::header::{HOST, HeaderName, ORIGIN};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The Host of a request: there must be one, and it must name a loopback address. The error says what is wrong.
pub fn host(headers: &HeaderMap) -> Result<&str, &'static str> {
    let host = single(headers, &HOST)
        .map_err(|()| "more than one Host, or one that is not text")?
        .ok_or("no Host in the request")?;
    if is_loopback(host) { Ok(host) } else { Err("the Host is not a loopback address") }
}

/// The Origin of a request to `host`. None is fine; one must be the server's own or stand in `listed`.
pub fn origin<'a>(headers: &'a HeaderMap, host: &str, listed: &[String]) -> Result<Option<&'a str>, &'static str> {
    let origin = single(headers, &ORIGIN).map_err(|()| "more than one Origin, or one that is not text")?;
    match origin {
        None => Ok(None),
        Some(origin) if origin.strip_prefix("http://") == Some(host) => Ok(Some(origin)),
        Some(origin) if listed.iter().any(|listed| listed == origin) => Ok(Some(origin)),
        Some(_) => Err("the Origin is neither the server's own nor in the list http.origins"),
    }
}

/// `localhost` or a literal loopback address, with or without a port.
pub fn is_loopback(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if address.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback()) => {
                ("", port)
            }
            _ => return false,
        },
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let known = name.is_empty() && host.starts_with('[')
        || name.eq_ignore_ascii_case("localhost")
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    known && is_port(port)
}

/// Nothing, or a colon and a number.
fn is_port(port: &str) -> bool {
    match port.strip_prefix(':') {
        None => port.is_empty(),
        Some(number) => number.bytes().all(|digit| digit.is_ascii_digit()) && number.parse::<u16>().is_ok(),
    }
}

/// The value of a header that may stand once at most.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(());
    }
    value.to_str().map(Some).map_err(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn headers(name: HeaderName, values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(&name, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn only_literal_loopback_hosts_come_in() {
        for good in
            ["localhost", "LocalHost:40010", "127.0.0.1", "127.0.0.1:1", "127.255.0.3:65535", "[::1]", "[::1]:80"]
        {
            assert_eq!(host(&headers(HOST, &[good.as_bytes()])), Ok(good), "{good}");
        }
        for bad in [
            "evil.test",
            "evil.test:40010",
            "127.0.0.1.evil.test",
            "localhost.evil.test",
            "localhost.",
            "user@localhost",
            "localhost@evil.test",
            "evil.test@127.0.0.1",
            "",
            ":80",
            "[]",
            "[::1",
            "::1",
            "[::1]x",
            "[::2]",
            "[127.0.0.1]",
            "[::ffff:127.0.0.1]",
            "[::1%lo]",
            "127.0.0.1:",
            "127.0.0.1:+1",
            "127.0.0.1:65536",
            "127.0.0.1:80:80",
            "127.1",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "2130706433",
            "0.0.0.0",
            "10.0.0.1",
            "192.168.1.1:80",
            "localhost localhost",
            "localhost/",
            "http://localhost",
        ] {
            assert!(host(&headers(HOST, &[bad.as_bytes()])).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_missing_second_or_malformed_host_is_refused() {
        assert!(host(&HeaderMap::new()).is_err());
        assert!(host(&headers(HOST, &[b"localhost", b"localhost"])).is_err());
        assert!(host(&headers(HOST, &[b"localhost", b"evil.test"])).is_err());
        assert!(host(&headers(HOST, &[b"localhost\xe4"])).is_err());
    }

    #[test]
    fn only_the_own_origin_or_a_listed_one_comes_in() {
        let listed = ["https://tool.test".to_owned()];
        let check = |origin_value: &str, host: &str| {
            origin(&headers(ORIGIN, &[origin_value.as_bytes()]), host, &listed).map(|found| found.map(str::to_owned))
        };
        for (good, host) in [
            ("http://localhost:40010", "localhost:40010"),
            ("http://127.0.0.1:40010", "127.0.0.1:40010"),
            ("http://[::1]", "[::1]"),
            ("https://tool.test", "localhost:40010"),
        ] {
            assert_eq!(check(good, host), Ok(Some(good.to_owned())));
        }
        for bad in [
            "null",
            "",
            "http://evil.test",
            "http://localhost.evil.test",
            "http://localhost.evil.test:40010",
            "http://localhost:40011",
            "http://localhost",
            "https://localhost:40010",
            "HTTP://localhost:40010",
            "http://LOCALHOST:40010",
            "http://localhost:40010/",
            "http://localhost:40010.evil.test",
            "localhost:40010",
            "http://127.0.0.1:40010",
            "http://user@localhost:40010",
            "https://tool.test.evil.test",
            "https://tool.tes",
            "https://tool.test/",
            "http://tool.test",
            "file://",
            "http://localhost:40010 http://localhost:40010",
        ] {
            assert!(check(bad, "localhost:40010").is_err(), "{bad:?}");
        }
    }

    #[test]
    fn no_origin_comes_in_two_or_malformed_ones_do_not() {
        let own = b"http://localhost";
        assert_eq!(origin(&HeaderMap::new(), "localhost", &[]), Ok(None));
        assert!(origin(&headers(ORIGIN, &[own, own]), "localhost", &[]).is_err());
        assert!(origin(&headers(ORIGIN, &[own, b"http://evil.test"]), "localhost", &[]).is_err());
        assert!(origin(&headers(ORIGIN, &[b"http://local\xffhost"]), "localhost", &[]).is_err());
    }
}
