//! The verbs that need no running program, through the real binary: what they print, how they exit.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A directory with a configuration, in which the program is run.
struct Home {
    directory: tempfile::TempDir,
}

const GOOD: &str = "\
[defaults]
region = \"CH\"

[account.home]
user = \"858\"
domain = \"192.0.2.1\"
password = \"hunter2\"

[list.reject]
entries = [\"079 123 45 67\", \"anonymous\"]  # both are a nuisance
files = [\"spam.txt\"]

[list.allow]
entries = [
  \"+41441234567\", # mother
]
";

/// A program that runs on this machine is not asked to take the lists up. At the end, so that no line moves.
const OWN_SOCKET: &str = "\n[softphone]\ncontrol = \"control/s\"\n";

impl Home {
    fn with(configuration: &str) -> Self {
        let home = Self { directory: tempfile::tempdir().unwrap() };
        home.write("spam.txt", "# sellers\n0800*  # call centres\n");
        let own = if configuration.contains("[softphone]") { "" } else { OWN_SOCKET };
        home.write("ringfence.toml", &format!("{configuration}{own}"));
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
        // A password is in it.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(self.path(name), mode).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap().replace(OWN_SOCKET, "")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        run_in(self.directory.path(), arguments)
    }

    /// Returns the exit code and all that was printed.
    fn told(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        format!("{}{}exit {}\n", text(&output.stdout), text(&output.stderr), output.status.code().unwrap())
    }
}

fn run_in(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("HOME", directory)
        .env("LANG", "de_CH.UTF-8")
        .env("TZ", "UTC")
        .env("XDG_RUNTIME_DIR", directory)
        .env("XDG_STATE_HOME", directory.join("state"))
        .output()
        .unwrap()
}

/// Replaces today, which is written beside a new entry.
fn undated(text: &str) -> String {
    let digits = |text: &str| text.chars().all(|letter| letter.is_ascii_digit());
    let is_day = |word: &str| word.len() == 10 && digits(&word[..4]) && word[4..].starts_with('-');
    let words = text.split_inclusive([' ', '\n', ':', '"']).map(|word| {
        let bare = word.trim_end_matches([' ', '\n', ':', '"']);
        if is_day(bare) { word.replace(bare, "YYYY-MM-DD") } else { word.to_owned() }
    });
    words.collect()
}

#[test]
fn a_good_configuration_is_summed_up() {
    let home = Home::with(GOOD);
    insta::assert_snapshot!(home.told(&["check"]), @"
    ok: ringfence.toml: 1 line, 3 rules, 4 entries
    exit 0
    ");
}

#[test]
fn every_mistake_is_told_with_its_place_and_a_hint() {
    let home = Home::with(include_str!("data/every-mistake.toml"));
    insta::assert_snapshot!(home.told(&["check"]));
}

#[test]
fn what_would_keep_the_program_from_running_or_say_nothing_is_told_by_check() {
    let told = |key: &str| Home::with(&format!("[softphone]\n{key}\n{GOOD}")).told(&["check"]);
    for (key, expected) in [
        (
            "rtp_ports = \"5001-5002\"",
            "error: expected two ports, the lower first, with an even one and the next",
        ),
        ("rtp_ports = \"65535-65535\"", "error: expected two ports"),
        ("control = \"\"", "error: expected the path of the control socket"),
        ("control = \"sockets/\"", "error: expected the path of the control socket"),
        ("ws_origins = []", "warning: `ws_origins` says nothing where no page can connect"),
    ] {
        assert!(told(key).contains(expected), "{key}: {}", told(key));
    }
    let home = Home::with(&format!("include = \"more.toml\"\n{GOOD}"));
    home.write(
        "more.toml",
        "[account.office]\nuser = \"859\"\n[softphone]\n[list.people]\nentries = [\"0791112233\"]\n",
    );
    let told = home.told(&["check"]);
    for block in ["account", "softphone"] {
        let expected = format!("warning: [{block}] counts for nothing in a file that is included");
        assert!(told.contains(&expected), "{told}");
    }
    assert_eq!(told.matches("warning: [").count(), 2, "{told}");
}

#[test]
fn what_an_account_says_of_the_way_to_its_registrar_is_checked() {
    let told =
        |key: &str| Home::with(&GOOD.replace("password =", &format!("{key}\npassword ="))).told(&["check"]);
    let right = [
        "keep_alive = \"crlf\"",
        "public_address = \"2001:db8::9\"",
        "outbound_proxies = [\"a.example.com\", \"b.example.com\"]",
    ];
    for key in right {
        assert!(!told(key).contains("error"), "{key}: {}", told(key));
    }
    let wrong = [
        ("keep_alive = \"often\"", "expected `auto`, `crlf` or `stun`"),
        ("public_address = \"0.0.0.0\"", "expected an IP address that a router forwards to us"),
        (
            "outbound_proxies = [\"a.example.com\", \"a.example.com\"]",
            "expected up to four different proxies",
        ),
        ("outbound_proxies = [\"a\", \"b;transport=tcp\"]", "expected up to four different proxies"),
        ("outbound_proxy = \"a\"\noutbound_proxies = [\"b\"]", "expected up to four different proxies"),
    ];
    for (key, expected) in wrong {
        assert!(told(key).contains(expected), "{key}: {}", told(key));
    }
}

#[test]
fn what_an_account_says_to_nobody_is_a_warning() {
    let told =
        |key: &str| Home::with(&GOOD.replace("password =", &format!("{key}\npassword ="))).told(&["check"]);
    let odd = [
        ("websocket_path = \"/ws\"", "7:18: warning: `websocket_path` says nothing to a line"),
        ("transport = \"tcp\"\nwebsocket_path = \"/ws\"", "8:18: warning: `websocket_path` says nothing"),
        ("outbound_proxies = []", "7:20: warning: `outbound_proxies` names none"),
    ];
    for (key, expected) in odd {
        let told = told(key);
        assert!(told.contains(expected) && told.contains("hint: ") && told.ends_with("exit 0\n"), "{told}");
    }
    for way in ["transport = \"wss\"", "outbound_proxy = \"edge.example.com;transport=ws\""] {
        let told = told(&format!("{way}\nwebsocket_path = \"/ws\""));
        assert!(!told.contains("warning"), "{told}");
    }
}

#[test]
fn a_journal_without_a_path_is_refused() {
    let told = Home::with(&format!("{GOOD}[journal]\npath = \"\"\n")).told(&["check"]);
    let expected = "error: expected the path of the journal's file, or \"off\", found \"\"\n";
    assert!(told.contains(expected) && told.contains("hint: for example: path = \"ringfence.db\""), "{told}");
}

#[test]
fn a_password_with_a_line_break_is_a_warning_that_does_not_show_it() {
    for password in ["\"hunter2\\r\\n\"", "\"\"\"\nhunter2\n\"\"\""] {
        let told = Home::with(&GOOD.replace("\"hunter2\"", password)).told(&["check"]);
        assert!(told.contains("7:12: warning: the password has a line break in it"), "{told}");
        assert!(told.contains("hint: ") && !told.contains("hunter2") && told.ends_with("exit 0\n"), "{told}");
    }
}

#[test]
fn a_control_character_is_told_by_its_name() {
    let cases = [("\\u0000", "NUL"), ("\\r\\n", "a line break"), ("\\u001B", "the control character U+001B")];
    for (written, name) in cases {
        let key = format!("display_name = \"a{written}b\"\npassword =");
        let told = Home::with(&GOOD.replace("password =", &key)).told(&["check"]);
        let expected =
            format!("7:16: error: expected a name without control characters, found {name} in \"a");
        assert!(told.contains(&expected), "{told}");
    }
}

#[test]
fn a_domain_that_is_no_address_of_a_host_is_told() {
    for domain in ["0.0.0.0", "255.255.255.255", "224.0.0.251", "::", "[::]", "ff02::1"] {
        let told = Home::with(&GOOD.replace("192.0.2.1", domain)).told(&["check"]);
        assert!(told.contains("ringfence.toml:6:10: error: expected the registrar's host name"), "{told}");
        assert!(told.contains("which is no address of a host") && told.contains("hint:"), "{told}");
    }
}

#[test]
fn a_broken_document_is_told_without_what_it_seems_to_say() {
    let home = Home::with("[account.home\npassword = \"hunter2\n[list]\nreject = ,\n");
    let told = home.told(&["check"]);
    assert!(!told.contains("hunter2"), "{told}");
    insta::assert_snapshot!(told);
}

#[test]
fn the_password_is_never_printed() {
    for wrong in
        ["password = hunter2", "pasword = \"hunter2\"", "password = [\"hunter2\"]", "password = \"hunter2"]
    {
        let home = Home::with(&GOOD.replace("password = \"hunter2\"", wrong));
        for arguments in [&["check"][..], &["check", "--json"], &["run"], &["list"], &["block", "0791112233"]]
        {
            let told = home.told(arguments);
            assert!(!told.contains("hunter2"), "{wrong} with {arguments:?}: {told}");
        }
    }
}

#[test]
fn oddities_of_the_lists_are_warnings() {
    let home = Home::with(&GOOD.replace("+41441234567", "079*"));
    insta::assert_snapshot!(home.told(&["check"]));
}

#[test]
fn an_emergency_number_cannot_be_listed() {
    let home = Home::with(&GOOD.replace("anonymous", "117"));
    insta::assert_snapshot!(home.told(&["check"]));
}

#[test]
fn a_password_that_others_can_read_is_a_warning() {
    let home = Home::with(&GOOD.replace("password = \"hunter2\"", "password_file = \"secret\""));
    home.write("secret", "hunter2\n");
    std::fs::set_permissions(home.path("secret"), std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .unwrap();
    insta::assert_snapshot!(home.told(&["check"]));
}

#[test]
fn a_configuration_that_says_of_nobody_that_they_be_rejected_is_a_warning() {
    let accounts = "[account.home]\nuser = \"858\"\ndomain = \"192.0.2.1\"\nregister = false\n[defaults]\nregion = \"CH\"\n";
    let told = |more: &str| {
        let home = Home::with(&format!("{accounts}{more}"));
        home.write("reject.txt", "");
        home.told(&["check"])
    };
    let warning = "warning: expected a rule or entries of the list `reject`, found neither";
    assert!(told("").contains(warning), "{}", told(""));
    assert!(told("[list.reject]\nentries = []\n").contains(warning));
    for enough in [
        "[list.reject]\nentries = [\"anonymous\"]\n",
        "[list.reject]\nfiles = [\"reject.txt\"]\n",
        "[[rule]]\nid = \"otherwise\"\nthen = \"ring\"\n",
    ] {
        assert!(!told(enough).contains(warning), "{}", told(enough));
    }
}

#[test]
fn check_as_json_is_one_object() {
    let home = Home::with(&GOOD.replace("region = \"CH\"", "region = \"UK\""));
    let output = home.run(&["check", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["ok"], &told["errors"]), (&false.into(), &1.into()));
    assert_eq!((&told["diagnostics"][0]["line"], &told["diagnostics"][0]["column"]), (&2.into(), &10.into()));
}

#[test]
fn without_a_configuration_the_places_are_named() {
    let home = tempfile::tempdir().unwrap();
    let output = run_in(home.path(), &["check"]);
    let told = String::from_utf8(output.stderr).unwrap().replace(home.path().to_str().unwrap(), "~");
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(told);
}

#[test]
fn a_configuration_that_is_no_file_is_told_and_not_waited_for() {
    let home = Home::with(GOOD);
    let pipe = home.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (name, found) in [(".", "a directory"), ("pipe", "a pipe"), ("/dev/zero", "a device")] {
        for verb in ["check", "run", "list"] {
            let told = home.told(&[verb, "--config", name]);
            assert!(
                told.contains(&format!("cannot read {name}: expected a regular file, found {found}")),
                "{told}"
            );
            assert!(told.contains("hint: ") && told.ends_with("exit 2\n"), "{verb} {told}");
        }
    }
    assert!(home.told(&["check", "--config", "none.toml"]).ends_with("exit 2\n"));
}

#[test]
fn a_list_or_a_password_file_that_is_no_file_is_told_in_its_place() {
    for (from, to, place) in [
        ("\"spam.txt\"", "\"/dev/zero\"", "ringfence.toml:11:10: error: cannot read the list /dev/zero"),
        (
            "password = \"hunter2\"",
            "password_file = \".\"",
            "ringfence.toml:7:17: error: cannot read the password",
        ),
    ] {
        let told = Home::with(&GOOD.replace(from, to)).told(&["check"]);
        assert!(told.contains(place) && told.contains("expected a regular file"), "{told}");
    }
}

#[test]
fn a_rule_for_a_line_that_is_not_there_is_a_warning() {
    let on = |line: &str| {
        let rule = format!("[[rule]]\nid = \"a\"\nwhen = {{ line = \"{line}\" }}\nthen = \"busy\"\n");
        format!("{GOOD}\n{rule}[[rule]]\nid = \"rest\"\nthen = \"ring\"\n")
    };
    let told = Home::with(&on("hmoe")).told(&["check"]);
    let expected = "ringfence.toml:20:17: warning: there is no line \"hmoe\": no call comes on it";
    assert!(told.contains(expected) && told.contains("did you mean \"home\"?"), "{told}");
    let told = Home::with(&on("office-*")).told(&["check"]);
    assert!(told.contains("no line has a name like \"office-*\"") && told.contains("`home`"), "{told}");
    for line in ["home", "HOM?", "*"] {
        assert!(!Home::with(&on(line)).told(&["check"]).contains("no line"), "{line}");
    }
    let alone = on("hmoe").replace("[account.home]", "[other.home]");
    assert!(!Home::with(&alone).told(&["check"]).contains("no line \"hmoe\""));
}

#[test]
fn an_account_is_a_line_also_where_the_policy_names_others() {
    let second = "[account.shop]\nuser = \"859\"\ndomain = \"192.0.2.1\"\nregister = false\n[line.shop]\n";
    let rules = "[[rule]]\nid = \"a\"\nwhen = { line = \"LINE\" }\nthen = \"busy\"\n[[rule]]\nid = \"rest\"\nthen = \"ring\"\n";
    let told =
        |line: &str| Home::with(&format!("{GOOD}\n{second}{}", rules.replace("LINE", line))).told(&["check"]);
    assert!(told("home").ends_with("exit 0\n"), "{}", told("home"));
    assert!(told("hmoe").contains("there is no line \"hmoe\""), "{}", told("hmoe"));
}

#[test]
fn a_redirection_to_the_line_itself_is_a_warning() {
    let redirect =
        |to: &str| format!("{GOOD}\n[[rule]]\nid = \"all\"\nthen = {{ forward = {{ to = \"{to}\" }} }}\n");
    for to in ["sip:858@192.0.2.1", "sip:858@192.0.2.1:5060;transport=udp"] {
        let told = Home::with(&redirect(to)).told(&["check"]);
        assert!(told.contains("warning: `all` redirects to") && told.ends_with("exit 0\n"), "{told}");
    }
    for to in ["sip:859@192.0.2.1", "sip:858@192.0.2.11", "sip:858@192.0.2.1:5062"] {
        assert!(!Home::with(&redirect(to)).told(&["check"]).contains("redirects to"), "{to}");
    }
}

#[test]
fn a_password_without_its_equals_sign_is_not_printed() {
    let told = Home::with(&GOOD.replace("password = \"hunter2\"", "password hunter2")).told(&["check"]);
    assert!(told.contains("exit 1") && !told.contains("hunter2"), "{told}");
}

#[test]
fn a_number_with_a_line_break_is_refused() {
    let told = Home::with(GOOD).told(&["block", "0447654\n321"]);
    assert!(told.contains("expected a number on one line") && told.ends_with("exit 2\n"), "{told}");
}

#[test]
fn the_man_pages_are_those_of_the_verbs() {
    let home = Home::with(GOOD);
    assert!(home.told(&["man", "pages"]).ends_with("exit 0\n"));
    let pages = std::fs::read_dir(home.path("pages")).unwrap();
    let names: Vec<_> = pages.map(|page| page.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.contains(&"ringfence-block.1".to_owned()), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("help")), "{names:?}");
}

#[test]
fn a_fresh_configuration_lacks_only_what_must_be_filled_in() {
    let home = Home::with("");
    std::fs::remove_file(home.path("ringfence.toml")).unwrap();
    insta::assert_snapshot!(home.told(&["init"]));
    insta::assert_snapshot!("init_then_check", home.told(&["check"]));
    insta::assert_snapshot!("init_again", home.told(&["init"]));
    let told = home.told(&["init", "-c", "my phone.toml"]);
    let next =
        "next: edit it, then `ringfence check -c 'my phone.toml'`, then `ringfence run -c 'my phone.toml'`";
    assert_eq!(told.lines().nth(1), Some(next));
}

#[test]
fn a_fresh_configuration_explains_each_setting_as_it_is_written() {
    let home = Home::with(GOOD);
    std::fs::remove_file(home.path("ringfence.toml")).unwrap();
    home.told(&["init", "--user", "858", "--domain", "192.0.2.1", "--region", "CH"]);
    let fresh = home.read("ringfence.toml");
    for key in ["open", "control", "accept_any_certificate", "durability", "ws_origins", "group"]
        .into_iter()
        .chain(["timezone", "on_error", "mode", "deadline"])
    {
        assert!(fresh.contains(&format!("\n# {key} = ")), "{key}");
    }
    let is_setting = |line: &str| {
        line.starts_with('[') || line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '))
    };
    let all =
        fresh.lines().map(|line| line.strip_prefix("# ").filter(|bare| is_setting(bare)).unwrap_or(line));
    home.write("ringfence.toml", &all.collect::<Vec<_>>().join("\n"));
    let told = home.told(&["check"]);
    assert!(!told.contains("unknown key"), "{told}");
}

#[test]
fn a_configuration_that_is_filled_in_is_good() {
    let home = Home::with("");
    home.write("secret", "hunter2");
    let filled = ["init", "--force", "--user", "858", "--domain", "pbx.example", "--password-file", "secret"];
    assert!(home.told(&filled).ends_with("exit 0\n"));
    insta::assert_snapshot!(home.told(&["check"]), @"
    ok: ringfence.toml: 1 line, 3 rules, 0 entries
    exit 0
    ");
}

#[test]
fn both_lists_are_shown_with_their_origins() {
    let home = Home::with(GOOD);
    insta::assert_snapshot!(home.told(&["list"]));
    insta::assert_snapshot!("list_as_json", home.told(&["list", "--json"]));
}

#[test]
fn block_adds_to_the_first_file_and_says_so() {
    let home = Home::with(GOOD);
    insta::assert_snapshot!(home.told(&["block", "(044) 765 43 21", "--comment", "sells wine"]), @"
    blocked +41447654321 in spam.txt
    exit 0
    ");
    insta::assert_snapshot!(undated(&home.read("spam.txt")), @"
    # sellers
    0800*  # call centres
    +41447654321  # blocked YYYY-MM-DD: sells wine
    ");
    assert_eq!(home.read("ringfence.toml"), GOOD);
}

#[test]
fn allow_adds_to_the_entries_where_there_is_no_file() {
    let home = Home::with(GOOD);
    insta::assert_snapshot!(home.told(&["allow", "0791234567", "--note", "the plumber"]), @"
    allowed +41791234567 in ringfence.toml
    it wins over 079 123 45 67 (ringfence.toml:10) on the reject list
    exit 0
    ");
    let added = "  \"+41441234567\", # mother\n  \"+41791234567\", # allowed YYYY-MM-DD: the plumber\n]\n";
    assert!(undated(&home.read("ringfence.toml")).ends_with(added));
}

#[test]
fn an_allowed_number_is_not_blocked() {
    let home = Home::with(GOOD);
    insta::assert_snapshot!(home.told(&["block", "044 123 45 67"]), @"
    +41441234567 is not blocked: the allow list has +41441234567 (ringfence.toml:15), and allowed wins
    hint: take it off that list first: ringfence remove '+41441234567'
    exit 1
    ");
}

#[test]
fn blocking_twice_an_emergency_number_or_nonsense_is_told() {
    let home = Home::with(GOOD);
    insta::assert_snapshot!(home.told(&["block", "+41 79 123 45 67"]), @"
    +41791234567 is blocked already: 079 123 45 67 (ringfence.toml:10)
    exit 0
    ");
    insta::assert_snapshot!(home.told(&["block", "144"]), @"
    144 is an emergency number and cannot be blocked
    exit 1
    ");
    insta::assert_snapshot!(home.told(&["block", "+41 79 abc"]));
}

#[test]
fn remove_takes_off_what_means_the_number() {
    let home = Home::with(GOOD);
    insta::assert_snapshot!(home.told(&["remove", "+41791234567"]), @"
    removed 079 123 45 67 from the reject list (ringfence.toml:10)
    exit 0
    ");
    insta::assert_snapshot!(home.told(&["remove", "0800 123 123"]), @"
    +41800123123 has no entry to take off
    hint: the reject list has 0800* (spam.txt:2), which covers it
    exit 1
    ");
    insta::assert_snapshot!(home.told(&["remove", "0800*"]), @"
    removed 0800* from the reject list (spam.txt:2)
    exit 0
    ");
}

#[test]
fn the_lists_can_be_changed_while_the_password_is_elsewhere() {
    let home = Home::with(&GOOD.replace("password = \"hunter2\"", "password_env = \"PBX_PASSWORD\""));
    let told = home.told(&["block", "0447654321"]);
    assert!(told.starts_with("blocked +41447654321 in spam.txt\n"), "{told}");
}

#[test]
fn asking_a_program_that_does_not_run_is_an_error() {
    let home =
        Home::with(&GOOD.replace("[defaults]", "[softphone]\ncontrol = \"ringfence.sock\"\n\n[defaults]"));
    for arguments in [&["status"][..], &["calls", "--follow"], &["reload"]] {
        assert_eq!(
            home.told(arguments),
            "error: ringfence is not running: nothing listens at ringfence.sock\n\
             hint: start it with `ringfence run`, or restart it if `[softphone] control` is another one since then\n\
             exit 2\n"
        );
    }
}

/// Where systemd has its journal take the standard error, as `JOURNAL_STREAM` says.
#[test]
fn the_journal_is_told_that_what_ends_a_start_is_an_error() {
    let home = Home::with("[account.home]\nuser = 858\n");
    let told = |arguments: &[&str]| {
        let taken = std::fs::File::create(home.path("taken")).unwrap();
        let metadata = taken.metadata().unwrap();
        let stream = format!("{}:{}", MetadataExt::dev(&metadata), MetadataExt::ino(&metadata));
        let mut program = Command::new(env!("CARGO_BIN_EXE_ringfence"));
        let program =
            program.current_dir(home.directory.path()).args(arguments).env("JOURNAL_STREAM", stream);
        (program.stderr(taken).status().unwrap().code(), home.read("taken"))
    };
    let wrong: [&[&str]; 3] =
        [&["run", "--config", "ringfence.toml"], &["run", "--config", "none.toml"], &["run", "--frobnicate"]];
    for arguments in wrong {
        let (code, told) = told(arguments);
        assert!(code == Some(2) && told.contains("error: "), "{told}");
        assert!(told.lines().all(|line| line.starts_with("<3>")), "{told}");
    }
    let (_, said) = told(&["run", "--config", "ringfence.toml"]);
    assert!(said.contains("<3>hint: "), "{said}");

    // What is logged as objects before the control socket is found to have no place.
    home.write(
        "ringfence.toml",
        &GOOD.replace("[defaults]", "[softphone]\ncontrol = \"/dev/null/s\"\n[defaults]"),
    );
    let (code, said) = told(&["run", "--config", "ringfence.toml", "--log-format", "json"]);
    let objects = said.lines().filter_map(|line| line.strip_prefix("<6>"));
    assert!(
        objects.filter(|object| serde_json::from_str::<serde_json::Value>(object).is_ok()).count() > 0,
        "{said}"
    );
    assert!(code == Some(2) && said.lines().all(|line| line.starts_with('<')), "{said}");
}

#[test]
fn a_reader_that_has_read_enough_is_no_error() {
    let home = Home::with(GOOD);
    let many: Vec<_> = (0..20_000).map(|number| format!("+4179{number:07}")).collect();
    home.write("spam.txt", &many.join("\n"));
    let program = env!("CARGO_BIN_EXE_ringfence");
    let piped = format!("'{program}' list | head -n 1; exit ${{PIPESTATUS[0]}}");
    let output =
        Command::new("bash").args(["-c", &piped]).current_dir(home.directory.path()).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn completions_and_man_pages_come_from_the_same_definition() {
    let home = Home::with(GOOD);
    for shell in ["bash", "zsh", "fish"] {
        assert!(home.told(&["completions", shell]).contains("completions"), "{shell}");
    }
    assert!(home.told(&["man", "man"]).ends_with("exit 0\n"));
    for page in ["ringfence.1", "ringfence-run.1", "ringfence-demo.1", "ringfence-block.1"] {
        assert!(home.read(&format!("man/{page}")).contains(".SH NAME"), "{page}");
    }
}

#[test]
fn the_demo_is_a_test_of_itself() {
    let home = Home::with("");
    let output = home.run(&["demo", "--json", "--pcap", "demo.pcap"]);
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &told["ok"]), (Some(0), &true.into()), "{told}");
    assert!(std::fs::metadata(home.path("demo.pcap")).unwrap().len() > 1_000);
}

#[test]
fn a_file_that_cannot_be_written_is_told_with_a_hint() {
    let home = Home::with(GOOD);
    let told = home.told(&["man", "/dev/null/pages"]);
    assert!(told.contains("hint: make the directory first, or name another\nexit 2\n"), "{told}");
    let told = home.told(&["why", ""]);
    assert!(told.starts_with("error: expected a call or a number, found nothing\nhint: "), "{told}");
}

#[test]
fn a_capture_never_overwrites_a_file_that_the_program_lives_by() {
    let home = Home::with(GOOD);
    for file in ["ringfence.toml", "spam.txt"] {
        let before = std::fs::read(home.path(file)).unwrap();
        let told = home.told(&["run", "--pcap", file]);
        assert!(told.ends_with("and is not overwritten\nhint: name another file\nexit 2\n"), "{told}");
        assert_eq!(std::fs::read(home.path(file)).unwrap(), before, "{file}");
    }
}

#[test]
fn an_emptied_configuration_does_not_say_that_all_is_in_the_usual_places() {
    let home = Home::with("");
    home.write("ringfence.toml", "");
    for verb in ["calls", "stats"] {
        let told = home.told(&[verb]);
        assert!(told.starts_with("error: where the journal is cannot be read in ringfence.toml"), "{told}");
    }
    assert!(home.told(&["status"]).starts_with("hint: ringfence.toml cannot be read, and may say that"));
}

#[test]
fn a_capture_waits_for_nobody_to_read_its_pipe() {
    let home = Home::with(&GOOD.replace("password =", "register = false\npassword ="));
    assert!(Command::new("mkfifo").arg(home.path("pipe")).status().unwrap().success());
    let told = home.told(&["run", "--pcap", "pipe"]);
    assert!(told.contains("nobody reads that pipe yet: start the reader first\n"), "{told}");
    assert!(told.ends_with("exit 2\n"), "{told}");
}

#[test]
fn help_says_what_each_verb_does() {
    let home = Home::with("");
    insta::assert_snapshot!(
        home.told(&["--help"]).replace("[env: RINGFENCE_CONFIG=]", "[env: RINGFENCE_CONFIG]")
    );
}

#[test]
fn a_line_that_would_not_be_started_is_a_warning() {
    let rule = "\n[[rule]]\nid = \"menu\"\nthen = { answer = { play = \"sorry.wav\", max_seconds = 9 } }\n";
    let told = Home::with(&format!("{GOOD}{rule}")).told(&["check"]);
    assert!(told.contains("`ringfence run` does not start the line `home`: it can reach"), "{told}");
    assert!(told.contains("by `menu`") && told.contains("hint:") && told.ends_with("exit 0\n"), "{told}");
}

#[test]
fn a_list_that_nobody_renews_is_a_warning_where_it_is_named() {
    let home = Home::with(&GOOD.replace("files = [\"spam.txt\"]", "source = \"spam.txt\"\nrefresh = \"1h\""));
    assert!(!home.told(&["check"]).contains("warning:"));
    let file = std::fs::File::options().append(true).open(home.path("spam.txt")).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    let told = home.told(&["check"]);
    let expected = "ringfence.toml:11:10: warning: ";
    assert!(told.contains(expected) && told.contains("spam.txt was last changed"), "{told}");
}

#[test]
fn a_file_that_is_not_utf_8_is_told_with_the_place_of_its_first_bad_byte() {
    let home = Home::with(&GOOD.replace("[defaults]", "include = [\"more.toml\"]\n[defaults]"));
    std::fs::write(home.path("more.toml"), b"# one\n# Z\xfcrich\n").unwrap();
    let expected = "more.toml:2:4: error: expected UTF-8 text, found other bytes\n    2 | # Z\u{fffd}rich\n      \
                    |    ^\nhint: iconv -f latin1 -t utf-8 converts an old file\n";
    let told = home.told(&["check"]);
    assert!(told.contains(expected) && told.ends_with("exit 1\n"), "{told}");
    assert!(home.told(&["test", "more.toml"]).contains(expected), "{}", home.told(&["test", "more.toml"]));
    std::fs::write(home.path("ringfence.toml"), [GOOD.as_bytes(), b"# Z\xfcrich\n"].concat()).unwrap();
    let told = home.told(&["check"]);
    assert!(told.contains("ringfence.toml:17:4: error: expected UTF-8 text, found other bytes\n"), "{told}");
    assert!(told.contains("   17 | # Z\u{fffd}rich\n      |    ^\nhint: iconv"), "{told}");
}

#[test]
fn a_list_that_is_not_utf_8_is_told_with_the_place_of_its_first_bad_byte() {
    let home = Home::with(GOOD);
    std::fs::write(home.path("spam.txt"), b"0800*\n0900* # M\xfcller\n").unwrap();
    let told = home.told(&["check"]);
    assert!(told.contains("spam.txt:2:10: error: expected UTF-8 text, found"), "{told}");
    assert!(told.contains("hint: iconv -f latin1 -t utf-8 converts an old list\n"), "{told}");
    let told = home.told(&["block", "0900 11 22 33"]);
    assert!(told.contains("spam.txt:2:10: expected UTF-8 text, found other bytes"), "{told}");
}
