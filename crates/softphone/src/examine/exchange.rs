//! One request and what it is answered, as a client transaction of the core's (RFC 3261 section 17.1.2).

use std::fmt;
use std::io;
use std::time::Duration;

use ringfence_ua::auth::Authenticator;
use ringfence_ua::transaction::Client;
use ringfence_ua::{Account, Asks, Generator, Query};
use ringfence_wire::sip::{Message, StatusCode};
use tokio::time::{Instant, sleep_until, timeout};

use super::answers::{Answered, Fetched};
use super::link::Link;

/// Why a request was not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unanswered {
    /// Nothing came for so long, however often it was sent.
    Silent(Duration),
    /// A router, or the server's host, says that nobody listens there (ICMP), or the connection ended.
    Ended(String),
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent(waited) => write!(f, "no answer within {} s", waited.as_secs()),
            Self::Ended(why) => f.write_str(why),
        }
    }
}

/// How long an answer is waited for: three repetitions over UDP. What comes later is late for a caller, too.
const WAIT: Duration = Duration::from_secs(4);
/// Requests that carry an answer to a challenge: the first, one for a nonce that was stale, and one for a proxy before the
/// registrar. Servers ban who asks on.
const MOST_ROUNDS: u32 = 4;

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
        let response = timeout(WAIT, self.exchange(request, &branch)).await;
        let response = response.map_err(|_| Unanswered::Silent(WAIT))?;
        let response = response.map_err(|error| Unanswered::Ended(said(&error)))?;
        let answered = Answered::of(&response, asked.elapsed(), self.link.local());
        Ok((response, answered))
    }

    /// Fetches the bindings, with the password where it is asked for.
    pub(super) async fn fetch(&mut self) -> Fetched {
        let mut is_challenged = false;
        let mut rounds = 0;
        loop {
            let (message, response) = match self.ask(Asks::Bindings).await {
                Ok(answered) => answered,
                Err(unanswered) => return Fetched::Unanswered(unanswered),
            };
            match response.status {
                200..=299 => {
                    let bindings = self.listed(&message);
                    return Fetched::Listed { bindings, is_challenged, response };
                }
                401 | 407 => {}
                _ => return Fetched::Refused { response },
            }
            (is_challenged, rounds) = (true, rounds + 1);
            let Some(authenticator) = &mut self.authenticator else {
                return Fetched::Unauthenticated { why: "no password is given".to_owned(), response };
            };
            if self.is_repeated {
                authenticator.handle_repetition();
            }
            if let Err(error) = authenticator.handle_challenge(&message) {
                return Fetched::Unauthenticated { why: error.to_string(), response };
            }
            if rounds == MOST_ROUNDS {
                let why = format!("it asked for the password {MOST_ROUNDS} times");
                return Fetched::Unauthenticated { why, response };
            }
        }
    }

    /// Sends a request until it has a final response.
    async fn exchange(&mut self, request: Vec<u8>, branch: &str) -> io::Result<Message<'static>> {
        let is_reliable = self.link.transport().is_reliable();
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
                received = self.link.receive() => {
                    let received = received?;
                    if let Some((status, response)) = of_branch(&received, branch)
                        && transaction.handle_response(Instant::now().into_std(), status)
                        && status >= 200
                    {
                        return Ok(response);
                    }
                }
                () = sleep_until(due.into()) => transaction.handle_timeout(Instant::now().into_std()),
            }
        }
    }
}

/// Returns a response that is to the request of a branch, and its status (RFC 3261 section 17.1.3).
fn of_branch(received: &[u8], branch: &str) -> Option<(u16, Message<'static>)> {
    let message = Message::parse(received).ok()?;
    let status = message.status().map(StatusCode::as_u16)?;
    let is_ours = message.via().is_ok_and(|via| via.branch() == Some(branch.as_bytes()));
    is_ours.then(|| (status, message.into_owned()))
}

fn said(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::ConnectionRefused {
        return "the host says that nobody listens there".to_owned();
    }
    error.to_string()
}
