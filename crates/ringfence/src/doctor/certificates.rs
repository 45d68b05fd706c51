//! What a server shows of itself by TLS, and whether that will do tomorrow.

use std::time::SystemTime;

use jiff::Timestamp;
use softphone::examine::{Certificate, Examination, Shown, Tried, Unreached};

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
        Some(Err(why @ Unreached::Certificate(_))) => refused(host, own, &why.to_string(), now),
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

/// Says how long a chain that is accepted still is.
fn accepted(shown: &Shown, own: &Certificate, now: SystemTime) -> Finding {
    let spoken = [shown.version.as_deref(), shown.cipher.as_deref()].into_iter().flatten();
    let spoken: Vec<&str> = spoken.collect();
    let until = shown.chain.iter().map(|certificate| certificate.not_after).min().unwrap_or(own.not_after);
    let days = days(now, until);
    let found = format!(
        "its certificate is accepted: for {}, by {}, for {days} more days ({})",
        names(own),
        visible(&own.issuer),
        spoken.join(", ")
    );
    if days < SOON {
        let remedy = "have the server's operator renew it: when it ends, the line is not registered any more";
        return Finding::new(Topic::Certificate, Severity::Warning, found).remedy(remedy);
    }
    Finding::new(Topic::Certificate, Severity::Ok, found)
}

fn refused(host: &str, own: &Certificate, why: &str, now: SystemTime) -> Finding {
    let new = |found: String| Finding::new(Topic::Certificate, Severity::Error, found);
    if own.not_after < now {
        let ago = days(own.not_after, now);
        return new(format!("its certificate ended {ago} days ago")).remedy(
            "have the server's operator renew it; if this machine's clock is wrong, set it: it says "
                .to_owned()
                + &date(now),
        );
    }
    if own.not_before > now {
        return new(format!("its certificate begins on {} only", date(own.not_before)))
            .remedy(format!("set this machine's clock, which says {}", date(now)));
    }
    if why.contains("another name") {
        return new(format!("its certificate is for {}, and not for {}", names(own), visible(host)))
            .remedy("name the server in `domain` or `outbound_proxy` as its certificate does");
    }
    if why.contains("vouches") {
        let how = if own.subject == own.issuer { "signed by itself" } else { "signed by" };
        let by = if own.subject == own.issuer { String::new() } else { format!(" {}", visible(&own.issuer)) };
        return new(format!("its certificate is {how}{by}, and no authority that is trusted vouches for it")).remedy(
            "get the authority's certificate, or the server's own, from its operator, and name the file in [tls] `trust`",
        );
    }
    new(visible(why)).remedy("have the server's operator look at its certificate")
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

fn days(from: SystemTime, to: SystemTime) -> i64 {
    to.duration_since(from).map_or(0, |time| i64::try_from(time.as_secs() / 86_400).unwrap_or(i64::MAX))
}

fn date(time: SystemTime) -> String {
    Timestamp::try_from(time).map_or_else(|_| "a day out of reach".to_owned(), day)
}
