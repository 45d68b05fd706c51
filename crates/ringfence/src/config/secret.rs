//! A password that is never printed.

use std::fmt;

/// A password. Its `Debug` shows dots, and it has no `Display` and no serialisation.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(password: impl Into<String>) -> Self {
        Self(password.into())
    }

    /// Returns the password, to be handed to the softphone and to nothing else.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_hides_the_password() {
        assert_eq!(format!("{:?}", Secret::new("858")), "•••");
    }
}
