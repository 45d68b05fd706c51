//! A policy in shadow mode: what is done, and what is told of it.

use ringfence_testing::Outcome;
use serde_json::json;

use crate::exchange::Exchange;
use crate::home::{CONFIGURATION, Home};

#[test]
fn a_policy_in_shadow_mode_lets_calls_through_and_puts_nobody_on_a_list() {
    let shadow = CONFIGURATION.replace("timezone = \"UTC\"", "timezone = \"UTC\"\nmode = \"shadow\"");
    let adding = "then = \"busy\"\nadd_to = { list = \"allow\", ttl = \"1h\" }";
    let (mut exchange, _program) = Exchange::new(&shadow.replacen("then = \"busy\"", adding, 1));
    assert_eq!(exchange.call("+41791234567"), Outcome::Cancelled);
    assert_eq!(exchange.call("+41791234567"), Outcome::Cancelled);
    let calls = exchange.home.json(&["calls", "--json"]);
    assert_eq!((&calls[0]["rule"], &calls[1]["rule"]), (&"listed".into(), &"listed".into()));
    let reason = calls[0]["reason"].as_str().unwrap();
    assert!(reason.ends_with("the policy is in shadow mode, else it would reject with 486"), "{reason}");
    assert_eq!(exchange.call("+442079460999"), Outcome::Cancelled);
    let stats = &exchange.home.json(&["stats", "--json"])[0];
    assert_eq!(
        (&stats["all"], &stats["shadows"]),
        (&json!({ "ring": 3 }), &json!({ "idea": 2, "listed": 2 }))
    );
    assert_eq!(exchange.home.json(&["replay", "--json"])[0]["different"], 0);
}

#[test]
fn why_calls_and_stats_agree_on_what_shadow_mode_prevents() {
    let home = Home::with_calls();
    let shadow = CONFIGURATION.replace("timezone = \"UTC\"", "timezone = \"UTC\"\nmode = \"shadow\"");
    home.write("ringfence.toml", &shadow);
    let told = home.json(&["why", "0791234567", "--json"]);
    let listed = json!({ "rule": "listed", "action": "busy = reject with 486" });
    assert_eq!(told[0]["shadow"], json!([listed]));
    let told = home.told(&["why", "0791234567"]);
    assert!(told.contains(" shadow       listed would have decided: busy = reject with 486\n"), "{told}");
    assert!(!told.contains("no rule"), "{told}");
    let told = home.told(&["why", "+41445556677"]);
    assert!(told.contains(" shadow       no rule would have done anything but let it ring\n"), "{told}");
    assert!(told.contains("; without shadow mode it would ring as well\n"), "{told}");
    assert_eq!(home.json(&["why", "+41445556677", "--json"])[0]["shadow"], json!([]));
}

#[test]
fn a_policy_in_shadow_mode_that_would_ring_otherwise_would_have_done_nothing_else() {
    let shadow = CONFIGURATION.replace("timezone = \"UTC\"", "timezone = \"UTC\"\nmode = \"shadow\"");
    let quiet = "[treatment.quiet]\nring = { silent = true }\n[[rule]]";
    let shadow = shadow.replacen("[[rule]]", quiet, 1);
    let shadow =
        shadow.replace("id   = \"otherwise\"\nthen = \"ring\"", "id   = \"otherwise\"\nthen = \"quiet\"");
    let (mut exchange, _program) = Exchange::new(&shadow);
    assert_eq!(exchange.call("+442079460999"), Outcome::Cancelled);
    let stats = &exchange.home.json(&["stats", "--json"])[0];
    assert_eq!((&stats["all"], &stats["shadows"]), (&json!({ "ring": 1 }), &json!({ "idea": 1 })));
    assert_eq!(exchange.home.json(&["calls", "--json"])[0]["evidence"]["shadow"], json!(["idea"]));
}
