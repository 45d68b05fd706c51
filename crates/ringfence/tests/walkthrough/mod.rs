//! Runs a guide: each command of it in one shell, in a directory of its own, with the files that it
//! prints; and what it says comes out is what comes out.
//!
//! A fenced block is a session if its info string is `console`; `file=NAME` and `append=NAME` make it
//! a file. Times, checksums and the like are replaced on both sides.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::UdpSocket;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// The port of the guides, for which a free one stands in.
pub(crate) const PORT: &str = "5070";

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Does what a guide says, with the files that its reader has already, and returns how many commands it has.
pub(crate) fn walk(guide: &str, files: &[(&str, &str)]) -> usize {
    let port = free_port().to_string();
    let mut shell = Shell::new();
    for (name, text) in files {
        shell.write(name, text, true);
    }
    let mut commands = 0;
    for step in steps(guide) {
        match step {
            Step::File { name, text, is_whole } => shell.write(&name, &text.replace(PORT, &port), is_whole),
            Step::Command { command, output } => {
                let expected = plain(&output);
                let told = shell.prints(&command.replace(PORT, &port), |told| {
                    plain(&told.replace(&port, PORT)) == expected
                });
                assert_eq!(plain(&told.replace(&port, PORT)), expected, "\n$ {command}\n{told}");
                commands += 1;
            }
        }
    }
    commands
}

/// Returns a path of the machine that a guide was written on, if it names one.
pub(crate) fn path_of_a_machine(guide: &str) -> Option<&'static str> {
    ["/tmp/", "/home/", "/root", "/work"].into_iter().find(|path| guide.contains(path))
}

/// What a reader does.
enum Step {
    File { name: String, text: String, is_whole: bool },
    Command { command: String, output: String },
}

/// Takes the files and the commands out of a guide, in their order.
fn steps(guide: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = guide.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let text = block.join("\n") + "\n";
        let word = |key: &str| info.split(' ').find_map(|word| word.strip_prefix(key)).map(str::to_owned);
        if info == "console" {
            steps.extend(text.split("$ ").skip(1).map(|part| {
                let (command, output) = part.split_once('\n').unwrap();
                Step::Command { command: command.to_owned(), output: output.to_owned() }
            }));
        } else if let Some(name) = word("file=") {
            steps.push(Step::File { name, text, is_whole: true });
        } else if let Some(name) = word("append=") {
            steps.push(Step::File { name, text, is_whole: false });
        }
    }
    steps
}

/// One shell in a directory of its own, killed with all that it started when it is dropped.
struct Shell {
    directory: tempfile::TempDir,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Shell {
    fn new() -> Self {
        let python = Command::new("python3").arg("--version").output();
        assert!(python.is_ok(), "python3 is missing, with which the guide calls; scripts/test installs it");
        let directory = tempfile::tempdir().unwrap();
        let (home, run) = (directory.path(), directory.path().join("run"));
        std::fs::create_dir(&run).unwrap();
        let mut child = Command::new("sh")
            .current_dir(home)
            .env("PATH", path())
            .env("HOME", home)
            .env("XDG_STATE_HOME", home.join(".local/state"))
            .env("XDG_CACHE_HOME", home.join(".cache"))
            .env("XDG_CONFIG_HOME", home.join(".config"))
            .env("XDG_RUNTIME_DIR", run)
            .envs([("NO_COLOR", "1"), ("TZ", &*zone_where_it_is_noon()), ("LC_ALL", "C.UTF-8")])
            .env_remove("RUST_LOG")
            .env_remove("STATE_DIRECTORY")
            .env_remove("RINGFENCE_CONFIG")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        writeln!(input, "exec 2>&1").unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { directory, child, input, output }
    }

    fn write(&self, name: &str, text: &str, is_whole: bool) {
        let path = self.directory.path().join(name);
        let before = if is_whole { String::new() } else { std::fs::read_to_string(&path).unwrap() };
        std::fs::write(path, before + text).unwrap();
    }

    /// Runs a command and returns what it prints: one that only reads again and again, until it is as it should be.
    fn prints(&mut self, command: &str, is_right: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        let reads = ["calls", "why", "status", "stats", "replay"]
            .iter()
            .any(|verb| command.starts_with(&format!("ringfence {verb}")));
        loop {
            let told = self.run(command);
            if !reads || is_right(&told) || began.elapsed() > PATIENCE {
                return told;
            }
        }
    }

    fn run(&mut self, command: &str) -> String {
        writeln!(self.input, "{command}").unwrap();
        if let Some((_, log)) = command.strip_suffix(" &").and_then(|command| command.split_once("2> ")) {
            Self::wait_for("running", &self.directory.path().join(log));
        }
        writeln!(self.input, "echo; echo 'that was all'").unwrap();
        let mut told = String::new();
        while !told.ends_with("\nthat was all\n") {
            assert!(self.output.read_line(&mut told).unwrap() > 0, "the shell ended: {told}");
        }
        told.truncate(told.len() - "\nthat was all\n".len());
        told.replace(&*self.directory.path().to_string_lossy(), "~")
    }

    fn wait_for(word: &str, log: &Path) {
        let began = Instant::now();
        while !std::fs::read_to_string(log).unwrap_or_default().contains(word) {
            assert!(began.elapsed() < PATIENCE, "{}", std::fs::read_to_string(log).unwrap_or_default());
            std::thread::yield_now();
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.wait();
    }
}

/// The path of programs, with the one under test first.
fn path() -> std::ffi::OsString {
    let built = PathBuf::from(env!("CARGO_BIN_EXE_ringfence"));
    let first = built.parent().unwrap().to_owned();
    let others = std::env::var_os("PATH").unwrap();
    std::env::join_paths(std::iter::once(first).chain(std::env::split_paths(&others))).unwrap()
}

/// A time zone in which no day ends while the guide is run: what it counts by day would be two days.
fn zone_where_it_is_noon() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let hour = now.as_secs() / 3_600 % 24;
    // The names of these zones have the sign of POSIX: GMT+3 is three hours behind.
    match hour.checked_sub(12) {
        Some(behind) => format!("Etc/GMT+{behind}"),
        None => format!("Etc/GMT-{}", 12 - hour),
    }
}

fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An output without what differs from run to run.
fn plain(output: &str) -> String {
    let lines = output.lines().map(str::trim_end).filter(|line| !line.starts_with("  entries: "));
    // What of the sandbox is in force depends on the kernel, and what is not has lines of its own.
    let mut is_sandbox = false;
    let lines = lines.filter(|line| {
        is_sandbox = line.starts_with("sandbox ") || (is_sandbox && line.starts_with("     "));
        !is_sandbox
    });
    let text = lines.map(plain_line).collect::<Vec<_>>().join("\n");
    text.trim_end().to_owned()
}

/// A word that is a time, a day, a checksum or a Call-ID becomes a placeholder.
fn plain_line(line: &str) -> String {
    let words = line.split_inclusive(' ').map(|word| {
        let bare = word.trim_end_matches([' ', ',', ':', ')']);
        let rest = &word[bare.len()..];
        let is = |letters: &dyn Fn(char) -> bool| {
            bare.chars().all(letters) && bare.contains(|c: char| c.is_ascii_digit())
        };
        if bare.contains(':') && !bare.contains(PORT) && is(&|c| c.is_ascii_digit() || ":.-TZ".contains(c)) {
            format!("TIME{rest}")
        } else if bare.len() == 10 && is(&|c| c.is_ascii_digit() || c == '-') {
            format!("DAY{rest}")
        } else if bare.len() == 16 && is(&|c| c.is_ascii_hexdigit()) {
            format!("CHECKSUM{rest}")
        } else if bare.split_once('@').is_some_and(|(call, _)| call.bytes().all(|c| c.is_ascii_digit())) {
            format!("CALL-ID{rest}")
        } else if ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(&bare) {
            format!("WEEKDAY{rest}")
        } else {
            word.to_owned()
        }
    });
    let line = words.collect::<String>();
    ["process ", "up ", "read ", "decided in "].iter().fold(line, |line, before| masked(&line, before))
}

/// A line whose number behind some words is a placeholder.
fn masked(line: &str, before: &str) -> String {
    let Some((head, tail)) = line.split_once(before) else { return line.to_owned() };
    let rest = tail.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == tail.len() { line.to_owned() } else { format!("{head}{before}N{rest}") }
}
