//! What an account said when its line was made, without keeping it: fifty thousand would be kept for a reload alone.

use std::hash::{BuildHasher as _, RandomState};

use crate::config::Account;

/// Stands for all that one account says but who names its callers, which is the screen's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said([u64; 2]);

/// Two keys of this run, unknown to others: two accounts that differ are taken for one once in 2^128 times, and nobody can
/// write two of which that is true.
#[derive(Debug, Default)]
pub(super) struct Seeds([RandomState; 2]);

impl Seeds {
    /// Returns what stands for an account.
    pub(super) fn said(&self, account: &Account) -> Said {
        let account = Account { caller: Vec::new(), ..account.clone() };
        Said(self.0.each_ref().map(|seed| seed.hash_one(&account)))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::read_text;

    const REST: &str = "[defaults]\nregion = \"GB\"\n\n[[rule]]\nid = \"otherwise\"\nthen = \"busy\"\n";

    fn account(more: &str) -> Account {
        account_of(["home", "858", "192.0.2.1"], more)
    }

    fn account_of([name, user, domain]: [&str; 3], more: &str) -> Account {
        let text = format!("[account.{name}]\nuser = \"{user}\"\ndomain = \"{domain}\"\n{more}\n\n{REST}");
        let reading = read_text(Path::new("/ringfence.toml"), &text);
        let config = reading.config.unwrap_or_else(|| panic!("{:?}", reading.report));
        Account::clone(&config.accounts[0])
    }

    const PASSWORD: &str = "password = \"secret\"";

    #[test]
    fn whatever_an_account_says_else_than_before_is_noticed() {
        let seeds = Seeds::default();
        let others = [
            "password = \"other\"",
            "password = \"secret\"\nport = 5070",
            "password = \"secret\"\nexpires = \"10m\"",
            "password = \"secret\"\ndisplay_name = \"Office\"",
            "password = \"secret\"\nauth_user = \"Office\"",
            "password = \"secret\"\ntransport = \"tcp\"",
            "password = \"secret\"\ntransport = \"ws\"\nwebsocket_path = \"/ws\"",
            "password = \"secret\"\noutbound_proxy = \"192.0.2.2\"",
            "password = \"secret\"\npublic_address = \"192.0.2.2\"",
            "password = \"secret\"\nkeep_alive = \"stun\"",
            "password = \"secret\"\npeers = [\"192.0.2.2\"]",
            "password = \"secret\"\nopen = true",
            "password = \"secret\"\nregister = false",
            "register = false",
        ];
        let mut all = vec![seeds.said(&account(PASSWORD))];
        all.extend(others.iter().map(|more| seeds.said(&account(more))));
        let elsewhere =
            [["work", "858", "192.0.2.1"], ["home", "859", "192.0.2.1"], ["home", "858", "192.0.2.2"]];
        all.extend(elsewhere.map(|which| seeds.said(&account_of(which, PASSWORD))));
        for (index, one) in all.iter().enumerate() {
            assert!(!all[..index].contains(one), "{index}");
        }
    }

    #[test]
    fn one_that_says_the_same_is_the_same_whoever_names_its_callers() {
        let seeds = Seeds::default();
        let caller = format!("{PASSWORD}\ncaller = [\"from\"]");
        assert_eq!(seeds.said(&account(PASSWORD)), seeds.said(&account(&caller)));
    }
}
