//! By an io_uring.

use std::collections::VecDeque;
use std::io;
use std::mem::{size_of, zeroed};

use io_uring::squeue::Entry;
use io_uring::types::{Fd, RecvMsgOut};
use io_uring::{IoUring, cqueue, opcode};
use libc::{c_int, iovec, msghdr, sockaddr_in};

use crate::{AT_ONCE, LONGEST, answer};

const GROUP: u16 = 1;
const BUFFERS: usize = 4 * AT_ONCE;

const RECEIVE: u64 = u64::MAX;
const PROVIDE: u64 = u64::MAX - 1;

/// An answer under way, with all that the kernel reads of it.
struct Answer {
    bytes: Vec<u8>,
    name: sockaddr_in,
    piece: iovec,
    message: msghdr,
}

/// Answers for ever.
pub(crate) fn serve(socket: c_int) -> io::Result<()> {
    let mut ring: IoUring = IoUring::builder().setup_single_issuer().setup_defer_taskrun().build(1_024)?;
    let mut buffers = vec![0_u8; BUFFERS * LONGEST];
    // SAFETY: zero is a value of a `msghdr` and of a `sockaddr_in`.
    let mut pattern: msghdr = unsafe { zeroed() };
    pattern.msg_namelen = size_of::<sockaddr_in>() as u32;
    let mut answers: Vec<Box<Answer>> = (0..BUFFERS)
        .map(|_| {
            // SAFETY: the same.
            let (name, message) = unsafe { (zeroed(), zeroed()) };
            let piece = iovec { iov_base: std::ptr::null_mut(), iov_len: 0 };
            Box::new(Answer { bytes: Vec::with_capacity(LONGEST), name, piece, message })
        })
        .collect();
    let mut free: Vec<usize> = (0..BUFFERS).collect();
    let receive =
        || opcode::RecvMsgMulti::new(Fd(socket), &raw const pattern, GROUP).build().user_data(RECEIVE);
    let start = buffers.as_mut_ptr();
    let provide = |first: usize, count: usize| {
        // SAFETY: a buffer lies within all of them.
        let place = unsafe { start.add(first * LONGEST) };
        opcode::ProvideBuffers::new(place, LONGEST as i32, count as u16, GROUP, first as u16)
            .build()
            .user_data(PROVIDE)
    };
    let mut waiting: VecDeque<Entry> = [provide(0, BUFFERS), receive()].into();
    loop {
        while let Some(entry) = waiting.pop_front() {
            // SAFETY: what an entry points to lives until its completion: buffers for ever, an answer until it is free again.
            if unsafe { ring.submission().push(&entry) }.is_err() {
                waiting.push_front(entry);
                break;
            }
        }
        ring.submit_and_wait(1)?;
        for done in ring.completion() {
            match done.user_data() {
                RECEIVE => {
                    if let Some(buffer) = cqueue::buffer_select(done.flags()) {
                        let at = usize::from(buffer) * LONGEST;
                        // SAFETY: the kernel has given this buffer back, and no other has it until it is provided again.
                        let bytes = unsafe { std::slice::from_raw_parts(start.add(at), LONGEST) };
                        if let Ok(told) = RecvMsgOut::parse(bytes, &pattern)
                            && let Some(index) = free.pop()
                        {
                            match answering(&mut answers[index], &told) {
                                true => {
                                    let message = &raw const answers[index].message;
                                    waiting.push_back(
                                        opcode::SendMsg::new(Fd(socket), message)
                                            .build()
                                            .user_data(index as u64),
                                    );
                                }
                                false => free.push(index),
                            }
                        }
                        waiting.push_back(provide(buffer.into(), 1));
                    }
                    if !cqueue::more(done.flags()) {
                        waiting.push_back(receive());
                    }
                }
                PROVIDE => {}
                sent => free.push(sent as usize),
            }
        }
    }
}

/// Makes an answer ready to be sent; tells whether there is one.
fn answering(answer_to: &mut Answer, told: &RecvMsgOut<'_>) -> bool {
    if !answer(told.payload_data(), &mut answer_to.bytes) {
        return false;
    }
    let name = told.name_data();
    // SAFETY: a `sockaddr_in` is made of its octets, of which there are as many as were asked for at most.
    unsafe {
        std::ptr::copy_nonoverlapping(
            name.as_ptr(),
            (&raw mut answer_to.name).cast(),
            name.len().min(size_of::<sockaddr_in>()),
        );
    }
    answer_to.piece = iovec { iov_base: answer_to.bytes.as_mut_ptr().cast(), iov_len: answer_to.bytes.len() };
    answer_to.message.msg_name = (&raw mut answer_to.name).cast();
    answer_to.message.msg_namelen = size_of::<sockaddr_in>() as u32;
    answer_to.message.msg_iov = &raw mut answer_to.piece;
    answer_to.message.msg_iovlen = 1;
    true
}
