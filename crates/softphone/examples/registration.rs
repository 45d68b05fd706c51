//! Watches the registration of a line: its states, and why it fails.
//!
//! `cargo run --example registration -- sip:858@pbx.example.com secret`
use softphone::{Account, RegistrationState, Result, Softphone};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(password)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: registration ADDRESS PASSWORD");
        std::process::exit(2);
    };
    let phone = Softphone::builder().start().await?;
    let line = phone.line(Account::new(&address)?.password(&password)).await?;
    let mut registration = line.registration();
    let mut state = Some(registration.state());
    while let Some(newest) = state {
        match &newest {
            RegistrationState::Registering { attempt, .. } => println!("registering, attempt {attempt}"),
            RegistrationState::Registered { expires, .. } => {
                println!("registered for {} s", expires.as_secs());
            }
            RegistrationState::Failed { cause, retry_at } => {
                let wait = retry_at.and_then(|at| at.duration_since(std::time::SystemTime::now()).ok());
                println!("failed: {cause}; tried again in {} s", wait.unwrap_or_default().as_secs());
            }
            RegistrationState::Unregistered => println!("unregistered"),
            _ => {}
        }
        state = registration.changed().await;
    }
    Ok(())
}
