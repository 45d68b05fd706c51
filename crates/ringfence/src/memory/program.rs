//! Pages of the program and its libraries that are not needed any more go back to the system.
//!
//! Linux maps sixteen pages around each one that is needed for the first time, and a start needs some of nearly everything: of
//! 16 MiB that are mapped once it is over, a program at rest needs less than four. What is taken away here is still in the system's
//! memory as long as that has room, and comes back with the next step that needs it, a microsecond for sixteen pages. A
//! debugger's breakpoints are lost by it.

use std::collections::BTreeSet;
use std::ops::Range;

/// Where the program and its libraries are mapped that are only read and run, as they are in their files.
#[derive(Debug, Default)]
pub(crate) struct Program {
    ranges: Vec<Range<usize>>,
}

impl Program {
    /// Reads what is mapped, before anything but the loader has mapped a file. Where that cannot be read, nothing is given back.
    pub(crate) fn mapped() -> Self {
        Self::of(&std::fs::read_to_string("/proc/self/smaps").unwrap_or_default())
    }

    /// Reads what `/proc/PID/smaps` says (proc(5)).
    fn of(maps: &str) -> Self {
        let mappings: Vec<Mapping<'_>> = Mapping::all(maps);
        let run = mappings.iter().filter(|mapping| mapping.rights == "r-xp").map(|mapping| mapping.file);
        let loaded: BTreeSet<&str> = run.collect();
        let is_read_only = |mapping: &&Mapping<'_>| matches!(mapping.rights, "r-xp" | "r--p");
        // Pages that were changed, by the loader for instance, are no file's any more.
        let whole = mappings.iter().filter(is_read_only).filter(|mapping| mapping.is_unchanged);
        let ranges =
            whole.filter(|mapping| loaded.contains(mapping.file)).map(|mapping| mapping.range.clone());
        Self { ranges: ranges.collect() }
    }

    /// Takes the pages away. Whoever runs meanwhile waits for them to be mapped again, and for nothing else.
    #[cfg(target_os = "linux")]
    #[expect(unsafe_code, reason = "pages are taken away that are in use")]
    pub(super) fn give_back(&self) {
        for range in &self.ranges {
            // SAFETY: what is read there afterwards is what was read before. The range is of the program itself or a library that
            // was there at the start: neither is ever unmapped. It is private and cannot be written to, and none of its pages
            // was any other than the file's when that was read; what maps anonymous memory in its place (text in huge pages)
            // does so before `main`. Nobody changes a file that is run (ETXTBSY), and whoever changes a library in
            // place changes it for all that run. Whether the system heeds the advice changes nothing.
            unsafe { libc::madvise(range.start as *mut libc::c_void, range.len(), libc::MADV_DONTNEED) };
        }
    }

    /// Other systems are not known to map what nobody needs.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn give_back(&self) {}
}

/// One mapping of a file.
#[derive(Debug)]
struct Mapping<'m> {
    range: Range<usize>,
    rights: &'m str,
    file: &'m str,
    /// Whether each of its pages is the file's.
    is_unchanged: bool,
}

impl<'m> Mapping<'m> {
    fn all(maps: &'m str) -> Vec<Self> {
        let mut all: Vec<Option<Self>> = Vec::new();
        for line in maps.lines() {
            match line.split_once(':') {
                Some(("Anonymous", kib)) => {
                    if let Some(Some(last)) = all.last_mut() {
                        last.is_unchanged = kib.trim() == "0 kB";
                    }
                }
                Some((field, _)) if !field.contains(' ') => {}
                Some(_) | None => all.push(Self::of(line)),
            }
        }
        all.into_iter().flatten().collect()
    }

    /// Reads a line as `7f00-7f80 r-xp 00001000 fe:00 4711 /usr/bin/ringfence`. `None` for what is no file.
    fn of(line: &'m str) -> Option<Self> {
        // A name may have spaces in it.
        let file = &line[line.find('/')?..];
        let mut fields = line.split_ascii_whitespace();
        let (range, rights) = (fields.next()?, fields.next()?);
        let (start, end) = range.split_once('-')?;
        let [start, end] = [start, end].map(|address| usize::from_str_radix(address, 16).ok());
        Some(Self { range: start?..end?, rights, file, is_unchanged: false })
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt as _;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::thread;

    use super::*;
    use crate::visible::visible;

    const MAPS: &str = "\
55d0-55d4 r--p 00000000 fe:00 4711   /opt/my phone/ringfence
Rss:                  16 kB
Anonymous:             0 kB
VmFlags: rd mr mw me
55d4-55d8 r-xp 00004000 fe:00 4711   /opt/my phone/ringfence
Anonymous:             0 kB
55d8-55d9 r--p 00008000 fe:00 4711   /opt/my phone/ringfence
Anonymous:             4 kB
55d9-55da rw-p 00009000 fe:00 4711   /opt/my phone/ringfence
Anonymous:             0 kB
55da-55db rw-p 00000000 00:00 0      [heap]
Anonymous:             0 kB
7f00-7f01 r--p 00000000 fe:00 4712   /usr/lib/locale/locale-archive
Anonymous:             0 kB
7f10-7f12 r-xp 00000000 00:00 0
Anonymous:             0 kB
7f20-7f28 r-xp 00001000 fe:00 4713   /lib/libc.so.6
Anonymous:             0 kB
7f28-7f29 r-xs 00001000 fe:00 4713   /lib/libc.so.6
Anonymous:             0 kB
7f30-7f38 r-xp 00001000 fe:00 4714   /lib/relocated.so
Anonymous:             8 kB
7f40-7f41 r-xp 00000000 00:00 0      [vdso]
Anonymous:             0 kB
7f50-7f51 r-xp 00001000 fe:00 4715   /lib/unfinished.so
";

    #[test]
    fn what_is_run_and_unchanged_is_the_program() {
        let program = Program::of(MAPS);
        assert_eq!(program.ranges, [0x55d0..0x55d4, 0x55d4..0x55d8, 0x7f20..0x7f28]);
        assert_eq!(Program::of("").ranges.len(), 0);
        assert_eq!(Program::of("nonsense\n: \nAnonymous: 0 kB\n-- r-xp 0 0 1 /x\n").ranges.len(), 0);
    }

    /// What no other test looks at.
    static BYTES: [u8; PAGES * PAGE] = [7; PAGES * PAGE];
    const PAGES: usize = 256;
    const PAGE: usize = 4096;

    /// Counts the pages of [`BYTES`] that are mapped (`/proc/PID/pagemap`, proc(5)), on systems with pages of 4 KiB.
    fn mapped_pages() -> usize {
        let mut entries = [0; 8 * PAGES];
        let first = BYTES.as_ptr().addr() / PAGE;
        File::open("/proc/self/pagemap").unwrap().read_exact_at(&mut entries, 8 * first as u64).unwrap();
        entries.as_chunks::<8>().0.iter().filter(|entry| u64::from_le_bytes(**entry) >> 63 == 1).count()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_given_back_is_mapped_no_more() {
        let program = Program::mapped();
        let are_mapped = |_| {
            assert!(std::hint::black_box(&BYTES).iter().all(|byte| *byte == 7));
            mapped_pages() == PAGES
        };
        // The other test gives back meanwhile.
        assert!((0..10_000).any(are_mapped));
        program.give_back();
        // Around what lies beside it sixteen pages may be mapped.
        assert!(mapped_pages() <= 32, "{}", mapped_pages());
    }

    #[test]
    fn whoever_runs_meanwhile_goes_on_as_if_nothing_were_taken() {
        let program = Program::mapped();
        let is_over = AtomicBool::new(false);
        let texts = |round: u64| (round.to_string(), visible(&format!("a\u{202e}{round}")));
        let expected: Vec<_> = (0..100).map(texts).collect();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !is_over.load(Relaxed) {
                        assert!((0..).map(texts).zip(&expected).all(|(now, before)| now == *before));
                    }
                });
            }
            (0..1_000).for_each(|_| program.give_back());
            is_over.store(true, Relaxed);
        });
    }
}
