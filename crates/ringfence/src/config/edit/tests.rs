use ringfence_policy::Region;

use super::*;
use crate::config::{Lists, read};

const ACCOUNT: &str =
    "[defaults]\nregion = \"CH\"\n\n[account.home]\nuser = \"858\"\ndomain = \"pbx\"\npassword = \"x\"\n";

struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    fn with(lists: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("ringfence.toml"), format!("{ACCOUNT}{lists}")).unwrap();
        Self { directory }
    }

    fn config(&self) -> PathBuf {
        self.directory.path().join("ringfence.toml")
    }

    fn lists(&self) -> Lists {
        let reading = read(&self.config());
        assert_eq!(reading.report.errors(), 0, "{}", reading.report);
        reading.lists.unwrap()
    }

    /// What stands behind the account.
    fn text(&self) -> String {
        fs::read_to_string(self.config()).unwrap().strip_prefix(ACCOUNT).unwrap().to_owned()
    }

    fn block(&self, written: &str) -> PathBuf {
        add(&self.config(), self.lists().reject(), written, "blocked 2026-03-01").unwrap()
    }

    fn unblock(&self, written: &str) -> usize {
        let pattern = Pattern::parse(written, Region::parse("CH").unwrap()).unwrap();
        remove(&self.config(), self.lists().reject(), &pattern).unwrap().len()
    }

    fn rejected(&self) -> Vec<String> {
        self.lists().reject().list.entries().map(|entry| entry.pattern().to_string()).collect()
    }
}

#[test]
fn the_first_entry_makes_the_list() {
    let home = Home::with("");
    home.block("+41791234567");
    assert_eq!(home.rejected(), ["+41791234567"]);
    let expected = "\n[list.reject]\nentries = [\n  \"+41791234567\", # blocked 2026-03-01\n]\n";
    assert_eq!(home.text(), expected);
}

#[test]
fn a_new_entry_leaves_the_others_and_their_comments() {
    let home = Home::with(
        "\n# who\n[list.reject] # never\nentries = [\n  # shops\n  \"+4179*\", # wine\n  \"anonymous\" # last\n]\nfiles = []\n",
    );
    home.block("0800 123 456");
    let expected = "\n# who\n[list.reject] # never\nentries = [\n  # shops\n  \"+4179*\", # wine\n  \"anonymous\", # last\n  \
                    \"0800 123 456\", # blocked 2026-03-01\n]\nfiles = []\n";
    assert_eq!(home.text(), expected);
}

#[test]
fn a_list_on_one_line_takes_an_entry() {
    let home = Home::with("\n[list.reject]\nentries = [\"+4179*\", \"anonymous\"]\n");
    home.block("+41791234567");
    home.block("+41791234568");
    assert_eq!(home.rejected().len(), 4);
}

#[test]
fn a_list_with_files_grows_in_its_first_file() {
    let home = Home::with("\n[list.reject]\nfiles = [\"spam.txt\", \"more.txt\"]\n");
    let file = home.directory.path().join("spam.txt");
    fs::write(&file, "# mine\n+4179*").unwrap();
    fs::write(home.directory.path().join("more.txt"), "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(home.block("+41441234567"), file);
    assert_eq!(fs::read_to_string(&file).unwrap(), "# mine\n+4179*\n+41441234567  # blocked 2026-03-01\n");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(home.directory.path()).unwrap().count(), 3);
}

#[test]
fn an_entry_is_removed_in_whatever_form_it_was_written() {
    let home =
        Home::with("\n[list.reject]\nentries = [\"079 123 45 67\", \"+4179*\"]\nfiles = [\"spam.txt\"]\n");
    let file = home.directory.path().join("spam.txt");
    fs::write(&file, "sip:one  # a name\r\n0041791234567 # again\r\n+41441234567\r\n").unwrap();
    assert_eq!(home.unblock("+41 79 123 45 67"), 2);
    assert_eq!(home.text(), "\n[list.reject]\nentries = [\"+4179*\"]\nfiles = [\"spam.txt\"]\n");
    assert_eq!(fs::read_to_string(&file).unwrap(), "sip:one  # a name\r\n+41441234567\r\n");
    assert_eq!(home.unblock("+41 79 123 45 67"), 0);
}

#[test]
fn a_file_that_is_named_twice_loses_one_line_only() {
    let home = Home::with("\n[list.reject]\nfiles = [\"spam.txt\", \"spam.txt\"]\n");
    let file = home.directory.path().join("spam.txt");
    fs::write(&file, "+41791234567\n+41791234568\n").unwrap();
    assert_eq!(home.unblock("+41791234567"), 2);
    assert_eq!(fs::read_to_string(&file).unwrap(), "+41791234568\n");
}

#[test]
fn a_line_that_begins_as_another_stays_however_often_its_file_is_named() {
    for files in ["\"spam.txt\"", "\"spam.txt\", \"spam.txt\"", "\"spam.txt\", \"./spam.txt\""] {
        let home = Home::with(&format!("\n[list.reject]\nfiles = [{files}]\n"));
        let file = home.directory.path().join("spam.txt");
        fs::write(&file, "sip:bob\nsip:bobby # keep me\ninternal:10 # desk\ninternal:100 # keep\n").unwrap();
        assert_ne!(home.unblock("sip:bob"), 0);
        assert_ne!(home.unblock("internal:10"), 0);
        assert_eq!(
            fs::read_to_string(&file).unwrap(),
            "sip:bobby # keep me\ninternal:100 # keep\n",
            "{files}"
        );
    }
}

#[test]
fn the_comments_behind_a_comma_on_its_own_line_stay() {
    let home = Home::with(
        "\n[list.reject]\nentries = [\n  \"+4179*\" # anna\n  ,\n  # to add: the invoice fraud\n]\n",
    );
    home.block("0800 123 456");
    let text = home.text();
    assert!(text.contains("# anna") && text.contains("# to add: the invoice fraud"), "{text}");
    assert_eq!(home.rejected().len(), 2);
}

#[test]
fn removing_takes_the_comment_along_and_leaves_its_neighbours() {
    let all = "\n[list.reject]\nentries = [\n  \"+4179*\", # a\n  # of b\n  \"+4178*\", # b\n  # of c\n  \"+4177*\" # c\n]\n";
    for (removed, expected) in [
        (
            "+4179*",
            "\n[list.reject]\nentries = [\n  # of b\n  \"+4178*\", # b\n  # of c\n  \"+4177*\", # c\n]\n",
        ),
        ("+4178*", "\n[list.reject]\nentries = [\n  \"+4179*\", # a\n  # of c\n  \"+4177*\", # c\n]\n"),
        ("+4177*", "\n[list.reject]\nentries = [\n  \"+4179*\", # a\n  # of b\n  \"+4178*\", # b\n]\n"),
    ] {
        let home = Home::with(all);
        assert_eq!(home.unblock(removed), 1);
        assert_eq!(home.text(), expected);
    }
}

#[test]
fn comments_that_close_a_list_stay_where_they_are() {
    for (before, blocked) in [
        (
            "\n[list.reject]\nentries = [\n  # only a comment\n]\n",
            "\n[list.reject]\nentries = [\n  \"+4178*\", # blocked 2026-03-01\n  # only a comment\n]\n",
        ),
        (
            "\n[list.reject]\nentries = [ # why\n  \"+4179*\", # wine\n\n  # the end\n]\n",
            "\n[list.reject]\nentries = [ # why\n  \"+4179*\", # wine\n  \"+4178*\", # blocked 2026-03-01\n\n  # the end\n]\n",
        ),
    ] {
        let home = Home::with(before);
        home.block("+4178*");
        assert_eq!(home.text(), blocked);
        assert_eq!(home.unblock("+4178*"), 1);
        assert_eq!(home.text(), before);
    }
}

#[test]
fn a_heading_stays_when_an_entry_below_it_goes() {
    let surveys = "\n  # ---- surveys ----\n  \"+4178*\", # b\n  \"+4177*\",\n";
    let others = "\n  # ---- others ----\n\n  # withheld\n  \"anonymous\",\n";
    let text = |first: &str, surveys: &str, others: &str| {
        format!("\n[list.reject]\nentries = [\n  # shops\n{first}  \"+4179*\", # wine\n{surveys}{others}]\n")
    };
    let first = "  \"+4176*\",\n";
    let all = text(first, surveys, others);
    for (removed, expected) in [
        ("+4176*", text("", surveys, others)),
        ("+4178*", text(first, &surveys.replace("  \"+4178*\", # b\n", ""), others)),
        ("+4177*", text(first, &surveys.replace("  \"+4177*\",\n", ""), others)),
        ("anonymous", text(first, surveys, "\n  # ---- others ----\n")),
    ] {
        let home = Home::with(&all);
        assert_eq!(home.unblock(removed), 1);
        assert_eq!(home.text(), expected, "{removed}");
    }
    let home = Home::with(&all);
    assert_eq!(home.unblock("+4178*") + home.unblock("+4177*"), 2);
    assert_eq!(home.text(), text(first, "\n  # ---- surveys ----\n", others));
}

#[test]
fn what_was_added_can_be_removed_again() {
    for before in [
        "\n[list.reject]\nentries = []\n",
        "\n[list.reject]\nentries = [\"anonymous\"]\n",
        "\n[list.reject]\nentries = [ \"anonymous\", ]\n",
        "\n[list.reject]\nentries = [\n  \"anonymous\",\n]\n",
        "\n[list]\nreject = { entries = [\"anonymous\"] }\n",
    ] {
        let home = Home::with(before);
        let rejected = home.rejected();
        home.block("+41791234567");
        home.block("+41791234568");
        assert_eq!(home.rejected().len(), rejected.len() + 2, "{before}");
        assert_eq!(home.unblock("+41791234567") + home.unblock("+41791234568"), 2);
        assert_eq!(home.rejected(), rejected, "{}", home.text());
    }
}

#[test]
fn a_file_that_is_made_is_for_its_owner_alone() {
    let home = Home::with("");
    let file = home.config().with_file_name("people.txt");
    replace(&file, "+41791234567\n").unwrap();
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn a_linked_configuration_stays_a_link() {
    let home = Home::with("");
    let link = home.directory.path().join("link.toml");
    std::os::unix::fs::symlink(home.config(), &link).unwrap();
    replace(&link, "x = 1\n").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(home.config()).unwrap(), "x = 1\n");
}

#[test]
fn lines_keep_their_ends_in_the_configuration_and_in_files() {
    let lines =
        "\r\n[list.reject] # no\r\nentries = [\r\n  \"+4179*\", # wine\r\n  \"anonymous\" # last\r\n]\r\n";
    let home = Home::with(lines);
    let before = fs::read_to_string(home.config()).unwrap().replace("\r\n", "\n").replace('\n', "\r\n");
    fs::write(home.config(), &before).unwrap();
    home.block("0800 123 456");
    home.block("+41441234567");
    assert_eq!(home.unblock("0800 123 456"), 1);
    let added = "\"anonymous\", # last\r\n  \"+41441234567\", # blocked 2026-03-01\r\n";
    let expected = before.replace("\"anonymous\" # last\r\n", added);
    assert_eq!(fs::read_to_string(home.config()).unwrap(), expected);
    let home = Home::with("\n[list.reject]\nfiles = [\"spam.txt\"]\n");
    let file = home.config().with_file_name("spam.txt");
    fs::write(&file, "# mine\r\n+4179*\r\n").unwrap();
    home.block("+41441234567");
    let expected = "# mine\r\n+4179*\r\n+41441234567  # blocked 2026-03-01\r\n";
    assert_eq!(fs::read_to_string(&file).unwrap(), expected);
}

/// Waits for the turn however long it takes.
fn take(home: &Home) -> (Turn, crate::config::Reading) {
    Turn::take(&home.config(), |_, _| {}).unwrap()
}

#[test]
fn editors_wait_for_each_other() {
    let home = Home::with("\n[list.reject]\nentries = []\n");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let home = &home;
            scope.spawn(move || {
                let (_turn, _) = take(home);
                home.block(&format!("+4179123456{number}"));
            });
        }
    });
    assert_eq!(home.rejected().len(), 8);
}

#[test]
fn a_file_that_has_two_names_is_waited_for_by_nobody_who_has_it() {
    let home = Home::with("\n[list.reject]\nfiles = [\"spam.txt\", \"same.txt\"]\n");
    let file = |name| home.config().with_file_name(name);
    fs::write(file("spam.txt"), "+4179*\n").unwrap();
    fs::hard_link(file("spam.txt"), file("same.txt")).unwrap();
    let (turn, reading) = take(&home);
    assert_eq!(reading.report.errors(), 0, "{}", reading.report);
    assert!(fs::File::open(file("same.txt")).unwrap().try_lock().is_err());
    drop(turn);
    assert!(fs::File::open(file("same.txt")).unwrap().try_lock().is_ok());
}

#[test]
fn a_turn_that_was_given_away_is_taken_again_only_with_the_files_as_they_were() {
    let home = Home::with("\n[list.reject]\nfiles = [\"spam.txt\"]\n");
    fs::write(home.config().with_file_name("spam.txt"), "+4179*\n").unwrap();
    let (mut turn, _) = take(&home);
    turn.give_away();
    drop(take(&home));
    assert!(turn.take_again().unwrap());
    turn.give_away();
    let (other, _) = take(&home);
    home.block("+41441234567");
    drop(other);
    assert!(!turn.take_again().unwrap());
}
