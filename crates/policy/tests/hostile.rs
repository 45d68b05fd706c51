//! Policy files that nobody meant: they load, or each error has its place, and nothing takes long.

use std::path::Path;

use proptest::prelude::*;
use ringfence_policy::{Draft, File, ListSpec, Severity};

/// Reads a text, and uses what comes of it. An error has a place; only what is said of all has none.
fn read(text: &str) {
    let mut open = |_: &str, _: &str| Ok(File::new("included.toml", "[list.never_originate]\n"));
    let (draft, found) = Draft::read(File::new("hostile.toml", text), &mut open, &["account"]);
    let errors = found.iter().filter(|found| found.severity == Severity::Error);
    let mut errors = errors.filter(|error| !error.message.ends_with("are not shown"));
    assert!(errors.all(|error| error.place.is_some()), "{found:#?}");
    for found in &found {
        assert!(found.to_string().len() < 8_192, "{found}");
    }
    let _results = draft.run_tests();
    if let Ok(policy) = draft.compile(ListSpec::inline) {
        let _odd = draft.check(&policy, jiff::Timestamp::UNIX_EPOCH);
    }
}

fn policies() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [folder.join("tests/data/policies"), folder.join("../../examples/policies")];
    let files = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).expect("the folder is there"))
        .map(|entry| entry.expect("an entry of the folder").path());
    let mut texts: Vec<String> = files
        .filter(|path| path.is_file())
        .map(|path| std::fs::read_to_string(path).expect("a text"))
        .collect();
    texts.sort();
    texts
}

/// Returns the next character boundary at or before `index`.
fn floor(text: &str, index: usize) -> usize {
    (0..=index.min(text.len())).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0)
}

/// Words of the language and what may stand around them, in any order.
fn word() -> impl Strategy<Value = String> {
    const KNOWN: [&str; 39] = [
        "[[rule]]\n",
        "[list.a]\n",
        "[treatment.a]\n",
        "[line.a]\n",
        "[[test]]\n",
        "id = ",
        "when = ",
        "then = ",
        "{ ",
        " }",
        "\"ring\"",
        "\"a\"",
        "not = ",
        "all = ",
        "caller_in = ",
        "hold = ",
        "seconds = 5",
        ", ",
        "\n",
        "[",
        "]",
        "reject = ",
        "code = 486",
        "entries = ",
        "\"+41*\"",
        "\"/a/\"",
        "call = ",
        "expect = ",
        "rule = ",
        "defaults.region = \"CH\"\n",
        "preset = ",
        "until = 2026-01-01\n",
        "hours = \"22:00-07:00\"",
        "include = \"x\"\n",
        "ics = \"x\"\n",
        "[schedule.a]\n",
        "0",
        "-1",
        "true",
    ];
    prop_oneof![8 => proptest::sample::select(&KNOWN[..]).prop_map(str::to_owned), 1 => "\\PC{0,8}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_words_load_or_have_located_errors(words in proptest::collection::vec(word(), 0..60)) {
        read(&words.concat());
    }

    #[test]
    fn a_policy_with_pieces_cut_out_or_doubled_loads_or_has_located_errors(
        which in 0_usize..100,
        cuts in proptest::collection::vec((0.0..1.0_f64, 0.0..1.0_f64, any::<bool>()), 1..4),
    ) {
        let policies = policies();
        let mut text = policies[which % policies.len()].clone();
        for (from, to, doubled) in cuts {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a text")]
            let place = |part: f64| floor(&text, (part * text.len() as f64) as usize);
            let (from, to) = (place(from.min(to)), place(from.max(to)));
            let piece = text[from..to].to_owned();
            if doubled { text.insert_str(to, &piece) } else { text.replace_range(from..to, "") }
        }
        read(&text);
    }
}

#[test]
fn what_is_deep_or_wide_is_refused_and_does_no_harm() {
    let quote = "\"\"\"";
    for text in [
        "[".repeat(100_000),
        format!("a{} = 1", ".a".repeat(100_000)),
        format!("x = {}1{}", "[".repeat(50_000), "]".repeat(50_000)),
        format!("[[rule]]\nwhen = {}", "{ not = ".repeat(50_000)),
        format!("[list.a]\nentries = [{}]", "\"x\", ".repeat(20_000)),
        (0..12_000)
            .map(|n| format!("[treatment.t{n}]\nhold = {{ seconds = 1, then = \"t{}\" }}\n", n + 1))
            .collect::<Vec<_>>()
            .concat(),
        (0..20_000).map(|n| format!("key{n} = 1\n")).collect::<Vec<_>>().concat(),
        format!("include = [{}]", "\"x\", ".repeat(20_000)),
        format!("defaults.region = {quote}{}{quote}", "C".repeat(1_000_000)),
        "\u{feff}version = 1".to_owned(),
        "\0".to_owned(),
    ] {
        read(&text);
    }
}

#[test]
fn a_file_that_is_too_long_is_refused_before_it_is_read() {
    let text = format!("# {}", "x".repeat(17 * 1024 * 1024));
    let (_, found) = Draft::read(File::new("long.toml", text), &mut |_, _| Err(String::new()), &[]);
    assert!(
        found[0].message.starts_with("expected a policy of at most 16777216 bytes"),
        "{}",
        found[0].message
    );
}
