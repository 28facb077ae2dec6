//! A system call that touches nothing but its arguments.

use std::ffi::c_long;

/// Whether `errno` stays as it is.
pub(crate) const LEAVES_ERRNO: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

/// Makes a system call, and gives the kernel's answer: negative for an error.
///
/// # Safety
/// As the call demands.
#[inline]
pub(crate) unsafe fn syscall(number: c_long, arguments: [usize; 4]) -> isize {
    // SAFETY: the caller's.
    unsafe { arch::syscall(number, arguments) }
}

#[cfg(target_arch = "x86_64")]
mod arch {
    #[inline]
    pub(super) unsafe fn syscall(number: i64, [first, second, third, fourth]: [usize; 4]) -> isize {
        let answer;
        // SAFETY: the kernel's convention: it changes these three registers alone, and what memory the
        // call is about, for which the caller answers.
        unsafe {
            std::arch::asm!(
                "syscall",
                inlateout("rax") number as isize => answer,
                in("rdi") first,
                in("rsi") second,
                in("rdx") third,
                in("r10") fourth,
                lateout("rcx") _,
                lateout("r11") _,
                options(nostack),
            );
        }
        answer
    }
}

#[cfg(target_arch = "aarch64")]
mod arch {
    #[inline]
    pub(super) unsafe fn syscall(number: i64, [first, second, third, fourth]: [usize; 4]) -> isize {
        let answer;
        // SAFETY: the kernel's convention: it changes this one register alone, and what memory the call is
        // about, for which the caller answers.
        unsafe {
            std::arch::asm!(
                "svc 0",
                in("x8") number as isize,
                inlateout("x0") first as isize => answer,
                in("x1") second,
                in("x2") third,
                in("x3") fourth,
                options(nostack),
            );
        }
        answer
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod arch {
    use std::ffi::c_long;

    #[inline]
    pub(super) unsafe fn syscall(
        number: c_long,
        [first, second, third, fourth]: [usize; 4],
    ) -> isize {
        // SAFETY: the caller's.
        let answer = unsafe { libc::syscall(number, first, second, third, fourth) };
        match answer {
            0.. => answer as isize,
            _ => {
                let error = std::io::Error::last_os_error();
                -(error.raw_os_error().unwrap_or(libc::EIO) as isize)
            }
        }
    }
}
