//! The policy language: TOML with structured matchers, and tests in the file.
//!
//! ```text
//!  File ─ include ─▶ documents ─ merge ─▶ blocks ─ compile ─▶ Policy
//!         read        (shape)             (names)
//! ```
//!
//! What a document may say is defined once, in `document`: its reading, its errors and its JSON
//! Schema come from there. All errors of all files are told at once, each where it stands. No file
//! is opened here: a program hands the text in.

mod block;
mod calendar;
mod compile;
mod diagnostic;
mod document;
mod draft;
mod file;
mod include;
mod lint;
mod list;
mod merge;
mod moment;
mod near;
mod read;
mod renamed;
mod schema;
mod shape;
mod source;
mod suite;
mod value;

pub use diagnostic::{Diagnostic, Severity};
pub use draft::Draft;
pub use file::{File, Place};
pub use list::{ListSpec, SourceSpec};
pub use near::nearest;
pub use read::brief;
pub use schema::schema;
pub use source::{ListSource, SourceError};
pub use suite::TestResult;
