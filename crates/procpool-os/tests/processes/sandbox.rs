//! A sandbox in which descriptors can't send signals, as some systems that only look like Linux.

use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, c_long, sock_filter};

/// From now on `fcntl(F_SETOWN)` is refused in this process.
pub(crate) fn forbid_signals_by_descriptor() {
    const NUMBER: u32 = std::mem::offset_of!(libc::seccomp_data, nr) as u32;
    // The low half of the second argument; the processors that this is run on are little-endian.
    const COMMAND: u32 = (std::mem::offset_of!(libc::seccomp_data, args) + 8) as u32;
    let refusal = libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned();
    let mut program = [
        step(BPF_LD | BPF_W | BPF_ABS, NUMBER, 0),
        step(BPF_JMP | BPF_JEQ | BPF_K, libc::SYS_fcntl as u32, 3),
        step(BPF_LD | BPF_W | BPF_ABS, COMMAND, 0),
        step(BPF_JMP | BPF_JEQ | BPF_K, libc::F_SETOWN.cast_unsigned(), 1),
        step(BPF_RET | BPF_K, refusal, 0),
        step(BPF_RET | BPF_K, libc::SECCOMP_RET_ALLOW, 0),
    ];
    let filter = libc::sock_fprog {
        len: program.len() as u16,
        filter: program.as_mut_ptr(),
    };
    let (yes, no): (c_long, c_long) = (1, 0);
    // SAFETY: this command takes numbers only.
    let promised = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, yes, no, no, no) };
    assert_eq!(promised, 0);
    let mode = c_long::from(libc::SECCOMP_MODE_FILTER);
    // SAFETY: `filter` describes `program`, and the kernel copies it during the call.
    let sandboxed = unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const filter) };
    assert_eq!(sandboxed, 0, "{}", std::io::Error::last_os_error());
}

/// One step of the filter. A comparison that fails goes on to the one `otherwise` steps later.
fn step(code: u32, k: u32, otherwise: u8) -> sock_filter {
    sock_filter {
        code: code as u16,
        jt: 0,
        jf: otherwise,
        k,
    }
}
