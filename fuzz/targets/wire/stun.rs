//! A STUN message: what a server answers.

use ringfence_wire::stun::{Answer, is_stun};

/// Whatever comes is read without a panic, and what is read is STUN that says one thing.
pub fn run(bytes: &[u8]) {
    match Answer::parse(bytes) {
        Ok(answer) => {
            assert!(is_stun(bytes) && bytes.len().is_multiple_of(4));
            assert_eq!(Answer::parse(bytes), Ok(answer));
            assert!(answer.mapped.is_ok() || answer.mapped.is_err_and(|code| (300..700).contains(&code)));
        }
        Err(error) => assert!(!error.to_string().contains(char::is_control)),
    }
}
