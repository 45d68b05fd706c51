//! Rejects callers from a list and sends the rest to another phone.
//!
//! `cargo run --example reject_list -- sip:858@pbx.example.com secret sip:1000@pbx.example.com +41791234567 +41443334455`
use softphone::{Account, Redirect, Reject, Result, Softphone, Verdict};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(password), Some(target)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        eprintln!("usage: reject_list ADDRESS PASSWORD TARGET NUMBER...");
        std::process::exit(2);
    };
    let (listed, busy) = (arguments.collect::<Vec<_>>(), Reject::busy().warning("User reject"));
    let elsewhere = Redirect::to(&target)?;

    let phone = Softphone::builder()
        .screen(move |invite| {
            let caller = invite.caller().map(|caller| caller.user().into_owned()).unwrap_or_default();
            if listed.contains(&caller) { busy.clone().into() } else { Verdict::from(elsewhere.clone()) }
        })
        .ended(|ended| println!("call {} ended: {:?} {:?}", ended.call, ended.status, ended.how))
        .start()
        .await?;
    let line = phone.register(Account::new(&address)?.password(&password)).await?;
    println!("{} is online", line.address_of_record());
    // Every call is decided by the screen, so that none comes out here until the line is no more.
    while line.incoming().await.is_some() {}
    Ok(())
}
