//! Pages of the program and its libraries that are not needed any more go back to the system.
//!
//! Linux maps sixteen pages around each one that is needed for the first time, and a start needs some of nearly everything: of
//! 16 MiB that are mapped once it is over, a program at rest needs some four. What is taken away here is still in the system's
//! memory as long as that has room, and comes back with the next step that needs it, a microsecond for sixteen pages.

#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
pub(super) use mapped::give_back;

/// Other systems are not known to map what nobody needs.
#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
pub(super) fn give_back() {}

#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod mapped {
    use std::ffi::{c_int, c_void};
    use std::{ptr, slice};

    /// What an object says of itself, two words an entry (`elf.h`).
    #[repr(C)]
    struct Dynamic {
        tag: usize,
        value: usize,
    }

    const DT_NULL: usize = 0;
    const DT_TEXTREL: usize = 22;
    const DT_FLAGS: usize = 30;
    const DF_TEXTREL: usize = 4;

    /// Takes the mapped pages away of all that is only read and run. Whoever runs meanwhile waits for them to be mapped again, and
    /// for nothing else.
    #[expect(unsafe_code, reason = "what is mapped where, only the loader knows")]
    pub(crate) fn give_back() {
        // SAFETY: `of_object` is called in this thread until this returns, keeps no pointer, and takes no data.
        unsafe { libc::dl_iterate_phdr(Some(of_object), ptr::null_mut()) };
    }

    /// Is told of one object after the other. Returns 0 to be told of the next.
    #[expect(unsafe_code, reason = "what is mapped where, only the loader knows")]
    unsafe extern "C" fn of_object(
        object: *mut libc::dl_phdr_info,
        _size: usize,
        _data: *mut c_void,
    ) -> c_int {
        // SAFETY: the loader holds the object, and the headers that it points to, as long as this runs (dl_iterate_phdr(3)).
        let (start, headers) = unsafe {
            let object = &*object;
            (object.dlpi_addr, slice::from_raw_parts(object.dlpi_phdr, object.dlpi_phnum.into()))
        };
        // SAFETY: it reads a value that the kernel handed over at the start.
        let vdso = unsafe { libc::getauxval(libc::AT_SYSINFO_EHDR) };
        // SAFETY: it takes a constant.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let Ok(page) = u64::try_from(page) else { return 0 };
        let dynamic = headers.iter().find(|header| header.p_type == libc::PT_DYNAMIC);
        // SAFETY: the dynamic section of a loaded object lies where its header says, and ends with `DT_NULL`.
        let is_changed =
            dynamic.is_none_or(|header| unsafe { is_relocated((start + header.p_vaddr) as *const Dynamic) });
        // The vDSO is the kernel's, and no file.
        if is_changed || start == vdso {
            return 0;
        }
        let only_read = headers
            .iter()
            .filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0);
        for header in only_read {
            // Whole pages of the segment alone.
            let from = (start + header.p_vaddr).next_multiple_of(page);
            let until = (start + header.p_vaddr + header.p_filesz) / page * page;
            let Ok(length) = usize::try_from(until.saturating_sub(from)) else { continue };
            // SAFETY: these are pages of a file which nobody can write to in this process, and the loader has not either: it
            // would have said so by DT_TEXTREL. So what is read there afterwards is what was read before. Whether the
            // system heeds it changes nothing.
            unsafe { libc::madvise(from as *mut c_void, length, libc::MADV_DONTNEED) };
        }
        0
    }

    /// Tells whether the loader may have changed what is only read.
    ///
    /// # Safety
    ///
    /// `entries` point to the dynamic section of a loaded object.
    #[expect(unsafe_code, reason = "its end is known by its content alone")]
    unsafe fn is_relocated(mut entries: *const Dynamic) -> bool {
        loop {
            // SAFETY: before `DT_NULL` there is a next entry, and that one is the last that is looked at.
            let entry = unsafe { &*entries };
            match entry.tag {
                DT_NULL => return false,
                DT_TEXTREL => return true,
                DT_FLAGS if entry.value & DF_TEXTREL != 0 => return true,
                // SAFETY: this one is not the last.
                _ => entries = unsafe { entries.add(1) },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::thread;

    use super::*;
    use crate::visible::visible;

    #[test]
    fn whoever_runs_meanwhile_goes_on_as_if_nothing_were_taken() {
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
            (0..1_000).for_each(|_| give_back());
            is_over.store(true, Relaxed);
        });
    }
}
