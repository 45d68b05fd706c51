use softphone::{Redirect, Verdict};

fn screen(redirect: Redirect) -> Verdict {
    Verdict::Reject(redirect)
}

fn main() {}
