//! Status codes (RFC 3261 section 21 and the extensions' own).

use std::fmt;

/// A response's status code, from 100 to 699.
///
/// ```
/// use ringfence_wire::sip::StatusCode;
///
/// assert_eq!(StatusCode::BUSY_HERE.as_u16(), 486);
/// assert_eq!(StatusCode::new(607).unwrap().reason(), "Unwanted");
/// assert_eq!(StatusCode::new(799), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatusCode(u16);

macro_rules! status_codes {
    ($($name:ident = $code:literal $reason:literal,)*) => {
        impl StatusCode {
            $(
                #[doc = concat!(stringify!($code), " (", $reason, ").")]
                pub const $name: Self = Self($code);
            )*

            /// Returns the registered reason phrase; for a code that is not registered, that of the class's
            /// first code.
            #[must_use]
            pub fn reason(self) -> &'static str {
                match self.0 {
                    $($code => $reason,)*
                    // RFC 3261 section 8.1.3.2: an unknown final response is the x00 of its class.
                    100..200 => "Session Progress",
                    200..300 => "OK",
                    300..400 => "Multiple Choices",
                    400..500 => "Bad Request",
                    500..600 => "Server Internal Error",
                    _ => "Busy Everywhere",
                }
            }
        }
    };
}

status_codes! {
    TRYING = 100 "Trying",
    RINGING = 180 "Ringing",
    CALL_IS_BEING_FORWARDED = 181 "Call Is Being Forwarded",
    QUEUED = 182 "Queued",
    SESSION_PROGRESS = 183 "Session Progress",
    EARLY_DIALOG_TERMINATED = 199 "Early Dialog Terminated",
    OK = 200 "OK",
    ACCEPTED = 202 "Accepted",
    NO_NOTIFICATION = 204 "No Notification",
    MULTIPLE_CHOICES = 300 "Multiple Choices",
    MOVED_PERMANENTLY = 301 "Moved Permanently",
    MOVED_TEMPORARILY = 302 "Moved Temporarily",
    USE_PROXY = 305 "Use Proxy",
    ALTERNATIVE_SERVICE = 380 "Alternative Service",
    BAD_REQUEST = 400 "Bad Request",
    UNAUTHORIZED = 401 "Unauthorized",
    PAYMENT_REQUIRED = 402 "Payment Required",
    FORBIDDEN = 403 "Forbidden",
    NOT_FOUND = 404 "Not Found",
    METHOD_NOT_ALLOWED = 405 "Method Not Allowed",
    NOT_ACCEPTABLE = 406 "Not Acceptable",
    PROXY_AUTHENTICATION_REQUIRED = 407 "Proxy Authentication Required",
    REQUEST_TIMEOUT = 408 "Request Timeout",
    GONE = 410 "Gone",
    CONDITIONAL_REQUEST_FAILED = 412 "Conditional Request Failed",
    REQUEST_ENTITY_TOO_LARGE = 413 "Request Entity Too Large",
    REQUEST_URI_TOO_LONG = 414 "Request-URI Too Long",
    UNSUPPORTED_MEDIA_TYPE = 415 "Unsupported Media Type",
    UNSUPPORTED_URI_SCHEME = 416 "Unsupported URI Scheme",
    UNKNOWN_RESOURCE_PRIORITY = 417 "Unknown Resource-Priority",
    BAD_EXTENSION = 420 "Bad Extension",
    EXTENSION_REQUIRED = 421 "Extension Required",
    SESSION_INTERVAL_TOO_SMALL = 422 "Session Interval Too Small",
    INTERVAL_TOO_BRIEF = 423 "Interval Too Brief",
    BAD_LOCATION_INFORMATION = 424 "Bad Location Information",
    BAD_ALERT_MESSAGE = 425 "Bad Alert Message",
    USE_IDENTITY_HEADER = 428 "Use Identity Header",
    PROVIDE_REFERRER_IDENTITY = 429 "Provide Referrer Identity",
    FLOW_FAILED = 430 "Flow Failed",
    ANONYMITY_DISALLOWED = 433 "Anonymity Disallowed",
    BAD_IDENTITY_INFO = 436 "Bad Identity Info",
    UNSUPPORTED_CREDENTIAL = 437 "Unsupported Credential",
    INVALID_IDENTITY_HEADER = 438 "Invalid Identity Header",
    FIRST_HOP_LACKS_OUTBOUND_SUPPORT = 439 "First Hop Lacks Outbound Support",
    MAX_BREADTH_EXCEEDED = 440 "Max-Breadth Exceeded",
    BAD_INFO_PACKAGE = 469 "Bad Info Package",
    CONSENT_NEEDED = 470 "Consent Needed",
    TEMPORARILY_UNAVAILABLE = 480 "Temporarily Unavailable",
    CALL_TRANSACTION_DOES_NOT_EXIST = 481 "Call/Transaction Does Not Exist",
    LOOP_DETECTED = 482 "Loop Detected",
    TOO_MANY_HOPS = 483 "Too Many Hops",
    ADDRESS_INCOMPLETE = 484 "Address Incomplete",
    AMBIGUOUS = 485 "Ambiguous",
    BUSY_HERE = 486 "Busy Here",
    REQUEST_TERMINATED = 487 "Request Terminated",
    NOT_ACCEPTABLE_HERE = 488 "Not Acceptable Here",
    BAD_EVENT = 489 "Bad Event",
    REQUEST_PENDING = 491 "Request Pending",
    UNDECIPHERABLE = 493 "Undecipherable",
    SECURITY_AGREEMENT_REQUIRED = 494 "Security Agreement Required",
    SERVER_INTERNAL_ERROR = 500 "Server Internal Error",
    NOT_IMPLEMENTED = 501 "Not Implemented",
    BAD_GATEWAY = 502 "Bad Gateway",
    SERVICE_UNAVAILABLE = 503 "Service Unavailable",
    SERVER_TIME_OUT = 504 "Server Time-out",
    VERSION_NOT_SUPPORTED = 505 "Version Not Supported",
    MESSAGE_TOO_LARGE = 513 "Message Too Large",
    PUSH_NOTIFICATION_SERVICE_NOT_SUPPORTED = 555 "Push Notification Service Not Supported",
    PRECONDITION_FAILURE = 580 "Precondition Failure",
    BUSY_EVERYWHERE = 600 "Busy Everywhere",
    DECLINE = 603 "Decline",
    DOES_NOT_EXIST_ANYWHERE = 604 "Does Not Exist Anywhere",
    NOT_ACCEPTABLE_ANYWHERE = 606 "Not Acceptable",
    UNWANTED = 607 "Unwanted",
    REJECTED = 608 "Rejected",
}

impl StatusCode {
    /// Returns the code, or `None` when it is not from 100 to 699.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        if code >= 100 && code < 700 { Some(Self(code)) } else { None }
    }

    /// Returns the number.
    #[must_use]
    pub const fn as_u16(self) -> u16 {
        self.0
    }

    /// Returns the first digit, from 1 to 6.
    #[must_use]
    pub const fn class(self) -> u16 {
        self.0 / 100
    }

    /// Tells whether it is 1xx.
    #[must_use]
    pub const fn is_provisional(self) -> bool {
        self.class() == 1
    }

    /// Tells whether it is 2xx to 6xx.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !self.is_provisional()
    }

    /// Tells whether it is 2xx.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.class() == 2
    }

    /// Tells whether it is 3xx.
    #[must_use]
    pub const fn is_redirect(self) -> bool {
        self.class() == 3
    }

    /// Tells whether it is 4xx to 6xx.
    #[must_use]
    pub const fn is_reject(self) -> bool {
        self.class() >= 4
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
