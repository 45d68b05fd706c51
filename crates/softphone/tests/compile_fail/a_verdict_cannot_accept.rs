use softphone::Verdict;

fn screen() -> Verdict {
    Verdict::Accept
}

fn main() {}
