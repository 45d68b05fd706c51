//! One request and what it is answered, as a client transaction of the core's (RFC 3261 section 17.1.2).

use std::io;
use std::time::Duration;

use ringfence_ua::auth::{AuthError, Authenticator};
use ringfence_ua::transaction::Client;
use ringfence_ua::{Account, Asks, Generator, Query};
use ringfence_wire::sip::{Message, StatusCode};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::rustls::{AlertDescription, Error as TlsError};

use super::answers::{Answered, Denial, Fetched};
use super::link::Link;

/// Why a request was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unanswered {
    /// Nothing came for so long, however often it was sent.
    #[error("no answer within {} s", .0.as_secs())]
    Silent(Duration),
    /// It was said that an answer is on its way (100 Trying, RFC 3261 section 17.1.2), and none came for so long.
    #[error("100 Trying, and no answer within {} s", .0.as_secs())]
    Trying(Duration),
    /// The host says that nobody listens there (ICMP).
    #[error("nobody listens there")]
    Refused,
    /// What came is no SIP.
    #[error("what answers there does not speak SIP")]
    NotSip,
    /// The server wants to be shown a certificate.
    #[error("the server wants to be shown a certificate")]
    WantsCertificate,
    /// The connection has ended, for this reason.
    #[error("{0}")]
    Closed(String),
}

/// How long an answer is waited for: three repetitions over UDP. What comes later is late for a caller, too.
const WAIT: Duration = Duration::from_secs(4);
/// How often a challenge is answered for one question: the first, one for a nonce that was stale, and one for a proxy before
/// the registrar. Servers ban who asks on.
const MOST_ANSWERS: usize = 3;

/// Asks one server.
pub(super) struct Asker<'a> {
    account: &'a Account,
    user_agent: &'a str,
    link: &'a mut Link,
    generator: &'a mut Generator,
    call_id: String,
    from_tag: String,
    cseq: u32,
    authenticator: Option<Authenticator>,
    /// Whether the last request went out more than once.
    is_repeated: bool,
}

impl<'a> Asker<'a> {
    pub(super) fn new(
        account: &'a Account,
        user_agent: &'a str,
        link: &'a mut Link,
        generator: &'a mut Generator,
    ) -> Self {
        let (call_id, from_tag) = (generator.token(24), generator.token(16));
        let authenticator = account.credentials.clone().map(Authenticator::new);
        Self {
            account,
            user_agent,
            link,
            generator,
            call_id,
            from_tag,
            cseq: 0,
            authenticator,
            is_repeated: false,
        }
    }

    pub(super) fn account(&self) -> &Account {
        self.account
    }

    /// Asks once. Returns the response, and what it says.
    pub(super) async fn ask(&mut self, asks: Asks) -> Result<(Message<'static>, Answered), Unanswered> {
        self.cseq += 1;
        let (branch, cnonce) = (self.generator.branch(), self.generator.token(24));
        let query = Query {
            account: self.account,
            asks,
            transport: self.link.transport(),
            local: self.link.local(),
            branch: &branch,
            call_id: &self.call_id,
            from_tag: &self.from_tag,
            cseq: self.cseq,
            user_agent: self.user_agent,
        };
        // A capability is asked for without credentials: whoever wants them has answered.
        let authenticator = self.authenticator.as_mut().filter(|_| asks == Asks::Bindings);
        let request = query.write(authenticator, &cnonce);
        let asked = Instant::now();
        let mut is_heard = Heard::Nothing;
        let response = timeout(WAIT, self.exchange(request, &branch, &mut is_heard)).await;
        let response = response.map_err(|_| match is_heard {
            Heard::Nothing => Unanswered::Silent(WAIT),
            Heard::Provisional => Unanswered::Trying(WAIT),
            Heard::NoSip => Unanswered::NotSip,
        })?;
        let response = response.map_err(|error| Unanswered::of(&error))?;
        let answered = Answered::of(&response, asked.elapsed(), self.link.local());
        Ok((response, answered))
    }

    /// Fetches the bindings, with the password where it is asked for.
    pub(super) async fn fetch(&mut self) -> Fetched {
        let mut challenges = 0;
        loop {
            let (message, response) = match self.ask(Asks::Bindings).await {
                Ok(answered) => answered,
                Err(unanswered) => return Fetched::Unanswered(unanswered),
            };
            match response.status {
                200..=299 => {
                    let (bindings, count) = self.listed(&message);
                    return Fetched::Listed { bindings, count, is_challenged: challenges > 0, response };
                }
                401 | 407 => {}
                _ => return Fetched::Refused { is_challenged: challenges > 0, response },
            }
            if let Err(why) = self.take_challenge(&message, challenges) {
                return Fetched::Denied { why, response };
            }
            challenges += 1;
        }
    }

    fn take_challenge(&mut self, challenge: &Message<'_>, answered: usize) -> Result<(), Denial> {
        let authenticator = self.authenticator.as_mut().ok_or(Denial::NoPassword)?;
        if self.is_repeated {
            authenticator.handle_repetition();
        }
        authenticator.handle_challenge(challenge)?;
        if answered == MOST_ANSWERS {
            return Err(AuthError::TooManyChallenges { limit: MOST_ANSWERS }.into());
        }
        Ok(())
    }

    /// Sends a request until it has a final response.
    async fn exchange(
        &mut self,
        request: Vec<u8>,
        branch: &str,
        heard: &mut Heard,
    ) -> io::Result<Message<'static>> {
        let is_reliable = self.link.transport().is_reliable();
        let asked = Message::parse(&request).map(Message::into_owned).map_err(io::Error::other)?;
        let mut transaction = Client::new(Instant::now().into_std(), is_reliable, request);
        loop {
            while let Some(request) = transaction.poll_transmit() {
                self.link.send(request).await?;
            }
            self.is_repeated = transaction.is_repeated();
            let Some(due) = transaction.poll_timeout() else {
                return Err(io::ErrorKind::TimedOut.into());
            };
            tokio::select! {
                received = self.link.receive() => match answer_to(&asked, branch, &received?) {
                    Ok((status, response)) => {
                        if transaction.handle_response(Instant::now().into_std(), status) && status >= 200 {
                            return Ok(response);
                        }
                        *heard = Heard::Provisional;
                    }
                    Err(NoAnswer::NoSip) if *heard == Heard::Nothing => *heard = Heard::NoSip,
                    Err(NoAnswer::NoSip | NoAnswer::Another) => {}
                },
                () = sleep_until(due.into()) => transaction.handle_timeout(Instant::now().into_std()),
            }
        }
    }
}

/// What has come so far, that was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Nothing,
    Provisional,
    NoSip,
}

/// What a message is that is no answer.
enum NoAnswer {
    NoSip,
    /// A request, or the response to something else.
    Another,
}

/// Reads a response that is to a request, and its status.
fn answer_to(
    request: &Message<'_>,
    branch: &str,
    received: &[u8],
) -> Result<(u16, Message<'static>), NoAnswer> {
    let message = Message::parse(received).map_err(|_| NoAnswer::NoSip)?;
    if message.malformed_line().is_some() {
        return Err(NoAnswer::NoSip);
    }
    let status = message.status().map(StatusCode::as_u16).ok_or(NoAnswer::Another)?;
    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.3
    //# 2.  If the method parameter in the CSeq header field matches the
    //# method of the request that created the transaction.
    let is_of_branch = message.via().is_ok_and(|via| via.branch() == Some(branch.as_bytes()));
    let is_of_request = message.cseq().ok() == request.cseq().ok() && message.call_id() == request.call_id();
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.3.3
    //# If more than one Via header field value is present in a response, the
    //# UAC SHOULD discard the message.
    let is_ours = is_of_branch && is_of_request && message.vias().count() == 1;
    if is_ours { Ok((status, message.into_owned())) } else { Err(NoAnswer::Another) }
}

impl Unanswered {
    fn of(error: &io::Error) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
        match (error.kind(), tls) {
            (io::ErrorKind::ConnectionRefused, _) => Self::Refused,
            (_, Some(TlsError::AlertReceived(AlertDescription::CertificateRequired))) => {
                Self::WantsCertificate
            }
            (io::ErrorKind::InvalidData, None) => Self::NotSip,
            (_, _) => Self::Closed(error.to_string()),
        }
    }
}
