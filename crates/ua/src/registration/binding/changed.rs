//! An account that says something else while its binding stays what it is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Binding, Phase, asked_for};
use crate::core::auth::Authenticator;
use crate::id::Generator;
use crate::registration::Account;

impl Binding {
    /// Takes what the account says now, of which this is the binding as well ([`Account::has_binding_of`]).
    ///
    /// Where what is sent is another, the binding is asked for anew, at once or as the lines of the server return where they are
    /// many. What the registrar has of it stays until then, and when it refuses until its time is over. A REGISTER on its way is
    /// let through, and a challenge to it is answered by the new credentials.
    pub(crate) fn change(&mut self, now: Instant, account: Arc<Account>, generator: &mut Generator) {
        let before = std::mem::replace(&mut self.account, account);
        let account = &*self.account;
        let has_other_credentials = before.credentials != account.credentials;
        let has_another_time = before.expires != account.expires;
        let has_another_name = before.extras().display_name != account.extras().display_name;
        if has_other_credentials {
            self.authenticator = account.credentials.clone().map(Authenticator::new);
        }
        if has_another_time {
            self.expires = asked_for(account);
        }
        if !(has_other_credentials || has_another_time || has_another_name) {
            return;
        }
        if let Phase::Bound { refresh_at: due } | Phase::Waiting { retry_at: due } = &mut self.phase {
            let within = self.crowd.spread(Duration::ZERO);
            *due = (*due).min(now + within.mul_f64(generator.fraction()));
        }
    }
}
