//! Rejects what comes from a PBX that sends its calls without being registered at: by a task that is told of each, or by a screen.
//!
//! `cargo run --example trunk -- 0.0.0.0:5060 sip:858@pbx.example.com task`
use std::net::SocketAddr;

use softphone::{Account, Reject, Result, Softphone};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().and_then(|text| text.parse::<SocketAddr>().ok());
    let (address, by) = (arguments.next(), arguments.next());
    let (Some(listen), Some(address), Some(by @ ("task" | "screen"))) = (listen, address, by.as_deref())
    else {
        eprintln!("usage: trunk IP:PORT ADDRESS task|screen");
        std::process::exit(2);
    };
    let busy = Reject::busy().warning("User reject");

    let phone = Softphone::builder().listen(listen);
    let phone = if by == "screen" {
        let busy = busy.clone();
        phone.screen(move |_| busy.clone().into())
    } else {
        phone
    };
    let phone = phone.start().await?;
    let line = phone.register(Account::new(&address)?.register(false)).await?;
    println!("{} is reached at {:?}", line.address_of_record(), phone.local_addresses());
    // In a task: this thread would have to wake another one for each that it begins.
    let answering = tokio::spawn(async move {
        while let Some(call) = line.incoming().await {
            // Each in a task of its own: to wait for one answer to be sent would keep the next caller waiting.
            tokio::spawn(call.reject(busy.clone()));
        }
    });
    answering.await.expect("it does not panic");
    Ok(())
}
