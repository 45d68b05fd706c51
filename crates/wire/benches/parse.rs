//! What reading and answering one INVITE costs; the INVITE is that of the rejected call's trace.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringfence_wire::sip::{HeaderName, Message, Printer, StatusCode};

const INVITE: &[u8] = include_bytes!("../../testing/data/reject-trace/1-invite.sip");

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("invite");
    group.throughput(Throughput::Bytes(INVITE.len() as u64));
    group.bench_function("parse", |bencher| bencher.iter(|| Message::parse(black_box(INVITE)).is_ok()));
    group.bench_function("parse and read what a server needs", |bencher| {
        bencher.iter(|| read(&Message::parse(black_box(INVITE)).expect("the trace is well formed")));
    });
    group.finish();
}

fn print(criterion: &mut Criterion) {
    let invite = Message::parse(INVITE).expect("the trace is well formed");
    let mut out = Vec::with_capacity(2048);
    criterion.bench_function("486 to the invite", |bencher| {
        bencher.iter(|| {
            out.clear();
            answer(black_box(&invite), &mut out);
            out.len()
        });
    });
}

/// The headers of RFC 3261 section 8.2, and the URIs in them.
fn read(invite: &Message<'_>) -> bool {
    let uri = ringfence_wire::sip::Uri::parse(invite.request_uri().unwrap_or_default());
    invite.via().is_ok()
        && invite.from().is_ok_and(|from| from.uri().is_ok())
        && invite.to().is_ok_and(|to| to.uri().is_ok())
        && invite.cseq().is_ok()
        && invite.call_id().is_ok()
        && matches!(invite.max_forwards(), Some(Ok(_)))
        && invite.contacts().all(|contact| contact.is_ok())
        && uri.is_ok()
}

fn answer(invite: &Message<'_>, out: &mut Vec<u8>) {
    let mut response = Printer::response(out, StatusCode::BUSY_HERE, None);
    for name in [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
        response.copy(invite, name);
    }
    response.header("Warning", b"399 ringfence \"on the list\"");
    response.finish();
}

criterion_group!(benches, parse, print);
criterion_main!(benches);
