//! A sandbox in which some system calls are refused, as on older kernels and on systems that only resemble Linux.

use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, c_long, sock_filter};

/// From now on `fcntl(F_SETOWN)` is refused in this process.
pub(crate) fn forbid_signals_by_descriptor() {
    let command = libc::F_SETOWN.cast_unsigned();
    refuse(libc::SYS_fcntl, 1, command, libc::EPERM);
}

/// From now on `pidfd_send_signal` knows no process groups in this process, as before Linux 6.9.
pub(crate) fn forbid_groups_by_pidfd() {
    const PIDFD_SIGNAL_PROCESS_GROUP: u32 = 1 << 2;
    refuse(
        libc::SYS_pidfd_send_signal,
        3,
        PIDFD_SIGNAL_PROCESS_GROUP,
        libc::EINVAL,
    );
}

/// Refuses the system call with this number if the argument at this index has this value.
fn refuse(number: c_long, index: usize, value: u32, error: libc::c_int) {
    const NUMBER: u32 = std::mem::offset_of!(libc::seccomp_data, nr) as u32;
    // The low half of the argument, on a little-endian machine.
    let argument = std::mem::offset_of!(libc::seccomp_data, args) + index * size_of::<u64>();
    let refusal = libc::SECCOMP_RET_ERRNO | error.cast_unsigned();
    let mut program = [
        step(BPF_LD | BPF_W | BPF_ABS, NUMBER, 0),
        step(BPF_JMP | BPF_JEQ | BPF_K, number as u32, 3),
        step(BPF_LD | BPF_W | BPF_ABS, argument as u32, 0),
        step(BPF_JMP | BPF_JEQ | BPF_K, value, 1),
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
