//! Whether a server answers, and takes the password.

use std::time::Duration;

use softphone::examine::{Answered, AuthError, Denial, Examination, Fetched, Tried, Unanswered};

use super::{Finding, Running, Severity, Topic, severity_of_loss, took};
use crate::config::Account;
use crate::visible::{cut, visible};

/// An answer that takes longer is felt by a caller.
const SLOW: Duration = Duration::from_millis(500);
/// Characters that are told of why a registrar does not let us in.
const MOST_TOLD: usize = 200;

pub(super) fn findings(account: &Account, examined: &Examination, running: &Running) -> Vec<Finding> {
    let mut findings = Vec::new();
    for tried in &examined.tried {
        let has_bindings = tried.bindings.as_ref().is_some_and(|fetched| fetched.response().is_some());
        match &tried.capabilities {
            Some(Ok(answered)) => findings.push(server(account, tried, answered)),
            Some(Err(why)) if has_bindings => findings.push(deaf_to_options(tried, why)),
            Some(Err(why)) => findings.push(silent(examined, tried, why)),
            None => {}
        }
        let is_silent = matches!(tried.capabilities, Some(Err(_))) && !has_bindings;
        if let Some(fetched) = tried.bindings.as_ref().filter(|_| !is_silent) {
            findings.extend(password(account, examined, fetched, running));
        }
    }
    findings
}

fn server(account: &Account, tried: &Tried, answered: &Answered) -> Finding {
    let who = answered.server.as_deref().map(|name| format!(", by {}", visible(name))).unwrap_or_default();
    let (server, status, time) = (tried.server, status(answered), took(answered.took));
    // It may be the proxy, or the registrar behind it.
    let there = if answered.status >= 300 { ", which says that somebody is there" } else { "" };
    let how = format!("{status} in {time}{who}{there}");
    let found = if account.outbound_proxies.is_empty() {
        format!("{server} answers an OPTIONS with {how}")
    } else {
        format!("through {server} an OPTIONS is answered with {how}")
    };
    if answered.status >= 500 && answered.status != 501 {
        let remedy = "it is there and refuses service: ask its operator, and see whether calls come in";
        return Finding::new(Topic::Server, Severity::Warning, found).remedy(remedy);
    }
    if answered.took > SLOW {
        let remedy =
            "it is slow, or packets are lost and sent again: try again, by a wire if this is by radio";
        return Finding::new(Topic::Server, Severity::Warning, found).remedy(remedy);
    }
    Finding::new(Topic::Server, Severity::Ok, found)
}

fn deaf_to_options(tried: &Tried, why: &Unanswered) -> Finding {
    let why = visible(&why.to_string());
    let found = format!("{} answers no OPTIONS ({why}), and answers a REGISTER", tried.server);
    Finding::new(Topic::Server, Severity::Note, found)
}

fn silent(examined: &Examination, tried: &Tried, why: &Unanswered) -> Finding {
    let found = format!("{} does not answer: {}", tried.server, visible(&why.to_string()));
    let remedy = match why {
        Unanswered::Refused => {
            "nothing listens there: compare `domain`, `port` and `transport` with what the PBX says"
        }
        Unanswered::NotSip => {
            "another program listens there: compare `domain`, `port` and `transport` with what the PBX says"
        }
        Unanswered::WantsCertificate => {
            "name yours in [tls] `certificate` and `key`, which its operator gives you"
        }
        Unanswered::Trying(_) => {
            "it is there and cannot finish: what is behind it does not answer; look at its log"
        }
        Unanswered::Closed(_) => {
            "it ends what it does not like: compare `port` and `transport` with what the PBX says, and look at its log"
        }
        Unanswered::Silent(_) | _ => {
            "the address or port is wrong, a firewall drops what is sent, or the PBX has banned this address \
             (fail2ban): look at the PBX's log, and at `domain`, `port` and `transport`"
        }
    };
    Finding::new(Topic::Server, severity_of_loss(examined), found).remedy(remedy)
}

fn password(
    account: &Account,
    examined: &Examination,
    fetched: &Fetched,
    running: &Running,
) -> Option<Finding> {
    let topic = Topic::Password;
    Some(match fetched {
        Fetched::Listed { is_challenged: true, .. } => {
            Finding::new(topic, Severity::Ok, "the registrar takes the user and the password")
        }
        Fetched::Listed { .. } => {
            let found = "the registrar does not ask who we are before it lists who is registered";
            Finding::new(topic, Severity::Warning, found).remedy(
                "the password was not tried; a PBX that asks nobody for one may have its calls taken by anybody",
            )
        }
        Fetched::Denied { why, response } => denied(account, why, response, running),
        Fetched::Refused { is_challenged, response } => refused(examined, *is_challenged, response),
        Fetched::Unanswered(why) => {
            let found = format!("a REGISTER is not answered: {}", visible(&why.to_string()));
            let remedy = "an OPTIONS is, so that the way is right: what keeps the PBX from answering stands in its log";
            Finding::new(topic, severity_of_loss(examined), found).remedy(remedy)
        }
        _ => return None,
    })
}

fn denied(account: &Account, why: &Denial, response: &Answered, running: &Running) -> Finding {
    // A registrar names its realm as it likes.
    let told = visible(&cut(&why.to_string(), MOST_TOLD));
    let found = format!("the registrar does not let us in ({}): {told}", status(response));
    let new =
        |severity, remedy: String| Finding::new(Topic::Password, severity, found.clone()).remedy(remedy);
    match why {
        Denial::NoPassword => {
            // The service may have what this shell has not.
            let severity = if running.is_registered() { Severity::Note } else { Severity::Error };
            let remedy = "set `password` or `password_file`; the variable that `password_env` names is to be set here as it is \
                          for the program that runs";
            new(severity, remedy.to_owned())
        }
        Denial::Challenge(AuthError::WrongPassword { .. }) => {
            let user = if account.auth_user.is_some() {
                "`auth_user`"
            } else {
                "`user` (or `auth_user`, if it has another)"
            };
            new(
                Severity::Error,
                format!(
                    "compare {user} and the password with what the PBX or the provider says: the password is the one for \
                     SIP, not the one for its web page"
                ),
            )
        }
        Denial::Challenge(AuthError::Downgrade { .. }) => new(
            Severity::Error,
            "somebody may be on the way: use `transport = \"tls\"`, or have the PBX ask for one algorithm"
                .to_owned(),
        ),
        Denial::Challenge(AuthError::NoUsableChallenge { .. }) => new(
            Severity::Error,
            "have the PBX ask for a Digest with MD5, SHA-256 or SHA-512-256: nothing else is answered"
                .to_owned(),
        ),
        Denial::Challenge(AuthError::TooManyChallenges { .. }) => {
            new(Severity::Error, "what it wants stands in its log, if anywhere: ask its operator".to_owned())
        }
    }
}

/// What else than yes and no a registrar may say to the question which bindings there are.
fn refused(examined: &Examination, is_challenged: bool, response: &Answered) -> Finding {
    let status = status(response);
    let new = |severity, found: String| Finding::new(Topic::Password, severity, found);
    match response.status {
        403 => {
            let password = if is_challenged {
                ", or the password is wrong: FreeSWITCH and others answer 403 to it; compare it, and"
            } else {
                ":"
            };
            let remedy = format!(
                "the user is not known there, is locked, or may not register from this address{password} ask the PBX's operator"
            );
            new(Severity::Error, format!("the registrar refuses the account: {status}")).remedy(remedy)
        }
        404 | 604 => new(Severity::Error, format!("the registrar does not know the user: {status}"))
            .remedy("compare `user` and `domain` with what the PBX or the provider says"),
        300..=399 => new(Severity::Note, format!("the registrar sends us elsewhere: {status}")).remedy(
            "a line that registers goes there; this examination does not, as it is not who the account names",
        ),
        503 => new(severity_of_loss(examined), format!("the registrar is out of service: {status}"))
            .remedy("wait, and ask its operator"),
        _ => new(
            Severity::Note,
            format!(
                "the registrar does not say which bindings there are ({status}): whether the password is right is not known"
            ),
        ),
    }
}

/// Returns a status as a response has it.
fn status(response: &Answered) -> String {
    format!("{} {}", response.status, visible(&response.phrase)).trim_end().to_owned()
}
