//! Settings of lists that cannot do what they say: told by `check`, at the line of the setting.

use std::path::Path;
use std::time::Duration;

use ringfence_policy::{Diagnostic, Draft, ListSpec as Written};

use super::authority::has_server;
use super::ftc::LONGEST_WINDOW;
use super::signature::PublicKey;
use super::source::{LookUp, Ready, Source};
use super::spec::{LONGEST_INTERVAL, SHORTEST_INTERVAL, credential, directory};

/// Returns a warning for each setting of a list that counts for something else than what it says, or cannot be used here.
pub(crate) fn settings_amiss(draft: &Draft) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    for written in draft.lists() {
        let mut warn = |setting: &str, message: String, hint: &str| {
            let mut warning = Diagnostic::warning(message).hint(hint);
            warning.place = draft.place_of_setting(written, setting);
            warnings.push(warning);
        };
        let sources: Vec<Ready> = ready(written).collect();
        if let Some(Err(error)) = written.public_key().map(PublicKey::parse) {
            let message = format!("no copy of the list `{}` can be taken: {error}", written.name());
            warn(
                "pubkey",
                message,
                "ask the owner of the list for the key, which has 44 characters behind `ed25519:`",
            );
        }
        if let Some(refresh) =
            written.refresh().filter(|it| !(SHORTEST_INTERVAL..=LONGEST_INTERVAL).contains(it))
        {
            let taken = if refresh < SHORTEST_INTERVAL { "1 minute" } else { "31 days" };
            let message =
                format!("expected a `refresh` from 1 minute to 31 days, found another: {taken} is taken");
            warn("refresh", message, "for example: refresh = \"1h\"");
        }
        let most = Duration::from_secs(LONGEST_WINDOW * 24 * 60 * 60);
        let has_days = sources.iter().any(|source| matches!(source, Ready::Source(Source::FtcDnc { .. })));
        if has_days && written.window().is_some_and(|window| window > most) {
            let message = format!(
                "expected a `window` of {LONGEST_WINDOW} days at most, found a longer one: {LONGEST_WINDOW} days are taken"
            );
            warn("window", message, "`ftc-dnc` has a file for each day: window = \"35d\"");
        }
        let secret = credential(written).filter(|_| sources.iter().any(has_server));
        if let Some(Err(error)) = secret.map(|credential| credential.secret.read()) {
            let setting = if written.password_file().is_some() { "password_file" } else { "password_env" };
            let message = format!("no server of the list `{}` can be asked: {error}", written.name());
            warn(
                setting,
                message,
                "it is to be there for the user and in the environment that `ringfence run` has",
            );
        }
        warnings.extend(programs_amiss(draft, written));
    }
    warnings
}

/// Returns a warning for each program that is asked about callers and is none.
fn programs_amiss(draft: &Draft, written: &Written) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    for source in written.sources() {
        let Ok(Ready::LookUp(LookUp::Program { path })) =
            Ready::new(&source.source, &directory(&source.file))
        else {
            continue;
        };
        let Some(why) = no_program(&path) else { continue };
        let message = format!("the list `{}` cannot be asked: {} {why}", written.name(), path.display());
        let mut warning = Diagnostic::warning(message)
            .hint("`lookup:exec:` names an executable file, relative to the policy file; no other place is searched");
        warning.place = draft.place_of(source);
        warnings.push(warning);
    }
    warnings
}

fn ready(written: &Written) -> impl Iterator<Item = Ready> {
    let sources = written.sources().iter();
    sources.filter_map(|source| Ready::new(&source.source, &directory(&source.file)).ok())
}

/// Returns why a file cannot be started.
fn no_program(path: &Path) -> Option<String> {
    match std::fs::metadata(path) {
        Err(error) => Some(format!("cannot be found: {error}")),
        Ok(found) if !found.is_file() => Some("is no file".to_owned()),
        Ok(found) if std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o111 == 0 => {
            Some("is not executable".to_owned())
        }
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use ringfence_policy::File;

    use super::*;

    /// Returns what is told of a list: line and message.
    fn told(list: &str) -> Vec<(usize, String)> {
        let text = format!(
            "defaults.region = \"CH\"\n[list.spam]\n{list}\n[[rule]]\nid = \"all\"\nthen = \"ring\"\n"
        );
        let file = File::new("/nonexistent/policy.toml", text);
        let (draft, wrong) = Draft::read(file, &mut |_, _| Err("none".to_owned()), &[]);
        assert_eq!(wrong, []);
        let told = settings_amiss(&draft).into_iter();
        told.map(|told| (told.place.map_or(0, |place| place.line), told.message)).collect()
    }

    #[test]
    fn what_a_list_says_and_cannot_be_is_told_at_its_line() {
        let web = "source = \"https://a.example/spam.txt\"";
        for (setting, expected) in [
            ("pubkey = \"ed25519:abc\"", "`pubkey` is no key"),
            ("refresh = \"1s\"", "1 minute is taken"),
            ("refresh = \"400d\"", "31 days is taken"),
            ("password_file = \"crm.secret\"", "/nonexistent/crm.secret"),
            ("password_env = \"RINGFENCE_TEST_HAS_NO_SUCH\"", "RINGFENCE_TEST_HAS_NO_SUCH"),
        ] {
            let told = told(&format!("{web}\n{setting}"));
            assert!(matches!(&told[..], [(4, message)] if message.contains(expected)), "{setting}: {told:?}");
        }
        let told_of_days = told("source = \"ftc-dnc\"\nwindow = \"100d\"");
        assert!(
            matches!(&told_of_days[..], [(4, message)] if message.contains("92 days")),
            "{told_of_days:?}"
        );
        let told_of_program = told("source = \"lookup:exec:ask\"");
        assert!(
            matches!(&told_of_program[..], [(3, message)] if message.contains("/nonexistent/ask cannot be found")),
            "{told_of_program:?}"
        );
    }

    #[test]
    fn what_is_in_order_is_not_told() {
        let key = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        let list = format!(
            "source = \"https://a.example/spam.txt\"\npubkey = \"{key}\"\nrefresh = \"1m\"\nwindow = \"100d\""
        );
        assert_eq!(told(&list), []);
        assert_eq!(told("source = \"lookup:exec:/bin/sh\""), []);
        assert_eq!(told("source = \"ftc-dnc\"\nwindow = \"92d\""), []);
    }
}
