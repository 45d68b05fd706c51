//! A call's final answer, whichever it is: its status, phrase and headers.

use std::borrow::Cow;

use ringfence_wire::sip::{Message, Printer, StatusCode};

use crate::call::{Redirection, Rejection, Then, Wait};
use crate::core::{Agent, Objection};

/// A final answer that is no acceptance.
#[derive(Debug, Clone, Copy)]
pub(super) enum Final<'a> {
    Rejection(&'a Rejection),
    Redirection(&'a Redirection),
    /// A redirection to the URI that was called, which comes to nothing.
    LedBack,
    Objection(Objection),
    Cancelled,
}

impl<'a> Final<'a> {
    /// What is answered at the limit of a wait, or `otherwise` where nothing was chosen for it.
    pub(super) fn of(then: &'a Then, otherwise: &'a Rejection) -> Self {
        match then {
            Then::Unavailable => Self::Rejection(otherwise),
            Then::Reject(rejection) => Self::Rejection(rejection),
            Then::Redirect(redirection) => Self::Redirection(redirection),
        }
    }

    /// What is answered where there is no room to wait.
    pub(super) fn without_waiting(wait: &'a Wait, overloaded: &'a Rejection) -> Self {
        Self::of(wait.then(), overloaded)
    }

    /// Returns what a request is answered in fact.
    pub(super) fn to(self, request: &Message<'_>) -> Self {
        match self {
            //= https://www.rfc-editor.org/rfc/rfc3261#section-8.3
            //# However, redirect servers MUST NOT
            //# redirect a request to a URI equal to the one in the Request-URI;
            //# instead, provided that the URI does not point to itself, the server
            //# MAY proxy the request to the destination URI, or MAY reject it with a
            //# 404.
            Self::Redirection(redirection)
                if redirection.leads_to(request.request_uri().unwrap_or_default()) =>
            {
                Self::LedBack
            }
            answer @ (Self::Rejection(_)
            | Self::Redirection(_)
            | Self::LedBack
            | Self::Objection(_)
            | Self::Cancelled) => answer,
        }
    }

    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Rejection(rejection) => rejection.status(),
            Self::Redirection(_) => StatusCode::MOVED_TEMPORARILY,
            Self::LedBack => StatusCode::NOT_FOUND,
            Self::Objection(objection) => objection.status(),
            //= https://www.rfc-editor.org/rfc/rfc3261#section-9.2
            //# If the original request was an INVITE, the UAS
            //# SHOULD immediately respond to the INVITE with a 487 (Request
            //# Terminated).
            Self::Cancelled => StatusCode::REQUEST_TERMINATED,
        }
    }

    pub(super) fn phrase(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Rejection(rejection) => rejection.phrase().map(Cow::Borrowed),
            Self::Objection(objection) => Some(objection.to_string().into()),
            Self::Redirection(_) | Self::LedBack | Self::Cancelled => None,
        }
    }

    pub(super) fn write_headers(self, request: &Message<'_>, agent: &Agent, response: &mut Printer<'_>) {
        match self {
            Self::Rejection(rejection) => {
                rejection.write_headers(agent, response);
                if let Some(objection) = Objection::with_status(rejection.status()) {
                    objection.write_headers(request, &agent.warner, response);
                }
            }
            Self::Redirection(redirection) => redirection.write_headers(response),
            Self::LedBack => {
                let why = "It was to be redirected to the URI that was called";
                response.header_joined("Warning", &["399 ", &agent.warner, " \"", why, "\""]);
            }
            Self::Objection(objection) => objection.write_headers(request, &agent.warner, response),
            Self::Cancelled => {}
        }
    }
}
