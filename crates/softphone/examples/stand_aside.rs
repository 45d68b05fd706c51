//! One of several phones on a number: declines listed callers for all of them, and leaves the rest to the others.
//!
//! `cargo run --example stand_aside -- sip:858@pbx.example.com secret +41791234567 +41443334455`
use std::time::Duration;

use softphone::{Account, Reject, Result, Softphone, Verdict, Wait};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(password)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: stand_aside ADDRESS PASSWORD NUMBER...");
        std::process::exit(2);
    };
    // A 6xx stops the other phones, where the proxy heeds it; 486 would not.
    let (listed, decline) = (arguments.collect::<Vec<_>>(), Reject::decline());
    let aside = Wait::stand_aside(Duration::from_secs(3));

    let phone = Softphone::builder()
        .screen(move |invite| {
            let caller = invite.caller().map(|caller| caller.user().into_owned()).unwrap_or_default();
            if listed.contains(&caller) { decline.clone().into() } else { Verdict::from(aside.clone()) }
        })
        .ended(|ended| println!("call {} ended by {:?}: {:?}", ended.call, ended.by, ended.status))
        .start()
        .await?;
    let line = phone.register(Account::new(&address)?.password(&password)).await?;
    println!("{} is online", line.address_of_record());
    // Every call is decided by the screen, so that none comes out here until the line is no more.
    while line.incoming().await.is_some() {}
    Ok(())
}
