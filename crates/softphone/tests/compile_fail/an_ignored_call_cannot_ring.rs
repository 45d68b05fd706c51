async fn ignore(mut call: softphone::IncomingCall) -> softphone::Result<()> {
    call.ignore();
    call.ring().await
}

fn main() {}
