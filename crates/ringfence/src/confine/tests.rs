//! Each test confines a thread of its own: what is asked for counts for that thread alone.

#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::thread;

use memmap2::MmapMut;

use super::*;

/// Does something in a thread that may read and write one folder, and returns what came of it.
fn confined<T: Send + 'static>(folder: &Path, run: &[&str], work: impl FnOnce() -> T + Send + 'static) -> T {
    let folders = Folders {
        read: vec![PathBuf::from("/usr/lib")],
        run: run.iter().map(PathBuf::from).collect(),
        write: vec![folder.to_owned()],
        files: Vec::new(),
    };
    let confining = thread::spawn(move || {
        let (extent, lacks) = files::restrict(&folders, &[]).unwrap();
        assert_eq!((extent, lacks), (Extent::Whole, None), "the kernel of a machine for tests has Landlock");
        calls::restrict(!folders.run.is_empty()).unwrap();
        work()
    });
    confining.join().unwrap()
}

fn is_denied<T>(outcome: io::Result<T>) -> bool {
    outcome.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

#[test]
fn what_is_not_of_its_own_is_neither_read_nor_written() {
    let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(other.path().join("secret"), "dear").unwrap();
    fs::write(own.path().join("kept"), "mine").unwrap();
    let (folder, beside) = (own.path().to_owned(), other.path().to_owned());
    confined(own.path(), &[], move || {
        assert!(is_denied(File::open("/etc/shadow")));
        assert!(is_denied(fs::read(beside.join("secret"))));
        assert!(is_denied(fs::read_dir("/root")));
        assert!(is_denied(fs::write(beside.join("new"), "")));
        assert!(is_denied(fs::remove_file(beside.join("secret"))));
        assert!(is_denied(fs::write("/usr/lib/new", "")));
        assert_eq!(fs::read(folder.join("kept")).unwrap(), b"mine");
        fs::write(folder.join("new"), "more").unwrap();
        fs::rename(folder.join("new"), folder.join("kept")).unwrap();
        fs::remove_file(folder.join("kept")).unwrap();
        drop(UnixListener::bind(folder.join("socket")).unwrap());
    });
}

#[test]
fn no_program_is_run_unless_one_is_asked_about_callers() {
    let own = tempfile::tempdir().unwrap();
    let runs = || Command::new("/usr/bin/true").status();
    assert!(is_denied(confined(own.path(), &[], runs)));
    let usual = ["/usr", "/bin", "/lib", "/lib64"];
    assert!(confined(own.path(), &usual, runs).unwrap().success());
}

#[test]
fn code_is_not_made_and_no_other_kind_of_socket() {
    let own = tempfile::tempdir().unwrap();
    confined(own.path(), &[], || {
        let memory = MmapMut::map_anon(4_096).unwrap();
        assert!(is_denied(memory.make_exec()));
        for family in [socket2::Domain::PACKET, socket2::Domain::VSOCK] {
            assert!(is_denied(socket2::Socket::new(family, socket2::Type::DGRAM, None)));
        }
        let news =
            |of: i32| socket2::Socket::new(libc::AF_NETLINK.into(), socket2::Type::RAW, Some(of.into()));
        assert!(is_denied(news(libc::NETLINK_AUDIT)));
        news(libc::NETLINK_ROUTE).unwrap();
        UdpSocket::bind("127.0.0.1:0").unwrap();
    });
}

#[test]
fn it_listens_by_tcp_where_it_is_to_and_connects_anywhere() {
    let own = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    confined(own.path(), &[], move || {
        TcpStream::connect(address).unwrap();
        assert!(is_denied(TcpListener::bind(taken)));
    });
}

#[test]
fn threads_that_it_starts_are_confined_with_it() {
    let own = tempfile::tempdir().unwrap();
    let read = confined(own.path(), &[], || thread::spawn(|| File::open("/etc/shadow")).join().unwrap());
    assert!(is_denied(read));
}

#[test]
fn another_user_is_looked_up_and_becomes_it_only_for_root() {
    let system_user = user::SystemUser::find("nobody", None).unwrap();
    assert_ne!(system_user.owner().0, 0);
    let nobody = user::SystemUser::find("nobody-of-that-name", None).unwrap_err();
    assert_eq!(nobody.to_string(), "there is no user nobody-of-that-name");
    let group = user::SystemUser::find("nobody", Some("no-such-group")).unwrap_err();
    assert!(group.hint.contains("groupadd"), "{group:?}");
}
