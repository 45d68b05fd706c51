//! `ringfence list compile` and `ringfence list check`, through the real binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use ringfence_policy::{E164, Set};
use tempfile::TempDir;

struct Home(TempDir);

impl Home {
    fn with(files: &[(&str, &str)]) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            fs::write(home.path(name), text).unwrap();
        }
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Returns all that was printed, and the exit code.
    fn told(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_ringfence"))
            .args(arguments)
            .current_dir(self.0.path())
            .env_clear()
            .env("HOME", self.0.path())
            .env("TZ", "UTC")
            .output()
            .unwrap();
        let text =
            |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(self.0.path().to_str().unwrap(), "~");
        format!("{}{}exit {}\n", text(&output.stdout), text(&output.stderr), output.status.code().unwrap())
    }

    fn set(&self, name: &str) -> Set {
        Set::open(Arc::new(fs::read(self.path(name)).unwrap())).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

const SPOILT: &str = "[defaults]\nregion = \"CH\"\n[account.home]\nuser = \"858\"\ndomain = \"192.0.2.1\"\n\
                      password = \"hunter2\"\n[list.reject]\nsource = \"set:spam.set\"\n";

#[test]
fn a_spoilt_list_is_told_with_its_file_what_was_expected_and_what_to_do() {
    let home = Home::with(&[
        ("ringfence.toml", SPOILT),
        ("spam.set", "number,description\n1,2\n"),
        ("a.txt", "0791234567"),
    ]);
    let told = home.told(&["check"]);
    assert!(told.contains("cannot read the list spam.set: byte 0: expected a compiled list"), "{told}");
    assert!(told.contains("hint: make one with `ringfence list compile`"), "{told}");
    fs::remove_file(home.path("spam.set")).unwrap();
    home.told(&["list", "compile", "a.txt", "-o", "spam.set", "--region", "CH"]);
    let whole = fs::read(home.path("spam.set")).unwrap();
    fs::write(home.path("spam.set"), &whole[..whole.len() - 8]).unwrap();
    let told = home.told(&["check"]);
    assert!(told.contains("hint: the file is damaged: copy or compile it again"), "{told}");
}

#[test]
fn a_list_of_the_configuration_that_is_compiled_goes_out_whole() {
    let home = Home::with(&[("ringfence.toml", SPOILT), ("spam.txt", "+41791234567\n+41791234568\n")]);
    home.told(&["list", "compile", "spam.txt", "-o", "spam.set", "--region", "CH"]);
    let with = |rest: &[&str]| home.told(&[&["--config", "ringfence.toml", "list"], rest].concat());
    let told = with(&["export", "reject", "-o", "out.txt"]);
    assert!(told.starts_with("wrote 2 entries of the reject list"), "{told}");
    assert_eq!(fs::read_to_string(home.path("out.txt")).unwrap().matches("+4179123456").count(), 2);
    let told = with(&["compile", "reject", "-o", "again.set"]);
    assert!(told.starts_with("compiled 2 numbers"), "{told}");
    assert_eq!(home.set("again.set").len(), 2);
}

#[test]
fn a_compiled_list_that_is_not_what_was_written_is_an_error_of_the_configuration() {
    let home = Home::with(&[("ringfence.toml", SPOILT), ("spam.txt", SPAM)]);
    home.told(&["list", "compile", "spam.txt", "-o", "spam.set", "--region", "CH"]);
    assert!(home.told(&["check"]).ends_with("exit 0\n"), "{}", home.told(&["check"]));
    spoil(&home.path("spam.set"), 95);
    let told = home.told(&["check"]);
    assert!(told.contains("cannot use the list spam.set: byte 160: expected the checksum"), "{told}");
    assert!(told.contains("ringfence.toml:8:") && told.contains("hint: the file is damaged"), "{told}");
    assert!(told.ends_with("not usable: 1 error\nexit 1\n"), "{told}");
}

fn numbers(set: &Set) -> Vec<u64> {
    set.iter().map(E164::as_u64).collect()
}

const SPAM: &str = "+41791234567 # wine\n079 123 45 67\n0900*\nanonymous\n555 x\n1002\n";
const COMPLAINTS: &str =
    "Company_Phone_Number,Created_Date\n3125550177,2026-01-01\n,2026-01-02\n2025550100,2026-01-01\n";

#[test]
fn a_text_file_is_compiled_and_what_is_left_out_is_told() {
    let home = Home::with(&[("spam.txt", SPAM)]);
    insta::assert_snapshot!(home.told(&["list", "compile", "spam.txt", "-o", "spam.set", "--region", "CH"]), @"
    compiled 1 number into spam.set: 164 bytes
               3 kept as text: prefixes, ranges, words
               1 left out: they repeat another
               1 left out: they cannot be read
    not read: spam.txt:5: expected a number or a word such as `anonymous`, found `555…`
    exit 0
    ");
    let set = home.set("spam.set");
    assert_eq!((set.name(), set.source()), ("spam", "spam.txt"));
    assert_eq!(numbers(&set), [41_791_234_567]);
    assert_eq!(set.others(), "+41900*\nanonymous\ninternal:1002\n");
}

#[test]
fn files_of_several_forms_and_compiled_ones_become_one() {
    let home = Home::with(&[("spam.txt", SPAM), ("ftc.csv", COMPLAINTS)]);
    home.told(&["list", "compile", "spam.txt", "-o", "old.set", "--region", "CH"]);
    let compile =
        ["list", "compile", "ftc.csv", "old.set", "-o", "all.set", "--region", "US", "--name", "all"];
    insta::assert_snapshot!(home.told(&compile), @"
    compiled 3 numbers into all.set: 203 bytes
               3 kept as text: prefixes, ranges, words
               1 left out: they have no number
    exit 0
    ");
    let set = home.set("all.set");
    assert_eq!(numbers(&set), [12_025_550_100, 13_125_550_177, 41_791_234_567]);
    assert_eq!((set.name(), set.others().lines().count()), ("all", 3));
}

#[test]
fn a_compiled_list_replaces_an_earlier_one_and_nothing_else() {
    let home = Home::with(&[("spam.txt", SPAM), ("more.txt", "+41790000000\n")]);
    home.told(&["list", "compile", "spam.txt", "-o", "spam.set", "--region", "CH"]);
    fs::set_permissions(home.path("spam.set"), fs::Permissions::from_mode(0o660)).unwrap();
    home.told(&["list", "compile", "more.txt", "-o", "spam.set", "--region", "CH"]);
    assert_eq!(numbers(&home.set("spam.set")), [41_790_000_000]);
    // It is mapped only if nobody else may write to it.
    assert_eq!(fs::metadata(home.path("spam.set")).unwrap().mode() & 0o777, 0o640);
    insta::assert_snapshot!(home.told(&["list", "compile", "more.txt", "-o", "spam.txt", "--region", "CH"]), @"
    error: ~/spam.txt is no compiled list, and is not overwritten
    hint: name another file for --output
    exit 2
    ");
    assert_eq!(fs::read_to_string(home.path("spam.txt")).unwrap(), SPAM);
    assert_eq!(home.names(), ["more.txt", "spam.set", "spam.txt"]);
}

#[test]
fn a_failure_leaves_the_earlier_list_and_nothing_beside_it() {
    let home = Home::with(&[("spam.txt", SPAM), ("nonsense.txt", "call me\n")]);
    home.told(&["list", "compile", "spam.txt", "-o", "spam.set", "--region", "CH"]);
    insta::assert_snapshot!(home.told(&["list", "compile", "nonsense.txt", "-o", "spam.set", "--region", "CH"]), @"
    not read: nonsense.txt:1: expected a number or a word such as `anonymous`, found `…`
    error: nothing was compiled: no entry can be read
    hint: say what the files are with --format
    exit 2
    ");
    insta::assert_snapshot!(home.told(&["list", "compile", "none.txt", "-o", "spam.set", "--region", "CH"]), @"
    error: cannot read none.txt: No such file or directory (os error 2)
    hint: name a list of the configuration, or a file
    exit 2
    ");
    insta::assert_snapshot!(home.told(&["list", "compile", "spam.txt", "-o", "spam.set"]), @"
    error: it is not known of which country the numbers are
    hint: say so with --region, such as US
    exit 2
    ");
    assert_eq!(numbers(&home.set("spam.set")), [41_791_234_567]);
    assert_eq!(home.names(), ["nonsense.txt", "spam.set", "spam.txt"]);
}

#[test]
fn a_damaged_list_is_told_by_the_byte() {
    let home = Home::with(&[("spam.txt", SPAM)]);
    home.told(&["list", "compile", "spam.txt", "-o", "spam.set", "--region", "CH"]);
    let day = home.set("spam.set").made().to_string()[..10].to_owned();
    let fine = home.told(&["list", "check", "spam.set"]).replace(&day, "DAY");
    insta::assert_snapshot!(fine, @"
    spam.set: as it was written, `spam` of DAY: 1 number, 3 kept as text
    exit 0
    ");
    spoil(&home.path("spam.set"), 95);
    insta::assert_snapshot!(home.told(&["list", "check", "spam.set"]).split(" checksum").next().unwrap(), @"error: spam.set: byte 160: expected the");
    insta::assert_snapshot!(home.told(&["list", "check", "spam.txt"]), @"
    error: spam.txt: byte 0: expected a compiled list, found something else
    hint: make one with `ringfence list compile`
    exit 2
    ");
}

fn spoil(path: &Path, byte: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[byte] ^= 1;
    fs::write(path, bytes).unwrap();
}
