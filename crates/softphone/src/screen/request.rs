//! The request that an INVITE is: while a shard has it its head is read already, and of one that is kept each part is read when
//! somebody asks for it.

use ringfence_wire::sip::{CSeq, Head, Message, NameAddr};

/// The request that an INVITE is.
#[derive(Clone, Copy)]
pub(crate) enum Request<'a> {
    /// As a shard shows it.
    Read(&'a Head<'a>),
    /// As it is kept for the application, with what stood against its ringing.
    Kept { message: &'a Message<'a>, objection: Option<ringfence_ua::Objection> },
}

impl<'a> Request<'a> {
    pub(super) fn message(&self) -> &'a Message<'a> {
        match self {
            Self::Read(head) => head.message(),
            Self::Kept { message, .. } => message,
        }
    }

    pub(super) fn from(&self) -> Option<NameAddr<'a>> {
        match self {
            Self::Read(head) => head.from().ok().copied(),
            Self::Kept { message, .. } => message.from().ok(),
        }
    }

    pub(super) fn to(&self) -> Option<NameAddr<'a>> {
        match self {
            Self::Read(head) => head.to().ok().copied(),
            Self::Kept { message, .. } => message.to().ok(),
        }
    }

    pub(super) fn call_id(&self) -> &'a [u8] {
        match self {
            Self::Read(head) => head.call_id(),
            Self::Kept { message, .. } => message.call_id(),
        }
        .unwrap_or_default()
    }

    pub(super) fn cseq(&self) -> Option<CSeq<'a>> {
        match self {
            Self::Read(head) => head.cseq(),
            Self::Kept { message, .. } => message.cseq(),
        }
        .ok()
    }

    /// Returns the tag of From, or nothing where there is none.
    pub(super) fn tag_of_from(&self) -> &'a [u8] {
        match self {
            Self::Read(head) => head.from_tag(),
            Self::Kept { message, .. } => message.from().ok().and_then(|from| from.tag()).unwrap_or_default(),
        }
    }

    /// Returns what stands against its ringing; in a shard it is looked for each time.
    pub(super) fn objection(&self) -> Option<ringfence_ua::Objection> {
        match self {
            Self::Read(head) => ringfence_ua::Objection::to_invite(head),
            Self::Kept { objection, .. } => *objection,
        }
    }
}
