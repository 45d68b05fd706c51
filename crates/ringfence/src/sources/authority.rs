//! Whether the authorities that vouch for the servers of lists can be read: told by `check`.

use ringfence_policy::{Diagnostic, Draft};

use super::client::authorities;
use super::source::{LookUp, Ready};
use super::spec::{directory, ready};

/// Returns a warning for each list whose server cannot be known by its `ca`, at its first source.
pub(crate) fn unreadable_authorities(draft: &Draft) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    for written in draft.lists() {
        let Some(authority) = ready(written).ok().and_then(|(spec, _)| spec.trust.authority) else {
            continue;
        };
        let mut sources = written.sources().iter();
        let asked = sources.find(|source| {
            Ready::new(&source.source, &directory(&source.file)).is_ok_and(|ready| has_server(&ready))
        });
        if let (Some(source), Err(error)) = (asked, authorities(&authority.path)) {
            let message =
                format!("no server of the list `{}` can be asked, for its `ca`: {error}", written.name());
            let mut warning = Diagnostic::warning(message);
            warning.place = draft.place_of(source);
            warnings
                .push(warning.hint(
                    "`ca` names a file in PEM, the authority that has signed the server's certificate",
                ));
        }
    }
    warnings
}

/// Tells whether a server is asked.
pub(super) fn has_server(source: &Ready) -> bool {
    match source {
        Ready::Source(source) => source.is_fetched(),
        Ready::LookUp(LookUp::PhoneBlock { .. } | LookUp::Service { .. }) => true,
        Ready::LookUp(LookUp::Program { .. }) => false,
    }
}

#[cfg(test)]
mod tests {
    use ringfence_policy::File;

    use super::*;

    #[test]
    fn an_authority_that_cannot_be_read_is_told_where_a_server_is_asked() {
        let home = tempfile::tempdir().unwrap();
        let told = |list: &str| {
            let text = format!(
                "defaults.region = \"CH\"\n[list.spam]\n{list}\nca = \"ca.pem\"\n[[rule]]\nid = \"all\"\nthen = \"ring\"\n"
            );
            let file = File::new(home.path().join("policy.toml").to_string_lossy(), text);
            let (draft, wrong) = Draft::read(file, &mut |_, _| Err("none".to_owned()), &[]);
            assert_eq!(wrong, []);
            unreadable_authorities(&draft)
        };
        let asked = "source = \"lookup:https://a.example/\"";
        let missing = told(asked);
        assert!(missing[0].message.contains("ca.pem"), "{missing:?}");
        assert_eq!(missing[0].place.as_ref().unwrap().line, 3);
        std::fs::write(home.path().join("ca.pem"), "no certificate").unwrap();
        assert!(told(asked)[0].message.ends_with("expected a certificate in PEM, found none"));
        assert_eq!(told("source = \"lookup:exec:ask\""), []);
        std::fs::write(home.path().join("ca.pem"), include_bytes!("tests/data/ca.pem")).unwrap();
        assert_eq!(told(asked), []);
    }
}
