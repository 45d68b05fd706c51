//! A policy file, and after form feeds the files that it includes or takes for calendars, in the order it asks for them.

use jiff::Timestamp;
use ringfence_policy::{Call, Draft, File, ListSpec, Severity};

/// The policy loads, or each error has its place; and what loads decides every call.
pub fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut files = text.split('\x0c');
    let main = File::new("policy.toml", files.next().unwrap_or_default());
    let mut asked = 0;
    let mut open = |_: &str, _: &str| {
        asked += 1;
        let text = files.next().ok_or_else(|| "no such file".to_owned())?;
        Ok(File::new(format!("included-{asked}.toml"), text))
    };
    let (draft, found) = Draft::read(main, &mut open, &["account"]);
    for found in &found {
        let is_located = found.place.is_some() || found.message.ends_with("are not shown");
        assert!(is_located || found.severity != Severity::Error, "{found:#?}");
        assert!(found.to_string().len() < 8_192, "{found}");
        let is_plain = !found.message.contains(char::is_control);
        assert!(is_plain, "{:?}", found.message);
    }
    let has_errors = found.iter().any(|found| found.severity == Severity::Error);
    let tests = draft.run_tests();
    assert!(tests.is_empty() || !has_errors);
    let Ok(policy) = draft.compile(ListSpec::inline) else {
        assert!(has_errors, "what is found only when the lists are there is no error of the inline entries");
        return;
    };
    assert!(!has_errors);
    for found in draft.check(&policy, Timestamp::UNIX_EPOCH) {
        assert!(found.to_string().len() < 8_192, "{found}");
    }
    for caller in ["+41791234567", "1002", "anonymous", "alice"] {
        let call = Call::told(caller);
        let rule = call.decide(&policy, Timestamp::UNIX_EPOCH, |decision, facts| {
            let explained = decision.explain(&policy, facts, Timestamp::UNIX_EPOCH).to_string();
            assert!(!explained.contains(char::is_control), "{explained:?}");
            decision.rule_id().to_owned()
        });
        assert_eq!(call.trace(&policy, Timestamp::UNIX_EPOCH).decided_by, rule);
    }
}
