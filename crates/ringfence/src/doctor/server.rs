//! Whether a server answers, and takes the password.

use std::time::Duration;

use softphone::examine::{Answered, Examination, Fetched, Tried, Unanswered};

use super::{Finding, Severity, Topic, took};
use crate::config::Account;
use crate::visible::visible;

/// An answer that takes longer is felt by a caller.
const SLOW: Duration = Duration::from_millis(500);

pub(super) fn findings(account: &Account, examined: &Examination) -> Vec<Finding> {
    let mut findings = Vec::new();
    for tried in &examined.tried {
        let has_bindings = !matches!(tried.bindings, None | Some(Fetched::Unanswered(_)));
        match &tried.capabilities {
            Some(Ok(answered)) => findings.push(server(tried, answered)),
            Some(Err(why)) if has_bindings => findings.push(deaf_to_options(tried, why)),
            Some(Err(why)) => findings.push(silent(tried, why)),
            None => {}
        }
        if let Some(fetched) = &tried.bindings {
            findings.extend(password(account, fetched));
        }
    }
    findings
}

fn server(tried: &Tried, answered: &Answered) -> Finding {
    let who = answered.server.as_deref().map(|name| format!(" and calls itself {}", visible(name)));
    let found = format!(
        "{} answers an OPTIONS with {} in {}{}",
        tried.server,
        status(answered),
        took(answered.took),
        who.unwrap_or_default()
    );
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
    let found = format!("{} answers no OPTIONS ({why}), and answers a REGISTER", tried.server);
    Finding::new(Topic::Server, Severity::Note, found)
}

fn silent(tried: &Tried, why: &Unanswered) -> Finding {
    let found = format!("{} does not answer: {}", tried.server, visible(&why.to_string()));
    let remedy = match why {
        Unanswered::Ended(_) => {
            "nothing listens there, or it ends what it does not like: compare `domain`, `port` and `transport` with \
             what the PBX says"
        }
        Unanswered::Silent(_) | _ => {
            "the address or port is wrong, a firewall drops what is sent, or the PBX has banned this address \
             (fail2ban): look at the PBX's log, and at `domain`, `port` and `transport`"
        }
    };
    Finding::new(Topic::Server, Severity::Error, found).remedy(remedy)
}

fn password(account: &Account, fetched: &Fetched) -> Option<Finding> {
    let topic = Topic::Password;
    Some(match fetched {
        Fetched::Listed { is_challenged: true, .. } => {
            Finding::new(topic, Severity::Ok, "the registrar takes the user and the password")
        }
        Fetched::Listed { .. } => {
            let found = "the registrar does not ask who we are before it lists who is registered";
            Finding::new(topic, Severity::Warning, found)
                .remedy("the password was not tried; a PBX that asks nobody for one may have its calls taken by anybody")
        }
        Fetched::Unauthenticated { why, response } => {
            let found = format!("the registrar does not let us in ({}): {}", status(response), visible(why));
            let user = if account.auth_user.is_some() {
                "`auth_user`"
            } else {
                "`user`, and `auth_user` if it has another"
            };
            let remedy = format!(
                "compare {user} and the password with what the PBX or the provider says: it is the one for SIP, not the one of its web page"
            );
            Finding::new(topic, Severity::Error, found).remedy(remedy)
        }
        Fetched::Refused { response } => refused(response),
        Fetched::Unanswered(why) => {
            let found = format!("a REGISTER that changes nothing was not answered ({why})");
            Finding::new(
                topic,
                Severity::Note,
                format!("{found}: whether the password is right is not known"),
            )
        }
        _ => return None,
    })
}

/// What else than yes and no a registrar may say to the question which bindings there are.
fn refused(response: &Answered) -> Finding {
    let status = status(response);
    let topic = Topic::Password;
    match response.status {
        403 => Finding::new(topic, Severity::Error, format!("the registrar refuses the account: {status}"))
            .remedy("the user is not known there, is locked, or may not register from this address: ask the PBX's operator"),
        404 | 604 => Finding::new(topic, Severity::Error, format!("the registrar does not know the user: {status}"))
            .remedy("compare `user` and `domain` with what the PBX or the provider says"),
        300..=399 => Finding::new(topic, Severity::Note, format!("the registrar sends us elsewhere: {status}"))
            .remedy("a line that registers goes there; this examination does not, as it is not who the account names"),
        503 => Finding::new(topic, Severity::Error, format!("the registrar is out of service: {status}"))
            .remedy("wait, and ask its operator"),
        _ => Finding::new(
            topic,
            Severity::Note,
            format!("the registrar does not say which bindings there are ({status}): whether the password is right is not known"),
        ),
    }
}

/// Returns a status as a response has it.
fn status(response: &Answered) -> String {
    format!("{} {}", response.status, visible(&response.phrase)).trim_end().to_owned()
}
