//! What an endpoint counts.

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What was counted since the start, and what is held now.
        ///
        /// ```
        /// use ringfence_ua::Counters;
        ///
        /// let mut counters = Counters::default();
        /// counters.invites = 3;
        /// assert!(counters.iter().any(|(name, value)| name == "invites" && value == 3));
        /// assert_eq!(counters.plus(counters).invites, 6);
        /// ```
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Counters {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            /// Returns each counter with its name.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name)),*].into_iter()
            }

            /// Returns the sum of two, for several endpoints of one softphone.
            #[must_use]
            pub fn plus(self, other: Self) -> Self {
                Self { $($name: self.$name + other.$name),* }
            }
        }
    };
}

counters! {
    /// Datagrams that came in.
    datagrams,
    /// Messages that came in over connections.
    stream_messages,
    /// Datagrams of line ends only.
    keep_alives,
    /// Requests of lines by UDP that were too long for it, and went by TCP.
    requests_by_tcp,
    /// New INVITEs that were let in.
    invites,
    /// Requests that a transaction had seen before.
    retransmissions,
    /// Calls rejected, by the screen or the application.
    rejected,
    /// Calls redirected.
    redirected,
    /// Calls that the screen let ring.
    rung,
    /// Calls that the screen held in silence.
    held,
    /// Calls left unanswered.
    ignored,
    /// Calls that the application was offered.
    offered,
    /// Calls whose caller gave up before a decision.
    cancelled,
    /// Calls that waited until their limit, or until their `Expires` had passed.
    expired,
    /// Calls whose final response was never acknowledged.
    unacknowledged,
    /// Requests answered without keeping state: at the bound of the transaction table, or where no
    /// transaction could be found again.
    answered_stateless,
    /// Calls turned away because too many are undecided, in the endpoint or where the application would take them.
    turned_away,
    /// New requests beyond what their source may make in a second: answered without being kept, or not at
    /// all.
    over_rate,
    /// Copies of one request that came by another way: answered 482, or where it was left unanswered not at all.
    merged,
    /// Datagrams that are no SIP message, and responses that cannot be read.
    dropped_malformed,
    /// Requests of those who may not ring, dropped unanswered.
    dropped_stranger,
    /// ACKs that match no transaction.
    dropped_stray_ack,
    /// Responses that match no transaction.
    dropped_unmatched_response,
    /// Responses too long for a datagram, which could not be sent.
    dropped_too_long,
    /// Datagrams that the system had no room for in the buffer of the socket, or took away in an overload, where it tells. What
    /// it had joined, as `softphone` has it do on Linux (`UDP_GRO`), it counts as one.
    /// An endpoint has no socket: who has it fills this in.
    dropped_by_system,
    /// Times that more new requests came by UDP than could be answered, so that the system was asked to take a part of them
    /// away. Who has the socket fills this in.
    overloads,
    /// Connections that were refused or closed because there are too many. An endpoint has none: who has them fills this
    /// in.
    refused_connections,
    /// Sockets of which a part of the new requests is taken away now, or was in the last five seconds. Who has them fills
    /// this in.
    overloaded,
    /// Connections open now. Who has them fills this in.
    connections,
    /// Lines held now.
    lines,
    /// Transactions held now.
    transactions,
    /// Calls undecided now.
    undecided_calls,
}
