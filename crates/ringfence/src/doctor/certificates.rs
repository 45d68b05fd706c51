//! What a server shows of itself by TLS, and whether that will do tomorrow.

use std::time::SystemTime;

use jiff::Timestamp;
use softphone::examine::{Certificate, Distrust, Examination, Shown, Tried, Unreached};

use super::{Finding, Severity, Topic};
use crate::cli::day;
use crate::visible::visible;

/// Certificates that are renewed by a machine are renewed before this: who sees less forgot.
const SOON: i64 = 14;
/// Names that are told of one certificate.
const MOST_NAMES: usize = 5;

pub(super) fn findings(examined: &Examination, now: SystemTime) -> Vec<Finding> {
    examined.tried.iter().filter_map(|tried| finding(&examined.host, tried, now)).collect()
}

fn finding(host: &str, tried: &Tried, now: SystemTime) -> Option<Finding> {
    let shown = tried.shown.as_ref()?;
    let own = shown.chain.first()?;
    let details = shown.chain.iter().map(told).collect();
    let finding = match &tried.connected {
        Some(Err(Unreached::Certificate(why))) => refused(host, own, why, now),
        Some(Ok(_)) if shown.is_anyone => {
            let found = format!(
                "any certificate is accepted, this one for {}, by {}",
                names(own),
                visible(&own.issuer)
            );
            Finding::new(Topic::Certificate, Severity::Warning, found).remedy(
                "whoever is on the way can answer for the server and read calls: take `accept_any_certificate` out of \
                 [tls], and name the server's authority in `trust`",
            )
        }
        Some(Ok(_)) => accepted(shown, own, now),
        // What failed came after it, and is told.
        Some(Err(_)) | None => return None,
    };
    Some(finding.details(details))
}

/// Says how long a certificate that is accepted still is. What else was shown may have ended, and was not needed.
fn accepted(shown: &Shown, own: &Certificate, now: SystemTime) -> Finding {
    let spoken = [shown.version.as_deref(), shown.cipher.as_deref()].into_iter().flatten();
    let spoken: Vec<&str> = spoken.collect();
    let left = days(now, own.not_after);
    let (for_whom, by) = (names(own), visible(&own.issuer));
    let found = format!(
        "its certificate is accepted: for {for_whom}, by {by}, for {} more ({})",
        counted(left),
        spoken.join(", ")
    );
    if left < SOON {
        let remedy = "have the server's operator renew it: when it ends, the line is not registered any more";
        return Finding::new(Topic::Certificate, Severity::Warning, found).remedy(remedy);
    }
    Finding::new(Topic::Certificate, Severity::Ok, found)
}

fn refused(host: &str, own: &Certificate, why: &Distrust, now: SystemTime) -> Finding {
    let new = |found: String| Finding::new(Topic::Certificate, Severity::Error, found);
    let issuer = visible(&own.issuer);
    match why {
        Distrust::Expired => {
            let ago = counted(days(own.not_after, now));
            new(format!("its certificate is not accepted: it ended {ago} ago")).remedy(format!(
                "have the server's operator renew it; if this machine's clock is wrong, set it: it says {}",
                date(now)
            ))
        }
        Distrust::NotYetValid => {
            new(format!("its certificate is not accepted: it begins on {} only", date(own.not_before)))
                .remedy(format!("set this machine's clock, which says {}", date(now)))
        }
        Distrust::OtherName if own.names.is_empty() => {
            new("its certificate is not accepted: it names nobody (it has no subjectAltName)".to_owned())
                .remedy(format!("have one made that names {}: a common name (CN) counts no more", visible(host)))
        }
        Distrust::OtherName => {
            new(format!("its certificate is not accepted: it is for {}, and not for {}", names(own), visible(host)))
                .remedy(
                    "name the server in `domain` or `outbound_proxy` as its certificate does; one that names a `sip:` domain \
                     is for that alone (RFC 5922)",
                )
        }
        Distrust::UnknownIssuer if own.subject == own.issuer => {
            new("its certificate is not accepted: it is signed by itself, and not among those that are trusted".to_owned())
                .remedy("get it from the server's operator, not from the network, and name the file in [tls] `trust`")
        }
        Distrust::UnknownIssuer => {
            new(format!("its certificate is not accepted: no authority that is trusted vouches for it, but {issuer}"))
                .remedy("get that authority's certificate from the server's operator, and name the file in [tls] `trust`")
        }
        Distrust::Authority => {
            new("its certificate is not accepted: it is an authority's own (CA:TRUE), and no server's".to_owned())
                .remedy("have one made for the server: by openssl with -addext basicConstraints=critical,CA:FALSE")
        }
        Distrust::OtherIssuer | Distrust::Other(_) | _ => {
            new(format!("its certificate is not accepted: {}", visible(&why.to_string())))
                .remedy("have the server's operator look at it")
        }
    }
}

/// Writes a certificate on a line.
fn told(certificate: &Certificate) -> String {
    let Certificate { subject, issuer, not_before, not_after, .. } = certificate;
    let (subject, issuer) = (visible(subject), visible(issuer));
    let subject = if subject.is_empty() { names(certificate) } else { subject };
    format!("{subject}, by {issuer}, {} to {}", date(*not_before), date(*not_after))
}

fn names(certificate: &Certificate) -> String {
    let names = &certificate.names;
    if names.is_empty() {
        return "no name".to_owned();
    }
    let mut told: Vec<String> = names.iter().take(MOST_NAMES).map(|name| visible(name)).collect();
    if names.len() > MOST_NAMES {
        told.push(format!("{} more", names.len() - MOST_NAMES));
    }
    told.join(", ")
}

fn counted(days: i64) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

fn days(from: SystemTime, to: SystemTime) -> i64 {
    to.duration_since(from).map_or(0, |time| i64::try_from(time.as_secs() / 86_400).unwrap_or(i64::MAX))
}

fn date(time: SystemTime) -> String {
    Timestamp::try_from(time).map_or_else(|_| "a day out of reach".to_owned(), day)
}
