//! Sources that hang, lie and fail: real servers with TLS on loopback, and programs.

mod fetching;
mod kept;
mod look_ups;
mod panicking;
mod programs;
mod ready;
mod server;
mod stage;
