//! Registers extension 858 and answers every call with 486 Busy Here.
use softphone::{Account, Reject, Result, Softphone};

#[tokio::main]
async fn main() -> Result<()> {
    let phone = Softphone::builder().rtp_ports(5000..=10000).start().await?;
    let account = Account::new("sip:858@192.168.115.100:5060")?.password("858");
    let line = phone.register(account).await?;
    println!("Registration succeeded - Online!");

    while let Some(call) = line.incoming().await {
        call.reject(Reject::busy().warning("User reject")).await?;
    }
    Ok(())
}
