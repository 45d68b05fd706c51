//! The reference of the language says what the language is.

use std::path::Path;

use ringfence_policy::{Draft, File, Severity};

fn reference() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/policy-language.md");
    std::fs::read_to_string(path).expect("the page is there")
}

/// Returns the examples of the page, one after another.
fn examples() -> String {
    let page = reference();
    page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn the_examples_of_the_page_are_one_policy_and_its_tests_pass() {
    let duty = "BEGIN:VCALENDAR\nEND:VCALENDAR";
    let mut open = |name: &str, _: &str| Ok(File::new(name, duty));
    let (draft, found) = Draft::read(File::new("page.toml", examples()), &mut open, &[]);
    let wrong: Vec<String> =
        found.iter().filter(|found| found.severity == Severity::Error).map(ToString::to_string).collect();
    assert_eq!(wrong, Vec::<String>::new());
    let tests = draft.run_tests();
    assert_eq!(tests.len(), 6);
    for test in tests {
        assert!(test.passed, "test {}: expected {}, got {}", test.number, test.expected, test.got);
    }
}

#[test]
fn the_page_has_every_key_of_the_language() {
    let (page, schema) = (reference(), ringfence_policy::schema());
    let blocks = schema["$defs"].as_object().unwrap().values().chain([&schema]);
    let keys = blocks.filter_map(|block| block["properties"].as_object()).flat_map(|keys| keys.keys());
    let blocks =
        ["defaults", "line", "group", "treatment", "list", "schedule", "switch", "guard", "rule", "test"];
    let missing: Vec<&String> = keys
        .filter(|key| !page.contains(&format!("`{key}`")) && !blocks.contains(&key.as_str()))
        .filter(|key| !page.contains(&format!("`{{ {key} =")))
        .collect();
    assert_eq!(missing, Vec::<&String>::new());
}

#[test]
fn the_page_has_every_word_of_the_language() {
    fn words(schema: &serde_json::Value, found: &mut Vec<String>) {
        if let Some(words) = schema["enum"].as_array() {
            found.extend(words.iter().filter_map(|word| word.as_str().map(str::to_owned)));
        }
        let items = schema.as_array().into_iter().flatten();
        for inner in items.chain(schema.as_object().into_iter().flat_map(serde_json::Map::values)) {
            words(inner, found);
        }
    }
    let (page, mut found) = (reference(), Vec::new());
    words(&ringfence_policy::schema(), &mut found);
    let is_code_of_a_country = |word: &String| word.len() == 2 && word.chars().all(char::is_uppercase);
    let is_day =
        |word: &String| ["tue", "wed", "thu", "fri", "sat"].contains(&word.as_str()) || word.ends_with("day");
    found.retain(|word| !is_code_of_a_country(word) && !is_day(word) && !page.contains(&format!("`{word}`")));
    assert_eq!(found, Vec::<String>::new());
}
