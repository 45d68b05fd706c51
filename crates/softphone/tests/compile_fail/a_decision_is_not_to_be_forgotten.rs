#![deny(unused_must_use)]

use softphone::{IncomingCall, Reject};

async fn forget(call: IncomingCall) {
    call.reject(Reject::busy());
}

fn main() {}
