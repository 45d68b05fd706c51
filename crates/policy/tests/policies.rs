//! Whole policies: those the language was designed by, and the project's own examples.

use std::path::{Path, PathBuf};

use ringfence_policy::{Draft, File, ListSpec, Severity};

fn read(path: &Path) -> (Draft, Vec<String>) {
    let file = |path: &Path| {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        Ok::<_, String>(File::new(path.display().to_string(), text))
    };
    let mut beside = |written: &str, of: &str| file(&Path::new(of).with_file_name(written));
    let (draft, diagnostics) = Draft::read(file(path).expect("a policy"), &mut beside, &[]);
    (
        draft,
        diagnostics.iter().filter(|found| found.severity > Severity::Note).map(ToString::to_string).collect(),
    )
}

fn policies_in(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let files = entries.map(|entry| entry.expect("an entry of the folder").path());
    let mut policies: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    policies.sort();
    policies
}

/// Loads the policies of a folder and runs their tests. Returns how many of each there are.
fn run_all(folder: &str) -> (usize, usize, usize) {
    let (mut policies, mut rules, mut tests) = (0, 0, 0);
    for path in policies_in(folder) {
        let (draft, wrong) = read(&path);
        assert_eq!(wrong, Vec::<String>::new());
        let policy = draft.compile(ListSpec::inline).expect("nothing is wrong");
        for test in draft.run_tests() {
            let trace = test.trace.map(|trace| trace.to_string()).unwrap_or_default();
            assert!(test.passed, "{}: expected {}, got {}\n{trace}", path.display(), test.expected, test.got);
            tests += 1;
        }
        policies += 1;
        rules += policy.rules().len();
    }
    (policies, rules, tests)
}

#[test]
fn the_six_policies_the_language_was_designed_by_load_and_their_tests_pass() {
    assert_eq!(run_all("tests/data/policies"), (6, 35, 25));
}

#[test]
fn the_projects_own_examples_load_and_their_tests_pass() {
    let (policies, _, tests) = run_all("../../examples/policies");
    assert_eq!(policies, 6);
    assert!(tests >= 24, "{tests} tests");
}

#[test]
fn every_rule_of_the_projects_own_examples_is_tested() {
    for path in policies_in("../../examples/policies") {
        let text = std::fs::read_to_string(&path).unwrap();
        let (draft, _) = read(&path);
        let policy = draft.compile(ListSpec::inline).unwrap();
        for rule in policy.rules().iter().filter(|rule| !rule.id().starts_with("guard.")) {
            let expected = [format!("rule = \"{}\"", rule.id()), format!("shadow = [\"{}\"]", rule.id())];
            assert!(
                expected.iter().any(|text_of| text.contains(text_of)),
                "{}: {}",
                path.display(),
                rule.id()
            );
        }
    }
}

#[test]
fn the_projects_own_examples_are_odd_only_where_their_files_are_missing() {
    for path in policies_in("../../examples/policies") {
        let (draft, _) = read(&path);
        let policy = draft.compile(ListSpec::inline).unwrap();
        for odd in draft.check(&policy, "2026-03-01T00:00:00Z".parse().unwrap()) {
            assert!(odd.message.ends_with("is empty"), "{odd}");
        }
    }
}

#[test]
fn a_busy_signal_in_place_of_the_announcement_is_told_and_fails_a_test() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/policies/1_home_parallel.toml");
    let text = std::fs::read_to_string(path).unwrap().replacen(
        "then = \"grab\"",
        "then = { reject = { code = 486 } }",
        1,
    );
    let (draft, _) = Draft::read(File::new("home.toml", text), &mut |_, _| Err("none".to_owned()), &[]);
    let policy = draft.compile(ListSpec::inline).unwrap();
    let odd = draft.check(&policy, "2026-03-01T00:00:00Z".parse().unwrap());
    let expected = "rule community-spam: 486 cannot stop the other phones on a parallel line (line home)";
    assert_eq!(odd[0].message, expected);
    let failed: Vec<_> = draft.run_tests().into_iter().filter(|test| !test.passed).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].expected, "community-spam → grab");
    assert_eq!(failed[0].got, "community-spam → reject with 486");
}
