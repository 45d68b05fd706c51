#![deny(unused_must_use)]

async fn overlook(line: softphone::Line) {
    line.incoming().await.unwrap();
    line.incoming().await;
}

fn main() {}
