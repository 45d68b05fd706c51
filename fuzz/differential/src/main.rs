//! Reads each file that is named as a SIP message, with this project's parser and with that of `ezk`, and prints a line for
//! each part that they read otherwise: the file, the part, what is read here, what is read there. `scripts/differential`
//! compares that with what is explained. Of each request that is to be answered a line `whole` says what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::{env, fs};

mod ours;
mod theirs;

/// The parts of a message, and what each says, in words that do not depend on who reads it; or why it cannot be read.
type Reading = BTreeMap<&'static str, Result<String, String>>;

fn main() -> ExitCode {
    for path in env::args().skip(1) {
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                eprintln!("error: {path}: {error}");
                return ExitCode::FAILURE;
            }
        };
        if let Some(verdict) = ours::verdict(&bytes) {
            println!("{path}\twhole\t{verdict}\t");
        }
        let (ours, theirs) = (ours::read(&bytes), theirs::read(&bytes));
        let parts: BTreeSet<&str> = ours.keys().chain(theirs.keys()).copied().collect();
        for part in parts {
            let (one, two) = (ours.get(part), theirs.get(part));
            if value(one) != value(two) {
                println!("{path}\t{part}\t{}\t{}", told(one), told(two));
            }
        }
    }
    ExitCode::SUCCESS
}

/// What is read. That a part is not there, cannot be read or is not looked for is the same to who needs it.
fn value(read: Option<&Result<String, String>>) -> Option<&str> {
    read.and_then(|read| read.as_deref().ok())
}

/// One line of a table. Why the other parser refuses something is told in the terms of its library, and is left away.
fn told(read: Option<&Result<String, String>>) -> String {
    match read {
        None => "not read".to_owned(),
        Some(Ok(value)) => value.escape_debug().to_string(),
        Some(Err(why)) if why.is_empty() => "refused".to_owned(),
        Some(Err(why)) => format!("refused: {}", why.escape_debug()),
    }
}
