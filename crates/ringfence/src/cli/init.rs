//! `ringfence init`

use std::fs::{OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use ringfence_policy::Region;
use toml_edit::Value;

use super::change::shown;
use super::failure::{for_shell, with_hint};
use super::output::print;
use super::{Answer, Context};
use crate::config::FILE_NAME;

/// Write a commented configuration to start from
///
/// It goes to ./ringfence.toml, or where --config says, readable by you only. What is not given here
/// is left as a placeholder, which `ringfence check` points at.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The user part of the line's address, often the extension
    #[arg(long, value_name = "USER")]
    user: Option<String>,

    /// The host name or address of the PBX
    #[arg(long, value_name = "HOST")]
    domain: Option<String>,

    /// The environment variable that holds the password
    #[arg(long, value_name = "VARIABLE", value_parser = variable, conflicts_with = "password_file")]
    password_env: Option<String>,

    /// The file that holds the password
    #[arg(long, value_name = "FILE")]
    password_file: Option<String>,

    /// The region whose way of writing numbers is meant, such as CH; the system's if not given
    #[arg(long, value_name = "CODE", value_parser = region)]
    region: Option<Region>,

    /// Overwrite a file that is there
    #[arg(long)]
    force: bool,
}

impl Init {
    pub(super) fn run(self, context: &Context) -> Result<Answer> {
        let path = context.config.clone().unwrap_or_else(|| PathBuf::from(FILE_NAME));
        let mut options = OpenOptions::new();
        options.write(true).mode(0o600);
        if self.force {
            options.create(true).truncate(true);
        } else {
            options.create_new(true);
        }
        let mut file = match options.open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let message = format!("{} is there already", shown(&path));
                return Err(with_hint(message, "--force overwrites it, --config FILE names another"));
            }
            Err(error) => return Err(error).with_context(|| format!("cannot write {}", shown(&path))),
        };
        let mut write = || {
            // One that was there may have been for others to read, and had no password in it.
            if file.metadata()?.is_file() {
                file.set_permissions(Permissions::from_mode(0o600))?;
            }
            file.write_all(self.text().as_bytes())
        };
        write().with_context(|| format!("cannot write {}", shown(&path)))?;
        // The others look for a file of the usual name.
        let named = if path == Path::new(FILE_NAME) {
            String::new()
        } else {
            format!(" -c {}", for_shell(&shown(&path)))
        };
        print(format_args!(
            "wrote {}\nnext: edit it, then `ringfence check{named}`, then `ringfence run{named}`\n",
            shown(&path)
        ))?;
        Ok(Answer::Fine)
    }

    /// Fills in the template.
    fn text(&self) -> String {
        let quoted = |text: &str| Value::from(text).to_string();
        let given = |text: &Option<String>, placeholder: &str| quoted(text.as_deref().unwrap_or(placeholder));
        let password = match (&self.password_env, &self.password_file) {
            (Some(variable), _) => format!("password_env = {}", quoted(variable)),
            (None, Some(file)) => format!("password_file = {}", quoted(file)),
            (None, None) => {
                "password = \"\"               # or password_file = \"…\", or password_env = \"…\"".to_owned()
            }
        };
        let region = self.region.or_else(system_region).map_or("<CH, US, …>", Region::as_str);
        filled(
            include_str!("init.toml"),
            &[
                ("{REGION}", &quoted(region)),
                ("{USER}", &given(&self.user, "<extension>")),
                ("{DOMAIN}", &given(&self.domain, "<host of the PBX>")),
                ("{PASSWORD}", &password),
            ],
        )
    }
}

/// Puts each value in its place, and none into another value.
fn filled(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = template;
    let first = |rest: &str| {
        let places = values.iter().filter_map(|(name, value)| Some((rest.find(name)?, *name, *value)));
        places.min_by_key(|(at, ..)| *at)
    };
    while let Some((at, name, value)) = first(rest) {
        filled.extend([&rest[..at], value]);
        rest = &rest[at + name.len()..];
    }
    filled.push_str(rest);
    filled
}

fn region(code: &str) -> Result<Region, ringfence_policy::UnknownRegion> {
    Region::parse(code)
}

/// Takes the name of a variable, as a shell and systemd take it (POSIX, XBD section 8.1).
fn variable(name: &str) -> Result<String, &'static str> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_name = name.bytes().all(is_part) && name.starts_with(|first: char| !first.is_ascii_digit());
    is_name.then(|| name.to_owned()).ok_or("expected letters, digits and _, such as PBX_PASSWORD")
}

/// Reads the region of the locale, such as `de_CH.UTF-8`.
fn system_region() -> Option<Region> {
    let variables = ["LC_ALL", "LC_TELEPHONE", "LANG"];
    let locale =
        variables.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))?;
    let (_, region) = locale.split_once('_')?;
    Region::parse(region.split(['.', '@']).next()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_filled_in_as_it_is() {
        let filled = filled("a = {A}, b = { {B} }\n", &[("{A}", "{B}"), ("{B}", "{A}")]);
        assert_eq!(filled, "a = {B}, b = { {A} }\n");
    }

    #[test]
    fn a_variable_has_a_name_that_a_shell_takes() {
        assert_eq!(variable("PBX_PASSWORD_2").as_deref(), Ok("PBX_PASSWORD_2"));
        for name in ["A B", "", "2A", "A=B", "A-B"] {
            assert!(variable(name).is_err(), "{name}");
        }
    }
}
