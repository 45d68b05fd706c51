//! The shard's side of media: ports of a line, and where they are seen.

use std::io;

use ringfence_ua::LineId as Number;
use tokio::sync::oneshot;

use super::Shard;
use crate::error::{Kind, Result};
use crate::io::RtpPair;
use crate::io::rtp_pair::Wanted;

impl Shard {
    /// Binds a pair of ports for a call of a line.
    pub(super) fn bind_media(&self, line: Number, done: oneshot::Sender<Result<RtpPair>>) {
        let wanted = self.media_wanted(line);
        tokio::spawn(async move {
            let bound = match wanted {
                Ok(wanted) => RtpPair::bind(wanted).await,
                Err(error) => Err(error),
            };
            // Who asked may have gone.
            let _ = done.send(bound);
        });
    }

    fn media_wanted(&self, line: Number) -> Result<Wanted> {
        let account = self.endpoint.account(line).ok_or(Kind::Removed)?;
        let local = self.endpoint.local_address(line).unwrap_or(self.udp.local()).ip();
        if local.is_unspecified() {
            let error = io::Error::new(io::ErrorKind::NotConnected, "its registrar has not been found yet");
            return Err(Kind::System { what: "no address of the line", error }.into());
        }
        let (public, stun) = (account.extras().public_address, self.stun.clone());
        Ok(Wanted { ports: self.rtp_ports, local, public, stun, names: self.names.clone() })
    }
}
