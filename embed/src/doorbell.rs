//! Something that the system can wait for, set while something waits for the host's thread.

use std::io;
use std::sync::{Mutex, PoisonError};

/// Made when it is first asked for.
#[derive(Default)]
pub(crate) struct Doorbell(Mutex<State>);

#[derive(Default)]
struct State {
    rings: bool,
    bell: Option<sys::Bell>,
}

impl Doorbell {
    /// Whether something waits, from now on.
    pub fn set(&self, rings: bool) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut state.rings, rings) != rings
            && let Some(bell) = &state.bell
        {
            bell.set(rings);
        }
    }

    /// What can be waited for; valid as long as this lives.
    pub fn handle(&self) -> io::Result<i64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rings = state.rings;
        if state.bell.is_none() {
            let bell = sys::Bell::new()?;
            bell.set(rings);
            state.bell = Some(bell);
        }
        state.bell.as_ref().map(sys::Bell::handle).ok_or_else(|| io::ErrorKind::Other.into())
    }
}

/// An eventfd, or elsewhere on Unix a pipe that holds a byte while it rings.
#[cfg(unix)]
mod sys {
    use rustix::io::{read, write};
    use std::io;
    use std::os::fd::{AsRawFd, OwnedFd};

    pub(super) struct Bell {
        wait: OwnedFd,
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        ring: OwnedFd,
    }

    impl Bell {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        pub fn new() -> io::Result<Self> {
            use rustix::event::{EventfdFlags, eventfd};
            Ok(Self { wait: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)? })
        }

        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        pub fn new() -> io::Result<Self> {
            use rustix::io::{FdFlags, fcntl_setfd, ioctl_fionbio};
            let (wait, ring) = rustix::pipe::pipe()?;
            for end in [&wait, &ring] {
                ioctl_fionbio(end, true)?;
                fcntl_setfd(end, FdFlags::CLOEXEC)?;
            }
            Ok(Self { wait, ring })
        }

        /// Called for changes only, so that neither end is ever full or empty when it must not be.
        pub fn set(&self, rings: bool) {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            let (ring, one) = (&self.wait, 1u64.to_ne_bytes());
            #[cfg(not(any(target_os = "linux", target_os = "android")))]
            let (ring, one) = (&self.ring, [1u8]);
            let mut taken = one;
            let _ = if rings { write(ring, &one) } else { read(&self.wait, &mut taken) };
        }

        pub fn handle(&self) -> i64 {
            self.wait.as_raw_fd().into()
        }
    }
}

/// An event that stays signalled until it is reset.
#[cfg(windows)]
mod sys {
    use std::io;
    use windows_sys::Win32::Foundation::{CloseHandle, HANDLE};
    use windows_sys::Win32::System::Threading::{CreateEventW, ResetEvent, SetEvent};

    pub(super) struct Bell(HANDLE);

    // SAFETY: the system's events may be used on any thread.
    unsafe impl Send for Bell {}

    impl Bell {
        pub fn new() -> io::Result<Self> {
            // SAFETY: no attributes and no name are given; manual reset, not signalled.
            let event = unsafe { CreateEventW(std::ptr::null(), 1, 0, std::ptr::null()) };
            if event.is_null() { Err(io::Error::last_os_error()) } else { Ok(Self(event)) }
        }

        pub fn set(&self, rings: bool) {
            // SAFETY: the event lives as long as this.
            let _ = unsafe { if rings { SetEvent(self.0) } else { ResetEvent(self.0) } };
        }

        pub fn handle(&self) -> i64 {
            self.0.expose_provenance() as i64
        }
    }

    impl Drop for Bell {
        fn drop(&mut self) {
            // SAFETY: closed once, by its owner.
            unsafe { CloseHandle(self.0) };
        }
    }
}
