//! `ringfence list import` and `export`, through the real binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A directory with a configuration, in which the program is run.
struct Home(tempfile::TempDir);

const CONFIGURATION: &str = "\
[softphone]
control = \"control/s\"

[defaults]
region = \"US\"

[account.home]
user = \"858\"
domain = \"192.0.2.1\"
password = \"hunter2\"

[list.reject]
entries = [\"anonymous\"]
files = [\"spam.txt\"]

[list.allow]
entries = [
  \"+13125550100\", # Son
]
";

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        home.write("ringfence.toml", CONFIGURATION);
        home.write("spam.txt", "(312) 555-0177  # wine\n1 900*");
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
        std::fs::set_permissions(self.path(name), PermissionsExt::from_mode(0o600)).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn told(&self, arguments: &[&str]) -> String {
        self.told_with(arguments, "")
    }

    /// Returns all that was printed, and the exit code.
    fn told_with(&self, arguments: &[&str], input: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
        command.args(arguments).current_dir(self.0.path()).env_clear().env("HOME", self.0.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut program = command.spawn().unwrap();
        // A program that reads no input may be gone already.
        let _ = program.stdin.take().unwrap().write_all(input.as_bytes());
        let output = program.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        format!("{}{}exit {}\n", text(&output.stdout), text(&output.stderr), output.status.code().unwrap())
    }
}

const LIST: &str = "number,description\n3125550177,again\n+18005550199,\"Survey, weekly\"\n(800) 555-0199,twice\n\
                    5550140,no area\n,withheld\n911,no\n\"open\n";

#[test]
fn a_directory_is_read_as_vcards() {
    let home = Home::new();
    let family = "\n[list.family]\nsource = \"cards\"\n\
                  [[rule]]\nid = \"family\"\nwhen = { caller_in = \"family\" }\nthen = \"busy\"\n\
                  [[rule]]\nid = \"everyone-else\"\nthen = \"ring\"\n";
    home.write("ringfence.toml", format!("{CONFIGURATION}{family}"));
    std::fs::create_dir(home.path("cards")).unwrap();
    assert!(home.told(&["check"]).contains("cards: expected vCards with numbers, found none"));
    for (name, number) in
        [("anna.vcf", "+13125550101"), ("bert.VCF", "+13125550102"), ("note.txt", "+13125550103")]
    {
        let card = format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:x\r\nTEL:{number}\r\nEND:VCARD\r\n");
        home.write(&format!("cards/{name}"), card);
    }
    let told = home.told(&["check"]);
    assert!(told.contains(" 6 entries") && !told.contains("warning"), "{told}");
}

#[test]
fn an_import_adds_what_is_new_and_tells_what_became_of_the_rest() {
    let home = Home::new();
    home.write("list.csv", LIST);
    let told = home.told(&["list", "import", "list.csv", "--to", "reject"]);
    assert!(told.contains("read 5 rows of list.csv (csv)\nadded 1 entry to the reject list in "), "{told}");
    for line in [
        "       2 already there\n",
        "       1 ambiguous: told above, not added\n",
        "       1 wrong: told above, not added\n",
        "       1 without a number\n",
        "       1 emergency numbers, which cannot be blocked\n",
        "ambiguous: list.csv:5: expected one number, found `5550140`: 5550140 lacks its area code",
        "not read: list.csv:8:1: expected a quote that ends this field, found `…`",
        "exit 1\n",
    ] {
        assert!(told.contains(line), "{line}{told}");
    }
    assert_eq!(home.read("spam.txt"), "(312) 555-0177  # wine\n1 900*\n+18005550199  # Survey, weekly\n");
}

#[test]
fn an_import_reads_numbers_by_the_region_of_the_list() {
    let home = Home::new();
    let german = "[list.german]\nregion = \"DE\"\nfiles = [\"german.txt\"]\n";
    home.write("ringfence.toml", format!("{CONFIGURATION}{german}"));
    home.write("german.txt", "030 123456\n");
    home.write("more.txt", "044 668 1800\n");
    let told = home.told(&["list", "import", "more.txt", "--to", "german"]);
    assert!(told.contains("added 1 entry to the german list"), "{told}");
    assert_eq!(home.read("german.txt"), "030 123456\n+49446681800\n");
    home.told(&["list", "import", "more.txt", "--to", "german", "--region", "CH"]);
    assert_eq!(home.read("german.txt"), "030 123456\n+49446681800\n+41446681800\n");
}

#[test]
fn an_import_is_told_without_being_done() {
    let home = Home::new();
    home.write("list.csv", LIST);
    let told = home.told(&["list", "import", "list.csv", "--to", "allow", "--dry-run"]);
    assert!(told.contains("would add 3 entries to the allow list\n"), "{told}");
    assert_eq!(home.read("ringfence.toml"), CONFIGURATION);
    assert_eq!(home.read("spam.txt"), "(312) 555-0177  # wine\n1 900*");
}

#[test]
fn contacts_from_the_standard_input_go_to_the_configuration_with_their_names() {
    let home = Home::new();
    let cards = "BEGIN:VCARD\nFN:Dr. Lee\nTEL:(312) 555-0111\nTEL:312 555 0100\nEND:VCARD\n";
    let told = home.told_with(&["list", "import", "-", "--to", "allow"], cards);
    assert!(
        told.starts_with("read 2 rows of standard input (vcard)\nadded 1 entry to the allow list in "),
        "{told}"
    );
    assert!(told.ends_with("       1 already there\nexit 0\n"), "{told}");
    let entries = "  \"+13125550100\", # Son\n  \"+13125550111\", # Dr. Lee\n]\n";
    assert!(home.read("ringfence.toml").ends_with(entries), "{}", home.read("ringfence.toml"));
}

#[test]
fn an_import_twice_adds_nothing_the_second_time() {
    let home = Home::new();
    home.write("contacts.txt", "0044 1632 960123\n+41 44 123*\n");
    let arguments = ["list", "import", "contacts.txt", "--to", "reject", "--region", "GB"];
    assert!(home.told(&arguments).contains("added 2 entries"));
    let told = home.told(&arguments);
    assert!(told.contains("added nothing to the reject list\n       2 already there\nexit 0\n"), "{told}");
}

#[test]
fn columns_are_those_that_are_named() {
    let home = Home::new();
    home.write("crm.txt", "id;blocked;why\n1;800-555-0199;pest\n");
    let arguments =
        ["list", "import", "crm.txt", "--to", "reject", "--number-column", "blocked", "--name-column", "why"];
    assert!(home.told(&arguments).contains("added 1 entry"), "{}", home.told(&arguments));
    assert!(home.read("spam.txt").ends_with("\n+18005550199  # pest\n"));
    let told = home.told(&["list", "import", "crm.txt", "--to", "reject", "--number-column", "tel"]);
    assert!(
        told.contains("not read: crm.txt:1:1: expected a column of the name that was asked for"),
        "{told}"
    );
}

#[test]
fn any_list_of_the_policy_is_added_to_and_written_and_no_other() {
    let home = Home::new();
    home.write("ringfence.toml", format!("{CONFIGURATION}\n[list.pests]\nfiles = [\"pests.txt\"]\n"));
    home.write("pests.txt", "");
    let told = home.told_with(&["list", "import", "-", "--to", "pests"], "3125550140 # wine\n");
    assert!(told.contains("added 1 entry to the pests list in "), "{told}");
    assert_eq!(home.read("pests.txt"), "+13125550140  # wine\n");
    let told = home.told(&["list", "export", "pests", "--format", "ncid"]);
    assert_eq!(told, "^1?3125550140  #= wine\nexit 0\n");
    let told = home.told(&["list", "export", "pest"]);
    assert!(told.contains("error: the policy has no list `pest`\nhint: the lists are: "), "{told}");
}

#[test]
fn what_looks_like_no_list_is_not_imported() {
    let home = Home::new();
    home.write("list", "<!DOCTYPE html><html></html>");
    let told = home.told(&["list", "import", "list", "--to", "reject"]);
    assert!(
        told.contains(
            "error: list looks like no list\nhint: say what it is with --format, one of text, csv,"
        ),
        "{told}"
    );
    assert!(told.ends_with("exit 2\n"), "{told}");
}

#[test]
fn hundreds_of_entries_do_not_go_into_the_configuration() {
    let home = Home::new();
    let numbers: Vec<String> = (0..600).map(|number| format!("+1312555{number:04}\n")).collect();
    let told = home.told_with(&["list", "import", "-", "--to", "allow"], &numbers.concat());
    assert!(told.contains("error: 599 entries are too many to stand in the configuration\n"), "{told}");
    assert!(
        told.contains("hint: give the list a file: files = [\"allow.txt\"] under [list.allow]"),
        "{told}"
    );
    assert_eq!(home.read("ringfence.toml"), CONFIGURATION);
}

#[test]
fn an_export_tells_what_it_leaves_out() {
    let home = Home::new();
    let told = home.told(&["list", "export", "reject", "--format", "freeswitch"]);
    assert_eq!(
        told,
        "+13125550177\n2 entries left out: freeswitch cannot carry them\nhint: --format csv carries everything\nexit 1\n"
    );
    let told = home.told(&["list", "export", "reject"]);
    assert_eq!(told, "+13125550177  # wine\n+1900*\nanonymous\nexit 0\n");
}

#[test]
fn an_export_overwrites_no_file_unless_it_is_told_to() {
    let home = Home::new();
    home.write("out.txt", "precious");
    let told = home.told(&["list", "export", "reject", "-o", "out.txt"]);
    let expected =
        "error: out.txt is there already\nhint: --force overwrites it, or name another file\nexit 2\n";
    assert_eq!((told.as_str(), home.read("out.txt").as_str()), (expected, "precious"));
    let told = home.told(&["list", "export", "reject", "-o", "out.txt", "--force"]);
    assert!(told.starts_with("wrote 3 entries of the reject list to out.txt"), "{told}");
    assert_eq!(home.read("out.txt"), "+13125550177  # wine\n+1900*\nanonymous\n");
    let told = home.told(&["list", "export", "reject", "-o", "."]);
    assert_eq!(told, "error: cannot write .: it is a directory\nhint: name a file in it\nexit 2\n");
    assert!(home.told(&["list", "export", "reject", "-o", "/dev/null", "--force"]).ends_with("exit 2\n"));
}

/// Has a program live by files of all kinds: more of its policy, a password, a compiled list, a journal, a link to one.
fn live_by_many_files(home: &Home) {
    let text = CONFIGURATION.replace("password = \"hunter2\"", "password_file = \"secret\"");
    let set = "[list.robots]\nsource = \"set:robots.set\"\n[journal]\npath = \"calls.db\"\n";
    home.write("ringfence.toml", format!("include = [\"more.toml\"]\n{text}{set}"));
    home.write("more.toml", "");
    home.write("secret", "hunter2\n");
    home.write("robots.txt", "+13125550199\n");
    home.told(&["list", "compile", "robots.txt", "-o", "robots.set", "--region", "US"]);
    std::fs::create_dir(home.path("control")).unwrap();
    std::os::unix::fs::symlink(home.path("ringfence.toml"), home.path("link")).unwrap();
}

#[test]
fn an_export_never_overwrites_a_file_that_the_program_lives_by() {
    let home = Home::new();
    live_by_many_files(&home);
    let own = [
        "ringfence.toml",
        "link",
        "more.toml",
        "secret",
        "spam.txt",
        "robots.set",
        "calls.db",
        "calls.db-wal",
        "calls.db.lock",
        "ringfence.instance",
        "control/s",
        "control/s.lock",
    ];
    for file in own {
        let before = std::fs::read(home.path(file)).ok();
        let told = home.told(&["list", "export", "reject", "-o", file, "--force"]);
        assert!(told.contains("and is not overwritten\nhint: name another file\nexit 2\n"), "{file}: {told}");
        assert_eq!(std::fs::read(home.path(file)).ok(), before, "{file}");
    }
}

#[test]
fn an_export_is_read_again_as_the_same_list() {
    let home = Home::new();
    for file in ["out.csv", "out.txt"] {
        let told = home.told(&["list", "export", "reject", "-o", file]);
        assert!(told.starts_with("wrote 3 entries of the reject list to out."), "{told}");
        let told = home.told(&["list", "import", file, "--to", "reject"]);
        assert!(
            told.contains("added nothing to the reject list\n       3 already there\nexit 0\n"),
            "{told}"
        );
    }
    assert_eq!(home.read("out.csv"), "number,description\r\n+13125550177,wine\r\n+1900*,\r\nanonymous,\r\n");
    let told = home.told(&["list", "export", "allow", "-o", "mom.vcf"]);
    assert_eq!(told, "wrote 1 entry of the allow list to mom.vcf (vcard)\nexit 0\n");
    assert!(home.read("mom.vcf").contains("FN:Son\r\nN:Son;;;;\r\nTEL;TYPE=VOICE:+13125550100\r\n"));
}

#[test]
fn of_a_file_that_is_no_list_no_word_is_shown_but_where_and_what_was_expected() {
    let home = Home::new();
    home.write("key", "-----BEGIN PRIVATE KEY-----\nswordfish/Hunter2+AAAC3NzaC1lZDI1NTE5\nroot:$6$swordfish\n/(swordfish/\n");
    let mut told = Vec::new();
    for format in ["text", "csv", "vcard", "callblocker", "ncid", "freeswitch", "asterisk"] {
        told.push(home.told(&["list", "import", "key", "--to", "allow", "--dry-run", "--format", format]));
    }
    told.push(home.told(&["list", "compile", "key", "-o", "key.set", "--region", "US"]));
    for list in ["files = [\"key\"]", "source = \"text:key\"", "source = \"csv:key\""] {
        home.write("ringfence.toml", CONFIGURATION.replace("files = [\"spam.txt\"]", list));
        told.extend([home.told(&["check"]), home.told(&["check", "--json"])]);
    }
    for told in told {
        let shown = ["BEGIN", "swordfish", "unter2", "AAAC3", "root", "$6$"]
            .iter()
            .find(|word| told.contains(**word));
        assert!(told.contains("expected ") && shown.is_none(), "{shown:?} in {told}");
    }
}
