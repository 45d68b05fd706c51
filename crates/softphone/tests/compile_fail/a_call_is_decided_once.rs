use softphone::{IncomingCall, Reject};

async fn decide(call: IncomingCall) -> softphone::Result<()> {
    call.reject(Reject::busy()).await?;
    call.redirect("sip:1000@pbx.example.com").await
}

fn main() {}
