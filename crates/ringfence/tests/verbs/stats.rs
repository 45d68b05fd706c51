//! `ringfence stats`.

use serde_json::json;

use crate::home::Home;

#[test]
fn stats_count_calls_per_rule_list_line_and_day() {
    let home = Home::with_calls();
    let told = home.told(&["stats"]);
    for expected in [
        "4 calls: 2 rejected, 2 rung\n",
        "RULE       CALLS  OF ALL\n",
        "listed     2       50.0 %  ########################################\n",
        "otherwise  2       50.0 %  ----------------------------------------\n",
        "reject  2       50.0 %",
        "home  4      100.0 %  ####################--------------------\n",
        "# turned away   - let through\n",
    ] {
        assert!(told.contains(expected), "{expected} is not in {told}");
    }
    let stats = home.json(&["stats", "--since", "30h", "--json"]);
    assert_eq!(stats[0]["rules"], json!({ "otherwise": { "ring": 2 } }));
}
