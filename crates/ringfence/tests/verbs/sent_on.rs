//! Calls that are let through where nothing rings.

use ringfence_testing::Outcome;
use serde_json::json;

use crate::exchange::Exchange;
use crate::home::CONFIGURATION;

/// Returns the policy of a line where nothing rings: what it says of position, and of where a welcome call goes.
fn where_nothing_rings(line: &str) -> String {
    CONFIGURATION.replacen("[list.allow]", &format!("[line.home]\n{line}\n[list.allow]"), 1)
}

#[test]
fn a_call_that_is_let_through_where_nothing_rings_was_sent_on_wherever_it_is_told() {
    let (mut exchange, _program) = Exchange::new(&where_nothing_rings("position = \"inline\"\nring = 404"));
    assert!(matches!(exchange.call("+41225556677"), Outcome::Rejected { status: 404, .. }));
    exchange.call("+41791234567");
    let home = &exchange.home;
    let call = &home.json(&["calls", "--json", "--outcome", "send-on"])[0];
    assert_eq!(call["verdict"], json!({ "action": "send_on", "status": 404 }));
    assert_eq!(call["reason"], "sent on (404): +41225556677 meets no other rule");
    let told = home.told(&["calls"]);
    assert!(told.contains("+41225556677 → home  sent on (404), acknowledged with 404\n"), "{told}");
    let told = home.told(&["why", "c1"]);
    assert!(told.contains(" → home  sent on (404) by otherwise"), "{told}");
    assert!(told.contains(" action       ring = send on (404) (on an inline line)\n"), "{told}");
    assert!(home.told(&["stats"]).contains("2 calls: 1 rejected, 1 sent on\n"), "{}", home.told(&["stats"]));
    assert!(home.told(&["status"]).contains("1 rejected, 0 redirected, 0 rung, 0 ignored, 1 sent on\n"));
    assert_eq!(home.json(&["replay", "--json"])[0]["different"], 0);
    assert!(home.told(&["was-wrong", "c1"]).contains("put +41225556677 on the list reject"));
}

#[test]
fn a_call_that_is_redirected_to_the_phones_was_sent_on_to_them() {
    let (mut exchange, _program) =
        Exchange::new(&where_nothing_rings("position = \"first\"\nring = \"sip:201@pbx.example\""));
    assert!(matches!(exchange.call("+41225556677"), Outcome::Redirected { .. }));
    let home = &exchange.home;
    let call = &home.json(&["calls", "--json"])[0];
    assert_eq!(call["verdict"], json!({ "action": "send_on", "status": 302, "to": "sip:201@pbx.example" }));
    assert_eq!(call["reason"], "sent on to sip:201@pbx.example: +41225556677 meets no other rule");
    assert!(home.told(&["calls"]).contains(" → home  sent on to sip:201@pbx.example"));
    assert_eq!(home.json(&["replay", "--json"])[0]["different"], 0);
    assert!(home.told(&["calls", "--csv"]).contains(",send_on,302,sip:201@pbx.example,otherwise,"));
}
