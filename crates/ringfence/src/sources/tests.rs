//! Sources that hang, lie and fail: real servers with TLS on loopback, and programs.

mod fetching;
mod server;
mod stage;
